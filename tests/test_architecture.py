"""docs/architecture.md is true, and its layers are those that CI checks."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def section(title):
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(text):
    """The first column of a table, as lists of names in backticks."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in lines]


def test_the_layers_of_the_page_are_those_that_are_checked():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    drawn = [
        sorted("ganzoo." + name.removesuffix("/").removesuffix(".py") for name in row)
        for row in rows(section("The house on one screen"))
    ]
    assert drawn == [sorted(layer.split(" | ")) for layer in layers]


def test_every_folder_and_module_stands_on_the_page():
    drawn = {name for row in rows(section("The house on one screen")) for name in row}
    folders = {f"{path.parent.name}/" for path in (ROOT / "ganzoo").glob("*/__init__.py")}
    modules = {path.name for path in (ROOT / "ganzoo").glob("*.py")}
    assert drawn == folders | modules - {"__init__.py", "__main__.py"}


def test_every_path_on_the_page_exists():
    paths = re.findall(r"`([\w/]+(?:/|\.py))`", PAGE)
    assert len(paths) > 40
    for path in paths:
        assert (ROOT / "ganzoo" / path).exists() or (ROOT / path).exists(), path


def test_the_six_rooms_have_what_the_page_says():
    rooms = re.split(r"\n\d\. ", section("The life of one batch, in six rooms"))[1:]
    assert len(rooms) == 6
    for room in rooms:
        path, *names = re.findall(r"`([^`]+)`", room)
        file = next(base / path for base in (ROOT / "ganzoo", ROOT) if (base / path).exists())
        tree = ast.parse(file.read_text(encoding="utf-8"))
        kinds = (ast.FunctionDef, ast.ClassDef)
        defined = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
        assert names[0] in defined, f"{path} defines no {names[0]}"
