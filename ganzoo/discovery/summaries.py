"""Docstring, task and view of a class, read from its source file without importing it."""

import ast
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any

DEPTH = 5
"""Longest chain of imports and bases that is followed."""

parse = lru_cache(ast.parse)
"""Models share bases: the same source is parsed once."""


@dataclass(frozen=True)
class Summary:
    """The first line of the docstring, the task and the view; empty if the source does not tell."""

    summary: str = ""
    task: str = ""
    view: str = ""


def read_summary(target: str) -> Summary:
    """The summary of `"package.module:Class"`. Never raises, never imports a plugin."""
    module, _, name = target.partition(":")
    return _read(module, name, DEPTH)


def shown_task(task: str, view: str) -> str:
    """The task as people read it: the Hub's tag is the same for images of classes."""
    if task == "unconditional-image-generation" and view == "Labelled":
        return "class-conditional-image-generation"
    return task


def spec_without_import(module: str) -> Any:
    """The ModuleSpec of a dotted module: `find_spec("a.b")` would import a."""
    package = module.rpartition(".")[0]
    if not package:
        return find_spec(module)
    folders = spec_without_import(package).submodule_search_locations
    return PathFinder.find_spec(module, folders or [])


def _read(module: str, name: str, depth: int) -> Summary:
    """Finds the class; follows imports (`from .model import DCGAN`) of the class and its bases."""
    if not depth:
        return Summary()
    # a file that cannot be read: the plugin itself says so when it is used
    with suppress(Exception):
        spec = spec_without_import(module)
        source = Path(spec.origin).read_bytes()
        for node in parse(source).body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return _summary_of(node, module, depth)
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return Summary((ast.get_docstring(node) or "").partition("\n")[0])
            if not isinstance(node, ast.ImportFrom):
                continue
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    relative = "." * node.level + (node.module or "")
                    origin = resolve_name(relative, spec.parent)
                    return _read(origin, alias.name, depth - 1)
    return Summary()


def _summary_of(node: ast.ClassDef, module: str, depth: int) -> Summary:
    documentation = ast.get_docstring(node) or ""
    task, view = _assigned(node, "task"), _assigned(node, "view")
    for base in node.bases:
        if isinstance(base, ast.Name) and not (task and view):
            inherited = _read(module, base.id, depth - 1)
            task = task or inherited.task
            view = view or inherited.view
    return Summary(documentation.partition("\n")[0], task, view)


def _assigned(node: ast.ClassDef, name: str) -> str:
    """The text or the last part of the dotted name that the class assigns to this attribute."""
    for statement in node.body:
        match statement:
            case ast.Assign([ast.Name(target)], value):
                pass
            case ast.AnnAssign(ast.Name(target), value=value):
                pass
            case _:
                continue
        match value:
            case ast.Constant(text) | ast.Attribute(attr=text) | ast.Name(text):
                if target == name:
                    return str(text)
    return ""
