"""The installed models, trainers and data sources, from entry points, without importing them."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.metadata import EntryPoint, distributions, entry_points, version
from itertools import chain
from typing import Any

from ganzoo.errors import NameClash, PluginError, unknown

UNREADABLE = (OSError, ValueError, TypeError, AttributeError, KeyError)
"""The errors of importlib.metadata for damaged or missing files."""


@dataclass(frozen=True)
class Plugin:
    """One entry point: a name, and the object that a distribution registers under it."""

    kind: str
    entry: EntryPoint

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def target(self) -> str:
        """The place of the object: `"ganzoo_dcgan:DCGAN"`."""
        return self.entry.value

    @cached_property
    def distribution(self) -> str:
        return self._metadata("Name")

    @property
    def version(self) -> str:
        return self._metadata("Version")

    def _metadata(self, key: str) -> str:
        """A line of the distribution's METADATA, which may be missing."""
        if self.entry.dist:
            with suppress(*UNREADABLE):
                metadata = self.entry.dist.metadata
                return metadata[key] if key in metadata else "unknown"  # noqa: SIM401
        return "unknown"

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of the package {self.distribution} {self.version}"

    def is_of(self, distribution: str) -> bool:
        """Whether this distribution registers it: `Zoo.Odd_Name` and `zoo-odd-name` are equal."""
        from packaging.utils import canonicalize_name  # not needed for a listing

        own = canonicalize_name(self.distribution)
        return own == canonicalize_name(distribution)

    def load(self) -> Any:
        """Imports the plugin.

        Raises PluginError, which names the distribution and the cause, if that fails in any way,
        or if the distribution needs another version of ganzoo.
        """
        needed = self._other_ganzoo()
        if needed:
            here = f"this is ganzoo {version('ganzoo')}"
            update = f"pip install -U ganzoo {self.distribution}"
            raise PluginError(f"{self} needs {needed}, and {here}: {update}")
        try:
            return self.entry.load()
        except (Exception, SystemExit) as cause:  # a stranger's module may do anything at all
            reason = f"{type(cause).__name__}: {cause}"
            raise PluginError(f"{self} cannot be loaded: {reason}") from cause

    def _other_ganzoo(self) -> str | None:
        """The version of ganzoo that the distribution requires, if it is not this one."""
        from packaging.requirements import Requirement  # not needed for a listing

        requirements = self.entry.dist.requires if self.entry.dist else None
        for text in requirements or []:
            with suppress(ValueError):  # a requirement or a marker without sense: pip's business
                required = Requirement(text)
                marker, versions = required.marker, required.specifier
                applies = not marker or marker.evaluate({"extra": ""})
                fits = versions.contains(version("ganzoo"), prereleases=True)
                if required.name.lower() == "ganzoo" and applies and not fits:
                    return f"ganzoo{versions}"
        return None


class Registry:
    """The plugins of one entry-point group: `models["dcgan"].load()`.

    A look-up raises UnknownName (with the closest match) or NameClash (with the distributions);
    `registry["distribution/name"]` picks one of several plugins with the same name.
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind = kind
        self.group = group

    def plugins(self) -> list[Plugin]:
        """All plugins, sorted by name; names may repeat. Imports none, never raises."""
        plugins = [Plugin(self.kind, entry) for entry in entry_points_of(self.group)]
        return sorted(plugins, key=lambda plugin: (plugin.name, plugin.target))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(plugin.name for plugin in self.plugins()))

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __getitem__(self, name: str) -> Plugin:
        distribution, _, short = name.rpartition("/")
        matches = [plugin for plugin in self.plugins() if plugin.name == short]
        if distribution:
            matches = [plugin for plugin in matches if plugin.is_of(distribution)]
        if not matches:
            raise unknown(self.kind, name, self)
        if len(matches) == 1:
            return matches[0]
        owners = sorted({plugin.distribution for plugin in matches})
        if len(owners) == 1:
            owner = f"the package {owners[0]}"
            raise NameClash(f"{owner} registers the {self.kind} {name!r} more than once")
        choices = " or ".join(f"{owner}/{short}" for owner in owners)
        claim = f"the {self.kind} {name!r} is claimed by {' and '.join(owners)}"
        raise NameClash(f"{claim}; say {choices}, or uninstall one")

    def matching(self, pattern: str = "*") -> list[Plugin]:
        """The plugins whose name matches a shell pattern (`dc*`), or contains a plain word."""
        if not set("*?[") & set(pattern):
            pattern = f"*{pattern}*"
        return [plugin for plugin in self.plugins() if fnmatchcase(plugin.name, pattern)]

    def of(self, target: Callable[..., Any]) -> Plugin | None:
        """The plugin that registers this class, if any. Loads only plugins of its own package."""
        package = target.__module__.split(".")[0]
        for plugin in self.plugins():
            module, _, name = plugin.target.partition(":")
            is_near = module.split(".")[0] == package and name == target.__qualname__
            if is_near and plugin.load() is target:
                return plugin
        return None


def entry_points_of(group: str) -> list[EntryPoint]:
    """All entry points of a group, without distributions whose files cannot be read."""
    with suppress(*UNREADABLE):
        return list(entry_points(group=group))
    known: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        with suppress(*UNREADABLE):
            entries = list(distribution.entry_points.select(group=group))
            # Python imports the first of this name on the path
            known.setdefault(distribution.name, entries)
    return [*chain.from_iterable(known.values())]


models = Registry("model", "ganzoo.models")
trainers = Registry("trainer", "ganzoo.trainers")
datasets = Registry("data source", "ganzoo.datasets")
KINDS = {"model": models, "trainer": trainers, "dataset": datasets}
"""What can be registered, by the names of the command line."""


def list_models(pattern: str = "*") -> list[str]:
    """The names of the installed models that match a shell pattern: `list_models("dc*")`."""
    return list(dict.fromkeys(plugin.name for plugin in models.matching(pattern)))
