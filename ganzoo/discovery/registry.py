"""The installed models, trainers and data sources, from entry points, without importing them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.metadata import EntryPoint, distributions, entry_points, version
from typing import Any

from ganzoo.errors import NameClash, PluginError, unknown


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
        dist: Any = self.entry.dist
        with suppress(Exception):
            return str(dist.metadata.get(key, "unknown"))
        return "unknown"

    def __str__(self) -> str:
        package = f"{self.distribution} {self.version}"
        return f"{self.kind} {self.name!r} of the package {package}"

    def is_of(self, distribution: str) -> bool:
        """Whether this distribution registers it: `Zoo.Odd_Name` and `zoo-odd-name` are equal."""
        # imported here, since a listing does not need it
        from packaging.utils import canonicalize_name

        own = canonicalize_name(self.distribution)
        return own == canonicalize_name(distribution)

    def load(self) -> Any:
        """Imports the plugin.

        Raises PluginError, which names the distribution and the cause, if that fails in any way,
        or if the distribution needs another version of ganzoo.
        """
        needed = self._other_ganzoo()
        if needed:
            raise PluginError(
                f"{self} needs {needed}, and this is ganzoo {version('ganzoo')}: "
                f"pip install -U ganzoo {self.distribution}"
            )
        try:
            return self.entry.load()
        # a stranger's module may do anything at all
        except (Exception, SystemExit) as cause:
            reason = f"{type(cause).__name__}: {cause}"
            raise PluginError(f"{self} cannot be loaded: {reason}") from cause

    def _other_ganzoo(self) -> str | None:
        """The version of ganzoo that the distribution requires, if it is not this one."""
        # imported here, since a listing does not need it
        from packaging.requirements import Requirement

        dist = self.entry.dist
        for text in (dist and dist.requires) or []:
            # a requirement or a marker without sense is pip's business
            with suppress(ValueError):
                required = Requirement(text)
                versions, marker = required.specifier, required.marker
                fits = versions.contains(version("ganzoo"), prereleases=True)
                if required.name.lower() != "ganzoo" or fits:
                    continue
                if not marker or marker.evaluate():
                    return f"ganzoo{versions}"
        return None


@dataclass(frozen=True)
class Registry:
    """The plugins of one entry-point group: `models["dcgan"].load()`.

    A look-up raises UnknownName (with the closest match) or NameClash (with the distributions);
    `registry["distribution/name"]` picks one of several plugins with the same name.
    """

    kind: str
    group: str

    def plugins(self) -> list[Plugin]:
        """All plugins, sorted by name; names may repeat. Imports none, never raises."""
        entries = sorted(entry_points_of(self.group))
        return [Plugin(self.kind, entry) for entry in entries]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({plugin.name for plugin in self.plugins()}))

    def __getitem__(self, name: str) -> Plugin:
        distribution, _, short = name.rpartition("/")
        matches = []
        for plugin in self.plugins():
            fits = not distribution or plugin.is_of(distribution)
            if plugin.name == short and fits:
                matches.append(plugin)
        if not matches:
            raise unknown(self.kind, name, self)
        if len(matches) > 1:
            owners = sorted({plugin.distribution for plugin in matches})
            choices = " or ".join(f"{owner}/{short}" for owner in owners)
            raise NameClash(
                f"several packages have a {self.kind} {short!r}: write {choices}, or uninstall one"
            )
        return matches[0]

    def matching(self, pattern: str = "*") -> list[Plugin]:
        """The plugins whose name matches a shell pattern (`dc*`), or contains a plain word."""
        if not set("*?[") & set(pattern):
            pattern = f"*{pattern}*"
        plugins = self.plugins()
        return [plugin for plugin in plugins if fnmatchcase(plugin.name, pattern)]

    def of(self, target: Callable[..., Any]) -> Plugin | None:
        """The plugin that registers this class, if any. Loads only plugins of its own package."""
        package = target.__module__.split(".")[0]
        for plugin in self.plugins():
            module, _, name = plugin.target.partition(":")
            if module.split(".")[0] != package:
                continue
            if name == target.__qualname__ and plugin.load() is target:
                return plugin
        return None


def entry_points_of(group: str) -> list[EntryPoint]:
    """All entry points of a group, without distributions whose files cannot be read."""
    # a stranger's package may be damaged in any way
    with suppress(Exception):
        return list(entry_points(group=group))
    names = set()
    result: list[EntryPoint] = []
    for distribution in distributions():
        with suppress(Exception):
            entries = distribution.entry_points.select(group=group)
            # Python imports the first of this name on the path
            if distribution.name not in names:
                result += entries
            names.add(distribution.name)
    return result


models = Registry("model", "ganzoo.models")
trainers = Registry("trainer", "ganzoo.trainers")
datasets = Registry("data source", "ganzoo.datasets")
augmentations = Registry("augmentation", "ganzoo.augmentations")
commands = Registry("command", "ganzoo.commands")
KINDS = {
    "model": models,
    "trainer": trainers,
    "dataset": datasets,
    "augmentation": augmentations,
    "command": commands,
}
"""What can be registered, by the names of the command line."""


def list_models(pattern: str | Iterable[str] = "*") -> list[str]:
    """The names of the installed models that match a shell pattern, or one of several.

    `list_models("dc*")`, `list_models(["dc*", "*gan"])`.
    """
    patterns = [pattern] if isinstance(pattern, str) else pattern
    names: set[str] = set()
    for one in patterns:
        names.update(plugin.name for plugin in models.matching(one))
    return sorted(names)
