"""Source: the protocol of a data plugin, and how the word after `--data` becomes one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never, Protocol, runtime_checkable

from PIL import Image

from ganzoo.discovery.registry import Plugin, datasets
from ganzoo.errors import (
    BadImage,
    DataError,
    GanzooError,
    PluginError,
    UnknownName,
    unknown,
)
from ganzoo.files import expanded
from ganzoo.hparams.hparams import DataInfo


@dataclass(frozen=True)
class Item:
    """One image of a source: its name in messages, how to read it, and its label if it has one.

    `read` returns the bytes of an image file, or a picture, and raises BadImage if there is none;
    several threads call it. `stamp` changes when the image does (size and time of a file, a
    checksum): with it, a second run starts without reading the images again. `attributes` are what
    else is known of the image: `{"hair": "blond", "glasses": "no"}`.
    """

    name: str
    read: Callable[[], bytes | Image.Image]
    label: str | None = None
    stamp: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)


Row = tuple[Item, ...]
"""Items that are used or skipped together: one image, or the two of a pair."""


def unusable(name: str, kind: str, reason: str, stamp: str = "") -> Item:
    """An item that cannot be used, for a reason that is known before it is read."""

    def read() -> Never:
        raise BadImage(kind, reason)

    return Item(name, read, stamp=stamp)


class Source(Protocol):
    """A class that an entry point of the group `ganzoo.datasets` names.

    It is made from the text after `name:`. `info` describes the data; a model that leaves its size
    or channels open takes them from it. `licence` is an SPDX name or a sentence for the model card,
    None if it is not known.
    """

    licence: str | None

    def __init__(self, argument: str) -> None: ...

    @property
    def info(self) -> DataInfo: ...

    def items(self) -> Sequence[Item]:
        """The images, always in the same order. Raises DataError if they could not be loaded."""
        ...


@runtime_checkable
class HasDomains(Protocol):
    """A source that is two unpaired domains as well."""

    def domains(self) -> tuple[Sequence[Item], Sequence[Item]]:
        """The images of A and those of B. Raises DataError with the reason if these are not two."""
        ...


@runtime_checkable
class HasPairs(Protocol):
    """A source that has aligned pairs as well."""

    def pairs(self) -> Sequence[tuple[Item, Item]]:
        """Source and target of each pair. Raises DataError with the reason if there are none."""
        ...


@runtime_checkable
class HasAnySize(Protocol):
    """A source that draws its images, at any size."""

    def at_size(self, size: int) -> Source:
        """The same images with `size` pixels a side. They have the same names and labels."""
        ...


def source_class(plugin: Plugin) -> Callable[[str], Source]:
    """The source that a plugin registers. Raises PluginError for a class that is none."""
    source: Callable[[str], Source] = plugin.load()
    if isinstance(source, type):
        for name in ("info", "items"):
            if not hasattr(source, name):
                kind = source.__qualname__
                raise PluginError(f"data source {plugin.name!r}: {kind} lacks {name}")
    return source


def content(item: Item) -> bytes | Image.Image:
    """Reads an item. Raises the item's BadImage, and PluginError for a fault of the source."""
    try:
        result = item.read()
    except (GanzooError, MemoryError):
        raise
    except Exception as cause:  # a stranger's code may raise anything
        reason = f"{type(cause).__name__}: {cause}"
        raise PluginError(f"{item.name} cannot be read: {reason}") from cause
    if not isinstance(result, bytes | Image.Image):
        raise PluginError(
            f"{item.name}: read() returns {type(result).__name__}; "
            "it must return bytes or a PIL.Image.Image"
        )
    return result


def open_source(text: str) -> Source:
    """`"digits"`, `"name:argument"`, or the path of a folder or of a zip -> the source.

    A registered name wins over a folder of that name (`./digits` is the folder). Raises UnknownName
    with the closest match, DataError for an argument or a path.
    """
    name, argument = name_and_argument(text)
    plugin = datasets[name]
    kind = source_class(plugin)
    try:
        return kind(argument)
    except GanzooError:
        raise
    except Exception as cause:  # a stranger's class may raise anything
        reason = f"{type(cause).__name__}: {cause}"
        raise PluginError(f"the {plugin} failed for {argument!r}: {reason}") from cause


def name_and_argument(text: str) -> tuple[str, str]:
    """The registered name of a SOURCE, and what its class is made from.

    Raises UnknownName or DataError if there is neither such a name nor such a path.
    """
    if not text:
        raise DataError("the data source is empty: choose a folder, a zip or a name")
    name, colon, argument = text.partition(":")
    if name in datasets:
        return name, argument
    try:
        path = expanded(text)
        if path.exists():
            return "folder" if path.is_dir() else "zip", text
        if any(map(Path.is_file, path.parents)):
            return "zip", text  # a folder in it
    except OSError as cause:
        raise DataError(f"{text:.80} cannot be read: {cause.strerror}") from None
    if "/" not in name:
        error = unknown("data source", name, datasets)
        raise UnknownName(f"no folder or zip {text}, and {error}")
    # distribution/name:argument
    if colon and name.rpartition("/")[2] in datasets:
        return name, argument
    raise DataError(f"there is no folder or zip {text}")
