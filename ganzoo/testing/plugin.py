"""The pytest plugin: `pytest --ganzoo DISTRIBUTION` checks an installed package from its defaults.

A source that needs an argument, or a model that is slow by default, needs a test file.
"""

from pathlib import Path

import pytest

from ganzoo.errors import GanzooError

chosen: list[str] = []
"""The distribution of --ganzoo; pytest collects collected.py instead of its testpaths."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("ganzoo").addoption(
        "--ganzoo",
        metavar="DISTRIBUTION",
        help="Check the models, trainers and data sources of this installed package.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    distribution = config.getoption("--ganzoo")
    if not distribution:
        return
    from ganzoo.testing import registered

    try:
        registered(distribution)
    except GanzooError as error:
        raise pytest.UsageError(str(error)) from None
    chosen[:] = [distribution]
    has_paths = config.args_source == pytest.Config.ArgsSource.ARGS
    paths = config.args if has_paths else []
    config.args = [*paths, str(Path(__file__).with_name("collected.py"))]
