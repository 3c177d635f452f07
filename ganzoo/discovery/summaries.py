"""Docstring and task of a class, read from its source file without importing it."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

FOREIGN = ("ganzoo", "torch", "torchvision", "timm")
"""Packages whose classes are not followed as bases: they name no task."""
DEPTH = 5
"""Longest chain of imports and bases that is followed."""
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    ImportError,
    AttributeError,
    RecursionError,
)


@dataclass(frozen=True)
class Summary:
    """The first line of the docstring, and the task; empty if the source does not tell."""

    summary: str = ""
    task: str = ""


def read_summaries(targets: Iterable[str]) -> dict[str, Summary]:
    """`"package.module:Class"` -> its summary. Never raises, never imports a plugin."""
    return {target: _summary(target) for target in targets}


def _summary(target: str) -> Summary:
    module, _, name = target.partition(":")
    try:
        return _read(module, name, DEPTH)
    except UNREADABLE:
        return Summary()  # the plugin says what is wrong when it is used


def _read(module: str, name: str, depth: int) -> Summary:
    """Finds the class; follows imports (`from .model import DCGAN`) of the class and its bases."""
    path = _source_file(module)
    if path is None or not depth:
        return Summary()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _summary_of(node, module, depth)
        if isinstance(node, ast.ImportFrom):
            origin = _absolute_module(node, module, path)
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
    """The file of a dotted module. Only the top package is looked up: find_spec("a.b") imports a."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not rest:
        path = Path(spec.origin or "")
        return path if path.suffix == ".py" else None
    for folder in spec.submodule_search_locations or []:
        path = Path(folder, *rest)
        for file in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def _absolute_module(node: ast.ImportFrom, module: str, path: Path) -> str:
    """The absolute name of the module that a `from ... import` in this file names."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    if path.name == "__init__.py":
        parts.append("")
    parts = parts[: -node.level]
    if node.module:
        parts.append(node.module)
    return ".".join(parts)
