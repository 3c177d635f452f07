"""Docstring and task of a class, read from its source file without importing it."""

import ast
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec, resolve_name
from pathlib import Path

from ganzoo.discovery.registry import UNREADABLE

FOREIGN = ("ganzoo", "torch", "torchvision", "timm")
"""Packages whose classes are not followed as bases: they name no task."""
DEPTH = 5
"""Longest chain of imports and bases that is followed."""


@dataclass(frozen=True)
class Summary:
    """The first line of the docstring, and the task; empty if the source does not tell."""

    summary: str = ""
    task: str = ""


def read_summaries(targets: Iterable[str]) -> dict[str, Summary]:
    """`"package.module:Class"` -> its summary. Never raises, never imports a plugin."""
    result = {}
    for target in targets:
        module, _, name = target.partition(":")
        result[target] = Summary()
        # the plugin itself says what is wrong when it is used
        with suppress(*UNREADABLE):
            result[target] = _read(module, name, DEPTH)
    return result


def _read(module: str, name: str, depth: int) -> Summary:
    """Finds the class; follows imports (`from .model import DCGAN`) of the class and its bases."""
    path = _source_file(module)
    if path is None or not depth:
        return Summary()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _summary_of(node, module, depth)
        if isinstance(node, ast.ImportFrom):
            package = module.rpartition(".")[0]
            if path.name == "__init__.py":
                package = module
            relative = "." * node.level + (node.module or "")
            origin = resolve_name(relative, package)
            if origin.split(".")[0] in FOREIGN:
                continue
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return _read(origin, alias.name, depth - 1)
    return Summary()


def _summary_of(node: ast.ClassDef, module: str, depth: int) -> Summary:
    documentation = ast.get_docstring(node) or ""
    task = _task(node)
    for base in node.bases:
        if not task and isinstance(base, ast.Name):
            task = _read(module, base.id, depth - 1).task
    return Summary(documentation.partition("\n")[0], task)


def _task(node: ast.ClassDef) -> str:
    """The text that the class assigns to `task`, with or without an annotation."""
    for statement in node.body:
        match statement:
            case ast.Assign([ast.Name("task")], ast.Constant(task)):
                return str(task)
            case ast.AnnAssign(ast.Name("task"), value=ast.Constant(task)):
                return str(task)
    return ""


def _source_file(module: str) -> Path | None:
    """The file of a dotted module. Looks up the top package only: find_spec("a.b") imports a."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not rest:
        path = Path(spec.origin or "")
        return path if path.suffix == ".py" else None
    for folder in spec.submodule_search_locations or []:
        path = Path(folder, *rest)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None
