"""Contract tests for packages that register models, trainers or data sources (`pip install "ganzoo[testing]"`).

>>> from ganzoo.testing import contract
>>> TestContract = contract("my-gan")

in a test file is all; `pytest --ganzoo my-gan` does it without a file to an installed package, from its defaults.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ganzoo.errors import GanzooError, UnknownName
from ganzoo.registry import KINDS, Plugin

Settings = Mapping[str, Any] | str


def contract(
    distribution: str,
    small: Mapping[str, Settings] | None = None,
    *,
    without: Collection[str] = (),
    trained: str = "dcgan-mini",
) -> type:
    """A class of tests, each run for each model, trainer and data source that the distribution registers.

    `small` has, by name, the hyperparameters with which a model is trained in a moment (they join `batch_size=4` and
    `steps=4`), and of a data source what stands after its colon. `without` names what cannot be tried here (a source
    that needs a network). Trainers are tried on the model `trained`. Raises UnknownName when no such distribution is
    installed, or a name is given that it does not register.
    """
    import pytest

    from ganzoo.testing.cases import case_of, checks_of

    plugins = registered(distribution)
    if stray := {*(small or {}), *without} - {plugin.name for plugin in plugins} - {trained}:
        raise UnknownName(f"{distribution} registers no {min(stray)!r}; it has {', '.join(p.name for p in plugins)}")
    plugins = [plugin for plugin in plugins if plugin.name not in without]
    tests: dict[str, Any] = {
        "__test__": True,
        "__doc__": f"What {distribution} promises of each thing that it registers.",
    }
    cases: dict[Callable[..., None], list[Any]] = {}
    for plugin in plugins:
        case = pytest.param(case_of(plugin, small or {}, trained), id=plugin.name)
        for check in checks_of(plugin.kind):
            cases.setdefault(check, []).append(case)  # trainers share three with models
    for check, tried in cases.items():
        tests[f"test_{check.__name__}"] = pytest.mark.parametrize("case", tried)(_test(check))
    return type("TestContract", (), tests)


def registered(distribution: str) -> list[Plugin]:
    """What an installed distribution registers. Raises UnknownName when that is nothing."""
    found = [plugin for registry in KINDS.values() for plugin in registry.plugins() if plugin.is_of(distribution)]
    if not found:
        raise UnknownName(
            f"no installed distribution {distribution!r} registers a model, a trainer or a data source: "
            f"pip install -e . in its folder, and see [project.entry-points] in its pyproject.toml"
        )
    return found


def _test(check: Callable[..., None]) -> Callable[..., None]:
    import pytest

    from ganzoo.testing.broken import Broken
    from ganzoo.testing.cases import tried

    def test(self: object, case: Any, tmp_path: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        told = None
        try:
            tried(check, case, tmp_path)
        except (Broken, GanzooError) as promise:  # it says what to do; of anything else pytest shows where it happened
            told = f"{case.called}: {promise}"
        if told:
            pytest.fail(told, pytrace=False)

    test.__doc__ = check.__doc__
    test.__test__ = True  # type: ignore[attr-defined]  # whatever names pytest was told to look for
    return test
