"""The pytest plugin: `pytest --ganzoo DISTRIBUTION` holds an installed package to the contract, without a test file.

What does not work from its defaults (a source that needs an argument), or takes long with them, needs a test file.
"""

from pathlib import Path

import pytest

from ganzoo.errors import GanzooError

chosen: list[str] = []
"""The distributions that the command line named, for anyone.py, which pytest collects in place of the test paths."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("ganzoo").addoption(
        "--ganzoo", metavar="DISTRIBUTION", help="Hold this installed package of ganzoo plugins to their contract."
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not (distribution := config.getoption("--ganzoo")):
        return
    from ganzoo.testing import registered

    try:
        registered(distribution)
    except GanzooError as error:
        raise pytest.UsageError(str(error)) from None
    chosen[:] = [distribution]
    asked_for = config.args if config.args_source == pytest.Config.ArgsSource.ARGS else []
    config.args = [*asked_for, str(Path(__file__).with_name("anyone.py"))]
