"""`ganzoo new`: a package with a module that works, a test, a README and pyproject.toml."""

import keyword
import os
import re
from importlib.metadata import distributions, version
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ganzoo.discovery.registry import KINDS
from ganzoo.errors import UsageError
from ganzoo.files import new_folder

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
LONGEST = 64
"""Letters of a name."""
RESERVED = (
    "setup",
    "conftest",
    "tests",
    "sitecustomize",
    "usercustomize",
)
"""Modules that Python, pytest or pip import by themselves."""
USES = {
    "model": "ganzoo train $name --data digits",
    "trainer": "ganzoo train dcgan-mini --data digits --trainer $name",
    "dataset": "ganzoo train dcgan-mini --data $name",
    "command": "ganzoo $name RUN",
    "augmentation": "ganzoo train dcgan-mini --data digits --set augment=$name",
}


def use_of(name: str, kind: str) -> str:
    """The command that uses the plugin of this name."""
    return USES[kind].replace("$name", name)


def new_package(
    name: str,
    kind: str,
    folder: Path | None = None,
    *,
    module_text: str | None = None,
    requires: str | None = None,
) -> Path:
    """Writes the package into a free folder (`./NAME` if it is None). Returns its module's path.

    `module_text` takes the place of the module to start from, with `$$Class` for its class, and
    `requires` is another package that it needs. Raises UsageError if the name is not allowed or is
    taken, or if the folder is not empty.
    """
    module = name.replace("-", "_")
    _check_name(name, module, kind)
    folder = Path(os.path.normpath(folder or name))
    sources = Path(__file__).with_name("templates")
    templates = {
        f"{module}.py": sources / kind / "module.py.txt",
        "pyproject.toml": sources / "pyproject.toml.txt",
        "README.md": sources / "README.md.txt",
        f"tests/test_{module}.py": sources / kind / "test.py.txt",
    }
    here = version("ganzoo")
    words = {
        "name": name,
        "module": module,
        "Class": _class_name(name, module_text or templates[f"{module}.py"].read_text("utf-8")),
        "what": f"A {KINDS[kind].kind}",
        "use": use_of(name, kind),
        "group": KINDS[kind].group,
        "version": here,
        "next": int(here.partition(".")[0]) + 1,
        "requires": f', "{requires}"' if requires else "",
    }
    with new_folder(folder, must_be_free=True) as unfinished:
        (unfinished / "tests").mkdir()
        for path, source in templates.items():
            text = source.read_text("utf-8")
            if module_text and path == f"{module}.py":
                text = module_text
            (unfinished / path).write_text(Template(text).substitute(words), "utf-8")
    return folder / f"{module}.py"


def _check_name(name: str, module: str, kind: str) -> None:
    if not re.fullmatch(NAME, name) or len(name) > LONGEST:
        better = re.sub(r"[^a-z0-9]+", "-", name.lower())
        better = better.strip("-0123456789")[:LONGEST] or "my-gan"
        rule = "small letters, digits and hyphens"
        raise UsageError(f"{name!r} is no name for a package: {rule}, as {better}")
    registry = KINDS[kind]
    if name in registry:
        taken = f"the {registry[name]} already exists"
    elif module in RESERVED or keyword.iskeyword(module) or find_spec(module):
        taken = f"a Python module {module!r} already exists"
    elif any(distributions(name=name)):
        taken = f"a package {name!r} is already installed"
    else:
        return
    raise UsageError(f"{taken}: choose another name")


def _class_name(name: str, template: str) -> str:
    """`my-gan` -> `MyGan`, unless the template imports something of this name."""
    result = name.title().replace("-", "")
    lines = re.findall("^(?:from|import) .*", template, re.MULTILINE)
    imports = re.findall(r"\w+", "\n".join(lines))
    if keyword.iskeyword(result) or result in imports:
        raise UsageError(
            f"{name!r} would be the class {result}, which means something else: choose another name"
        )
    return result
