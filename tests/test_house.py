"""The house in order: what is public, what is registered, what the pieces draw."""

import ast
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.images import grid
from ganzoo.seeds import derive_seed

ROOT = Path(__file__).parent.parent
PUBLIC = """
    Augmentation BadImage Conditioned DataError DataInfo DataSummary DeviceError Diverged
    Domains Evaluation GanzooError Helper HparamError Hparams HubError Item Labelled Model Move
    NameClash OutOfMemory Pair PluginError PowersOfTwo Range Run Settings Source StateError Step
    Trainer Turn UnknownName Unsupported UsageError Use adam adapt augment cache_folder
    cache_if_unreachable create datasets from_pil frozen list_models load losses measured models
    noise pull push save sides to_pil train trainers unknown
"""


def test_the_public_names_are_these_and_all_there():
    assert sorted(ganzoo.__all__) == sorted(PUBLIC.split())
    assert all(getattr(ganzoo, name) is not None for name in ganzoo.__all__)
    assert set(ganzoo.__all__) <= set(dir(ganzoo))
    with pytest.raises(AttributeError, match="crate"):
        ganzoo.crate  # noqa: B018


def test_what_type_checkers_see_is_what_there_is():
    text = (ROOT / "ganzoo/__init__.pyi").read_text()
    seen = re.findall(r"^from (\S+) import (\w+) as \2$", text, re.MULTILINE)
    assert sorted(name for _, name in seen) == sorted(ganzoo.__all__)
    for module, name in seen:
        assert getattr(import_module(module), name) is getattr(ganzoo, name)
    assert (ROOT / "ganzoo/py.typed").exists()


def settings():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_in_plugins_is_registered_and_listed():
    folders = {path.parent for path in (ROOT / "plugins").glob("*/ganzoo_*/__init__.py")}
    packages = {path.name for path in (ROOT / "plugins").glob("*/ganzoo_*")}
    groups = settings()["project"]["entry-points"].values()
    targets = {target for group in groups for target in group.values()}
    assert packages
    assert packages <= {target.partition(":")[0].split(".")[0] for target in targets}
    listed = settings()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    plugins = {path.relative_to(ROOT).as_posix() for path in folders}
    assert plugins == set(listed) - {"ganzoo", "weights/ganzoo_weights"}


def imported(path):
    """(module, names taken from it) for each import of a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module, [alias.name for alias in node.names]


def test_plugins_import_the_public_modules_alone_and_not_each_other():
    public = {"ganzoo", "ganzoo.losses", "ganzoo.augment", "ganzoo.testing"}
    for package in (ROOT / "plugins").glob("*/ganzoo_*"):
        for path in package.rglob("*.py"):
            for module, names in imported(path):
                top = module.partition(".")[0]
                assert top != "ganzoo" or module in public, f"{path}: {module}"
                assert module != "ganzoo" or set(names) <= set(ganzoo.__all__), f"{path}: {names}"
                assert not top.startswith("ganzoo_") or top == package.name, f"{path}: {module}"


def test_no_function_is_longer_than_a_screen():
    for folder in ("ganzoo", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    assert node.end_lineno - node.lineno < 50, f"{path}: {node.name}"


def test_the_core_names_no_plugin():
    for path in (ROOT / "ganzoo").rglob("*.py"):
        assert not [module for module, _ in imported(path) if module.startswith("ganzoo_")], path


def test_ci_runs_the_readmes_test_command():
    commands = re.findall(r"^python -m venv.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci/run").read_text().splitlines()


def test_pictures_have_the_nearest_of_256_levels():
    images = torch.tensor([-1.0, 1.0, 0.0, -2.0, 3.0, 2 / 255 - 1]).view(6, 1, 1, 1)
    assert [picture.getpixel((0, 0)) for picture in ganzoo.to_pil(images)] == [
        0,
        255,
        128,
        0,
        255,
        1,
    ]
    red = torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1).expand(3, 4, 2)
    picture = ganzoo.to_pil(red)[0]
    assert (picture.mode, picture.size, picture.getpixel((1, 3))) == ("RGB", (2, 4), (255, 0, 0))
    assert ganzoo.to_pil(torch.zeros(1, 4, 2, 2))[0].mode == "RGBA"
    for wrong in (torch.zeros(2, 2), torch.zeros(1, 2, 4, 4)):
        with pytest.raises(ValueError, match=r"\(\d, \d"):
            ganzoo.to_pil(wrong)


def test_a_grid_is_read_row_by_row():
    levels = torch.linspace(-1, 1, 5).view(5, 1, 1, 1).expand(5, 1, 3, 4)
    sheet = grid(levels, columns=2)
    assert sheet.size == (2 * 6 + 2, 3 * 5 + 2)
    assert [
        sheet.getpixel((2 + 6 * column, 2 + 5 * row)) for row, column in ((0, 0), (0, 1), (2, 0))
    ] == [0, 64, 255]
    assert sheet.getpixel((10, 13)) == 255  # the empty place is white


def test_seeds_differ_in_every_part_and_are_the_same_everywhere():
    assert derive_seed("order", 1, 23) != derive_seed("order", 12, 3)
    assert derive_seed("order", 0, 0) == 6809659774052824133
    assert len({derive_seed("draws", 0, step) for step in range(10_000)}) == 10_000


def test_noise_depends_on_seed_and_index_alone():
    assert torch.equal(ganzoo.noise(5, 3, seed=1)[2:], ganzoo.noise(9, 3, seed=1)[2:5])
    assert ganzoo.noise(0, 3, seed=1).shape == (0, 3)
    rows = ganzoo.noise(4000, 2, seed=0)
    assert abs(rows.mean()) < 0.05
    assert abs(rows.std() - 1) < 0.05


def test_the_version_is_semantic_and_the_changelog_starts_with_it():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", ganzoo.__version__)
    first = next(
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    )
    assert first.split()[1] == ganzoo.__version__
