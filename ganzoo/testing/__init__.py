"""Contract tests for packages that register models, trainers or data sources.

Installed by `pip install "ganzoo[testing]"`. This is a whole test file:

>>> from ganzoo.testing import contract
>>> TestContract = contract("my-gan")

`pytest --ganzoo my-gan` checks an installed package without a test file, from its defaults.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ganzoo.discovery.registry import KINDS, Plugin
from ganzoo.errors import GanzooError, UnknownName

Settings = Mapping[str, Any] | str
Check = Callable[..., None]


def contract(
    distribution: str,
    small: Mapping[str, Settings] | None = None,
    *,
    without: Collection[str] = (),
    trained: str = "dcgan-mini",
) -> type:
    """A class of tests, each run for each model, trainer and data source of the distribution.

    `small` maps names to settings: for a model, hyperparameters with which it is trained in a
    moment (besides `batch_size=4` and `steps=4`); for a data source, the text after its colon.
    `without` names plugins that cannot be checked here (a source that needs a network). Trainers
    are checked on the model `trained`. Raises UnknownName if no such distribution is installed, or
    if it does not register a name in `small` or `without`.
    """
    import pytest

    from ganzoo.testing.cases import case_of

    small = small or {}
    plugins = registered(distribution)
    names = [plugin.name for plugin in plugins]
    unknown_names = {*small, *without} - {*names, trained}
    if unknown_names:
        raise UnknownName(
            f"{distribution} registers no {min(unknown_names)!r}; choose from {', '.join(names)}"
        )
    cases: dict[Check, list[Any]] = {}  # trainers share three checks with models
    for plugin in plugins:
        if plugin.name in without:
            continue
        case = pytest.param(case_of(plugin, small, trained), id=plugin.name)
        for check in checks_of(plugin.kind):
            cases.setdefault(check, []).append(case)
    tests: dict[str, Any] = {
        "__test__": True,
        "__doc__": f"The contract of everything that {distribution} registers.",
    }
    for check, of_check in cases.items():
        parametrized = pytest.mark.parametrize("case", of_check)
        tests[f"test_{check.__name__}"] = parametrized(_test(check))
    return type("TestContract", (), tests)


def registered(distribution: str) -> list[Plugin]:
    """The plugins of an installed distribution. Raises UnknownName if it has none."""
    plugins = []
    for registry in KINDS.values():
        for plugin in registry.plugins():
            if plugin.is_of(distribution):
                plugins.append(plugin)
    if not plugins:
        raise UnknownName(
            f"no installed distribution {distribution!r} registers a model, a trainer, a data "
            "source or an augmentation: pip install -e . in its folder, and see "
            "[project.entry-points] in its pyproject.toml"
        )
    return plugins


def checks_of(kind: str) -> list[Check]:
    """The checks of a "model", a "trainer", a "data source", an "augmentation" or a "command"."""
    from ganzoo.testing import (
        augmentation_checks,
        command_checks,
        model_checks,
        source_checks,
        trainer_checks,
    )

    modules: dict[str, Any] = {
        "command": command_checks,
        "augmentation": augmentation_checks,
        "model": model_checks,
        "trainer": trainer_checks,
        "data source": source_checks,
    }
    return list(modules[kind].CHECKS)


def _test(check: Check) -> Check:
    import pytest

    from ganzoo.testing.cases import Broken, run_check

    def test(self: object, case: Any, tmp_path: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        message = None
        try:
            run_check(check, case)
        except (Broken, GanzooError) as error:  # any other error is shown with its traceback
            message = f"{case.display_name}: {error}"
        if message:
            pytest.fail(message, pytrace=False)

    test.__doc__ = check.__doc__
    test.__test__ = True  # type: ignore[attr-defined]  # pytest may look for other names
    return test
