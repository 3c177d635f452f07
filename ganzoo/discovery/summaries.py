"""What a class says of itself in its source: its docstring's first line and its task, read without running it."""

import ast
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path

from ganzoo.errors import StateError
from ganzoo.files import cache_folder, replace_file

CACHE_FILE = "summaries.json"
FOREIGN = ("ganzoo", "torch", "torchvision", "timm")
"""Packages that are not looked into for a base: theirs say no task."""


@dataclass(frozen=True)
class Summary:
    """Summary and task, blank where the source does not say or is not there; the files that were read, and a stamp."""

    summary: str = ""
    task: str = ""
    files: dict[str, str] = field(default_factory=dict)

    def is_current(self, path: Path) -> bool:
        try:
            return str(path) in self.files and all(
                _stamp(file) == stamp for file, stamp in self.files.items()
            )
        except OSError:  # a file is gone, or has another name
            return False


def read_summaries(targets: Iterable[str]) -> dict[str, Summary]:
    """What each `"package.module:Class"` says of itself. Never raises, never imports a plugin, and is cached."""
    cached = _load()
    found = {target: _summary(target, cached.get(target)) for target in targets}
    if any(cached.get(target) != described for target, described in found.items()):
        _store(cached | found)
    return found


def _summary(target: str, cached: Summary | None) -> Summary:
    module, _, name = target.partition(":")
    try:
        path = _file(module)
        if cached and path and cached.is_current(path):
            return cached
        return _read(module, name)
    except (OSError, SyntaxError, ValueError, ImportError, AttributeError, RecursionError):
        return Summary()  # a listing shows a blank; the plugin says what is wrong when it is used


def _file(module: str) -> Path | None:
    """The source file of a dotted module. Only its top package is looked up: find_spec("a.b") imports a."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or []:
        for candidate in (
            Path(folder, *rest[:-1], f"{rest[-1]}.py"),
            Path(folder, *rest, "__init__.py"),
        ):
            if candidate.is_file():
                return candidate
    return None


def _read(module: str, name: str, depth: int = 5) -> Summary:
    """Finds the class, following imports (`from .model import DCGAN`) of itself and of its bases."""
    path = _file(module)
    if path is None or not depth:
        return Summary(files={f"the file of {module}": "missing"})  # which may come: never current
    files = {str(path): _stamp(path)}
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            summary = (ast.get_docstring(node) or "").partition("\n")[0]
            task = _task(node)
            for base in [base.id for base in node.bases if isinstance(base, ast.Name) and not task]:
                inherited = _read(module, base, depth - 1)
                task, files = task or inherited.task, inherited.files | files
            return Summary(summary, task, files)
        if isinstance(node, ast.ImportFrom):
            origin = _absolute_module(node, module, is_package=path.name == "__init__.py")
            for alias in node.names if origin.split(".")[0] not in FOREIGN else []:
                if (alias.asname or alias.name) == name:
                    found = _read(origin, alias.name, depth - 1)
                    return Summary(found.summary, found.task, found.files | files)
    return Summary(files=files)


def _stamp(path: str | Path) -> str:
    """Another when the file has changed."""
    found = os.stat(path)
    return f"{found.st_mtime_ns} {found.st_size}"


def _task(node: ast.ClassDef) -> str:
    for statement in node.body:
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [getattr(statement, "target", None)]
        )
        value = getattr(statement, "value", None)
        if any(isinstance(t, ast.Name) and t.id == "task" for t in targets) and isinstance(
            value, ast.Constant
        ):
            return str(value.value)
    return ""


def _absolute_module(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """The absolute name of the module that a `from ... import` names."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _load() -> dict[str, Summary]:
    try:
        known = json.loads((cache_folder() / CACHE_FILE).read_text(encoding="utf-8"))
        found = {target: Summary(**entry) for target, entry in known.items()}
        return {target: one for target, one in found.items() if _is_sound(one)}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _is_sound(found: Summary) -> bool:
    """Whether an entry of the cache, which may be damaged, has the types that it should have."""
    return isinstance(found.files, dict) and all(
        isinstance(text, str) for text in (found.summary, found.task)
    )


def _store(known: dict[str, Summary]) -> None:
    """Written aside and renamed, so that two listings at once are harmless; a read-only home is too."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        content = json.dumps({target: asdict(described) for target, described in known.items()})
        replace_file(cache_folder() / CACHE_FILE, content.encode())
    except (OSError, StateError):
        return
