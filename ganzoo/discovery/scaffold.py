"""`ganzoo new`: a package with a module that works, a test, a README and pyproject.toml."""

import keyword
import os
import re
from importlib.metadata import distributions, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ganzoo.discovery.registry import KINDS
from ganzoo.errors import UsageError
from ganzoo.files import new_folder

LONGEST = 64
"""Letters of a name."""
RESERVED = ("setup", "conftest", "tests", "sitecustomize", "usercustomize")
"""Modules that Python, pytest or pip import by themselves."""
TITLES = {"model": "A model", "trainer": "A trainer", "dataset": "A data source"}
USES = {
    "model": "ganzoo train $name --data digits",
    "trainer": "ganzoo train dcgan-mini --trainer $name",
    "dataset": "ganzoo train dcgan-mini --data $name",
}
SETTINGS = {"model": {"image_size": 8, "width": 4}, "dataset": "8"}
"""Small settings for the tests of the package."""


def use_of(name: str, kind: str) -> str:
    """The command that uses the plugin of this name."""
    return USES[kind].replace("$name", name)


def new_package(name: str, kind: str, folder: Path | None = None) -> Path:
    """Writes the package into a free folder (`./NAME` if it is None). Returns its module's path.

    Raises UsageError if the name is not allowed or is taken, or if the folder is not empty.
    """
    module = name.replace("-", "_")
    _check_name(name, module, kind)
    folder = Path(os.path.normpath(folder or name))
    texts = _texts(name, module, kind)
    with new_folder(folder, must_be_free=True) as unfinished:
        (unfinished / "tests").mkdir()
        for path, text in texts.items():
            (unfinished / path).write_text(text, encoding="utf-8")
    return folder / f"{module}.py"


def _check_name(name: str, module: str, kind: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST:
        better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        raise UsageError(
            f"{name!r} is no name for a package: small letters, digits and hyphens, "
            f"as {better[:LONGEST] or 'my-gan'}"
        )
    owner = ""
    for plugin in KINDS[kind].plugins():
        if plugin.name == name:
            owner = f"the {plugin.kind} {name!r} already exists, in {plugin.distribution}"
    if module in RESERVED or keyword.iskeyword(module) or find_spec(module):
        owner = owner or f"a Python module {module!r} already exists"
    if any(distributions(name=name)):
        owner = owner or f"a package {name!r} is already installed"
    if owner:
        raise UsageError(f"{owner}: choose another name")


def _class_name(name: str, template: str) -> str:
    """`my-gan` -> `MyGan`, unless the template imports something of this name."""
    result = "".join(map(str.capitalize, name.split("-")))
    imports = "\n".join(re.findall("^(?:from|import) .*", template, re.MULTILINE))
    if keyword.iskeyword(result) or result in re.findall(r"\w+", imports):
        text = f"{name!r} would be the class {result}, which means something else"
        raise UsageError(f"{text}: choose another name")
    return result


def _texts(name: str, module: str, kind: str) -> dict[str, str]:
    """Path in the package -> content."""
    folder = files("ganzoo.discovery") / "templates"
    templates = {
        f"{module}.py": folder / kind / "module.py.txt",
        "pyproject.toml": folder / "pyproject.toml.txt",
        "README.md": folder / "README.md.txt",
        f"tests/test_{module}.py": folder / "test.py.txt",
    }
    texts = {path: file.read_text(encoding="utf-8") for path, file in templates.items()}
    settings = f", {{{name!r}: {SETTINGS[kind]!r}}}" if kind in SETTINGS else ""
    major, minor, *_ = version("ganzoo").split(".")
    words = {
        "name": name,
        "module": module,
        "Class": _class_name(name, texts[f"{module}.py"]),
        "what": TITLES[kind],
        "use": use_of(name, kind),
        "small": settings.replace("'", '"'),
        "group": KINDS[kind].group,
        "version": f"{major}.{minor}",
        "next": int(major) + 1,
    }
    return {path: Template(text).substitute(words) for path, text in texts.items()}
