"""`ganzoo new --like`: the module of a new model that begins as another one."""

import inspect
import re
import sys
from functools import partial
from importlib.metadata import metadata
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from ganzoo.discovery.registry import Plugin, models
from ganzoo.errors import UsageError
from ganzoo.model.contract import Model
from ganzoo.state.card import paper
from ganzoo.zoo import model_class


def module_like(name: str, *, copied: bool) -> tuple[str, str | None]:
    """The text of a module, with `$Class` for its class, and the package that it needs.

    A subclass with other defaults, or with `copied` the file of the class to change. Raises
    UnknownName for no model, UsageError if its file cannot be read.
    """
    plugin = models[name]
    kind = model_class(plugin)
    requires = None
    if plugin.distribution != "ganzoo":
        requires = f"{plugin.distribution}>={plugin.version}"
    text = _copy(plugin, kind) if copied else _subclass(plugin, kind)
    return text, requires


def _subclass(plugin: Plugin, kind: type[Model]) -> str:
    module, _, base = plugin.target.partition(":")
    defaults = kind.Hparams()
    link = next(filter(None, (paper(one.__doc__ or "") for one in kind.__mro__)), None)
    source = f", {link}" if link else ""
    return f'''"""$name: say here what for, and where it was published."""

from {module} import {base}


class $Class({base}):
    """Like `{plugin.name}`, with other defaults{source}."""

    class Hparams({base}.Hparams):
        """Declare a field again to change its default; its range and help text stay."""

        steps: int = {defaults.steps}
        lr: float = {defaults.lr}
'''


def _copy(plugin: Plugin, kind: type[Model]) -> str:
    """The file of the class, with absolute imports and the class renamed."""
    file = inspect.getsourcefile(kind)
    if file is None:
        raise UsageError(f"the source of {plugin.name} cannot be read: leave --copy out")
    text = Path(file).read_text("utf-8").replace("$", "$$")
    package = sys.modules[kind.__module__].__package__ or ""
    text = re.sub(r"(?m)^([ \t]*from )(\.+[\w.]*)", partial(_absolute, package), text)
    text = re.sub(rf"\b{kind.__name__}\b", "$Class", text)
    about: Any = metadata(plugin.distribution)
    licence = about.get("License-Expression") or about.get("License") or "no licence named"
    origin = f"{plugin.distribution} {plugin.version}, {licence}"
    return f"# Begun as {kind.__module__} of {origin}.\n{text}"


def _absolute(package: str, relative: re.Match[str]) -> str:
    return relative[1] + resolve_name(relative[2], package)
