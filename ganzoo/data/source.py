"""Source: what a data plugin is, and how the word after `--data` becomes one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Never, Protocol, runtime_checkable

from PIL import Image

from ganzoo.discovery.registry import Plugin, datasets
from ganzoo.errors import BadImage, DataError, GanzooError, PluginError, UnknownName, unknown
from ganzoo.hparams.hparams import DataInfo


@dataclass(frozen=True)
class Item:
    """One image of a source: a name to call it by in messages, how to read it, and its label if it has one.

    `read` gives the bytes of an image file, or a picture, and raises BadImage when there is none to be had; it is
    called from several threads. `stamp` changes when the image does (size and time of a file, a checksum): with it, a
    second run starts without reading the images again.
    """

    name: str
    read: Callable[[], bytes | Image.Image]
    label: str | None = None
    stamp: str = ""


def refusing(name: str, kind: str, reason: str, stamp: str = "") -> Item:
    """An item of which it is known already that it cannot be used, and why."""

    def read() -> Never:
        raise BadImage(kind, reason)

    return Item(name, read, stamp=stamp)


class Source(Protocol):
    """What an entry point of the group `ganzoo.datasets` names: a class, made from what stands after `name:`.

    `info` is what the data are by themselves; a model that leaves its size or channels open takes them from it.
    `licence` is an SPDX name or a sentence for the model card, None where it is not known.
    """

    licence: str | None

    def __init__(self, argument: str) -> None: ...

    @property
    def info(self) -> DataInfo: ...

    def items(self) -> Sequence[Item]:
        """The images, always in the same order. Raises DataError when they cannot be had."""
        ...


@runtime_checkable
class HasDomains(Protocol):
    """A source that is two unpaired domains as well."""

    def domains(self) -> tuple[Sequence[Item], Sequence[Item]]:
        """The images of A and those of B. Raises DataError, saying why, when these data are not two domains."""
        ...


@runtime_checkable
class HasPairs(Protocol):
    """A source that has aligned pairs as well."""

    def pairs(self) -> Sequence[tuple[Item, Item]]:
        """Source and target of each pair. Raises DataError, saying why, when these data are no pairs."""
        ...


def source_class(plugin: Plugin) -> Callable[[str], Source]:
    """What an entry point of the group `ganzoo.datasets` names, if it is a source."""
    found = plugin.load()
    for name in ("info", "items") if isinstance(found, type) else ():
        if not hasattr(found, name):
            raise PluginError(
                f"data source {plugin.name!r} is not one: {found.__qualname__} lacks {name}"
            )
    source: Callable[[str], Source] = found
    return source


def content(item: Item) -> bytes | Image.Image:
    """What an item gives. Raises BadImage where it says that there is none, PluginError for what is no image at all."""
    try:
        found = item.read()
    except (GanzooError, MemoryError):
        raise
    except Exception as cause:  # a stranger's code may raise anything
        raise PluginError(f"{item.name} cannot be read: {type(cause).__name__}: {cause}") from cause
    if not isinstance(found, bytes | Image.Image):
        raise PluginError(
            f"{item.name}: read() gives {type(found).__name__}; it must give bytes or a PIL.Image.Image"
        )
    return found


def open_source(text: str) -> Source:
    """`"digits"`, `"name:argument"`, or the path of a folder or of a zip -> the source.

    A registered name goes before a folder of that name (`./digits` is the folder). Raises UnknownName with the closest
    match, DataError for an argument or a path.
    """
    if not text:
        raise DataError("the data source is empty: give a folder, a zip or a name")
    name, _, argument = text.partition(":")
    if name not in datasets:
        try:
            there = Path(text).exists()
        except OSError as cause:
            raise DataError(f"{text:.80} cannot be read: {cause.strerror}") from None
        if there:
            name, argument = "folder" if Path(text).is_dir() else "zip", text
        elif "/" not in name:
            error = unknown("data source", name, datasets)
            raise (
                error
                if "did you mean" in str(error)
                else UnknownName(f"{error}, and no folder or zip {text}")
            )
        elif name.rpartition("/")[2] not in datasets or not text.startswith(f"{name}:"):
            raise DataError(f"there is no folder or zip {text}")
    plugin = datasets[name]
    try:
        source = source_class(plugin)(argument)
    except GanzooError:
        raise
    except Exception as cause:  # a stranger's class may raise anything
        raise PluginError(
            f"the data source {name!r} of the package {plugin.distribution} {plugin.version} cannot be made of "
            f"{argument!r}: {type(cause).__name__}: {cause}"
        ) from cause
    return source
