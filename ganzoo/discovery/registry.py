"""Which models, trainers and data sources are installed, read from entry points without importing them."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.metadata import EntryPoint, distributions, entry_points, version
from typing import Any

from ganzoo.errors import NameClash, PluginError, unknown


@dataclass(frozen=True)
class Plugin:
    """One entry point: a name, and the object that an installed distribution registered under it."""

    kind: str
    entry: EntryPoint

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def target(self) -> str:
        """Where the object is: `"ganzoo_dcgan:DCGAN"`."""
        return self.entry.value

    @cached_property
    def distribution(self) -> str:
        return self.entry.dist.name if self.entry.dist else "unknown"

    def is_of(self, distribution: str) -> bool:
        """Whether that distribution registers it, however the name is spelt: `Zoo.Odd_Name` is `zoo-odd-name`."""
        from packaging.utils import canonicalize_name  # a listing needs none of it

        return canonicalize_name(self.distribution) == canonicalize_name(distribution)

    @property
    def version(self) -> str:
        return self.entry.dist.version if self.entry.dist else "unknown"

    def load(self) -> Any:
        """Imports the plugin.

        Raises PluginError, which names the distribution and the cause, whatever went wrong inside it, or when the
        distribution was made for another version of ganzoo.
        """
        if needed := self._needs_another():
            raise PluginError(
                f"{self.kind} {self.name!r} of the package {self.distribution} {self.version} needs {needed}, and this "
                f"is ganzoo {version('ganzoo')}: pip install -U ganzoo {self.distribution}"
            )
        try:
            return self.entry.load()
        except (Exception, SystemExit) as cause:  # a stranger's module may do anything at all
            raise PluginError(
                f"{self.kind} {self.name!r} of the package {self.distribution} {self.version} cannot be loaded: "
                f"{type(cause).__name__}: {cause}"
            ) from cause

    def _needs_another(self) -> str | None:
        """What the distribution requires of ganzoo, if this version is not that."""
        from packaging.requirements import Requirement  # a listing needs none of it
        from packaging.utils import canonicalize_name

        for text in (self.entry.dist.requires if self.entry.dist else None) or []:
            try:
                required = Requirement(text)
                applies = canonicalize_name(required.name) == "ganzoo" and (
                    required.marker is None or required.marker.evaluate({"extra": ""})
                )
            except ValueError:  # no requirement, or a marker that says nothing: pip's business
                continue
            if applies and not required.specifier.contains(version("ganzoo"), prereleases=True):
                return f"ganzoo{required.specifier}"
        return None


class Registry:
    """The plugins of one entry-point group: `models["dcgan"].load()`.

    Looking up raises UnknownName (with the closest match) or NameClash (naming the distributions);
    `registry["distribution/name"]` picks one of those that clash.
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind = kind
        self.group = group

    def plugins(self) -> list[Plugin]:
        """All of them, clashing names included, sorted by name. Imports none, never raises."""
        found = [Plugin(self.kind, entry) for entry in _entries(self.group)]
        return sorted(found, key=lambda plugin: (plugin.name, plugin.target))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(plugin.name for plugin in self.plugins()))

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __getitem__(self, name: str) -> Plugin:
        distribution, _, short = name.rpartition("/")
        plugins = self.plugins()
        found = [plugin for plugin in plugins if plugin.name == short]
        if distribution:
            found = [plugin for plugin in found if plugin.is_of(distribution)]
        if not found:
            raise unknown(self.kind, name, {plugin.name for plugin in plugins})
        if len(found) > 1:
            owners = sorted({plugin.distribution for plugin in found})
            if len(owners) == 1:
                raise NameClash(
                    f"the package {owners[0]} registers the {self.kind} {name!r} more than once"
                )
            raise NameClash(
                f"the {self.kind} {name!r} is claimed by {' and '.join(owners)}; "
                f"say {' or '.join(f'{owner}/{short}' for owner in owners)}, or uninstall one"
            )
        return found[0]

    def matching(self, pattern: str = "*") -> list[Plugin]:
        """Those whose name matches a shell pattern (`dc*`); a word without wildcards matches anywhere in it."""
        if not any(wildcard in pattern for wildcard in "*?["):
            pattern = f"*{pattern}*"
        return [plugin for plugin in self.plugins() if fnmatchcase(plugin.name, pattern)]

    def of(self, target: Callable[..., Any]) -> Plugin | None:
        """The plugin that registers this class, if any; only plugins of its own package are loaded to find out."""
        package = target.__module__.split(".")[0]
        for plugin in self.plugins():
            module, _, name = plugin.target.partition(":")
            if (
                module.split(".")[0] == package
                and name == target.__qualname__
                and plugin.load() is target
            ):
                return plugin
        return None


def _entries(group: str) -> list[EntryPoint]:
    """All entry points of a group; those of a distribution whose files cannot be read are left out."""
    with suppress(*UNREADABLE):
        return list(entry_points(group=group))
    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        with suppress(*UNREADABLE):
            entries = [entry for entry in distribution.entry_points if entry.group == group]
            found.setdefault(
                distribution.name, entries
            )  # the first on the path is the one that is imported
    return [entry for entries in found.values() for entry in entries]


UNREADABLE = (OSError, ValueError, TypeError, AttributeError, KeyError)
"""What importlib.metadata raises of files that are not what they should be."""


models = Registry("model", "ganzoo.models")
trainers = Registry("trainer", "ganzoo.trainers")
datasets = Registry("data source", "ganzoo.datasets")
KINDS = {"model": models, "trainer": trainers, "dataset": datasets}
"""What can be registered, as the command line calls it."""


def list_models(pattern: str = "*") -> list[str]:
    """The names of the installed models that match a shell pattern: `list_models("dc*")`."""
    return list(dict.fromkeys(plugin.name for plugin in models.matching(pattern)))
