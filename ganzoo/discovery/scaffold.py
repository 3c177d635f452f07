"""A new package of a plugin: one module that works, a test file, a README, and the entry point that registers it."""

import keyword
import os
import re
from dataclasses import dataclass
from importlib.metadata import distributions, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ganzoo.discovery.registry import KINDS, Registry
from ganzoo.errors import UsageError
from ganzoo.files import new_folder


@dataclass(frozen=True)
class Words:
    """What a template says of its kind: what it is, how it is used, and the small settings of its tests."""

    what: str
    use: str
    small: str = ""


LONGEST = 64
"""Letters of a name."""
RESERVED = ("setup", "conftest", "tests", "sitecustomize", "usercustomize")
"""Modules that Python, pytest or pip import by themselves."""

WORDS = {
    "model": Words(
        "A model", "ganzoo train $name --data digits", ', {"$name": {"image_size": 8, "width": 4}}'
    ),
    "trainer": Words("A trainer", "ganzoo train dcgan-mini --trainer $name"),
    "dataset": Words("A data source", "ganzoo train dcgan-mini --data $name", ', {"$name": "8"}'),
}


def use_of(name: str, kind: str) -> str:
    """The command that uses what is registered under the name."""
    return WORDS[kind].use.replace("$name", name)


def new_package(name: str, kind: str, folder: Path | None = None) -> Path:
    """Writes the package into the folder, which must be free (`./NAME` if it is None). Returns its module's path.

    Raises UsageError for a name that no package can have, that is taken, or a folder that is not empty.
    """
    module = _module(name, KINDS[kind])
    folder = Path(os.path.normpath(folder or name))
    texts = _texts(name, module, kind)
    with new_folder(folder, must_be_free=True) as unfinished:
        (unfinished / "tests").mkdir()
        for path, text in texts.items():
            (unfinished / path).write_text(text, encoding="utf-8")
    return folder / f"{module}.py"


def _module(name: str, registry: Registry) -> str:
    """The module of a package of that name, if it may be called so."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST:
        better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:LONGEST] or "my-gan"
        raise UsageError(
            f"{name!r} is no name for a package: small letters, digits and hyphens, as {better}"
        )
    module = name.replace("-", "_")
    if taken := next((plugin for plugin in registry.plugins() if plugin.name == name), None):
        raise UsageError(
            f"the {registry.kind} {name!r} is there already, in {taken.distribution}: choose another name"
        )
    if module in RESERVED or keyword.iskeyword(module) or find_spec(module):
        raise UsageError(f"a Python module {module!r} is there already: choose another name")
    if any(distributions(name=name)):
        raise UsageError(f"a package {name!r} is installed already: choose another name")
    return module


def _class(name: str, template: str) -> str:
    """`my-gan` -> `MyGan`, unless that is something that the template imports."""
    found = "".join(part.capitalize() for part in name.split("-"))
    imports = "\n".join(re.findall("^(?:from|import) .*", template, re.MULTILINE))
    if keyword.iskeyword(found) or found in re.findall(r"\w+", imports):
        raise UsageError(
            f"{name!r} would be the class {found}, which means something else: choose another name"
        )
    return found


def _texts(name: str, module: str, kind: str) -> dict[str, str]:
    """Path in the package -> what stands there."""
    major, minor, *_ = version("ganzoo").split(".")
    paths = {
        f"{module}.py": f"{kind}/module.py.txt",
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        f"tests/test_{module}.py": "test.py.txt",
    }
    home = files("ganzoo.discovery") / "templates"
    templates = {
        path: (home / template).read_text(encoding="utf-8") for path, template in paths.items()
    }
    words = {
        "name": name,
        "module": module,
        "Class": _class(name, templates[f"{module}.py"]),
        "what": WORDS[kind].what,
        "use": use_of(name, kind),
        "small": WORDS[kind].small.replace("$name", name),
        "group": KINDS[kind].group,
        "version": f"{major}.{minor}",
        "next": int(major) + 1,
    }
    return {path: Template(template).substitute(words) for path, template in templates.items()}
