"""Folders and zips of image files. Every file becomes an item; one that is of no use says so when it is read."""

import os
import stat
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Never

from ganzoo.data.picture import decoded, outline, quiet
from ganzoo.data.source import Item
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams import DataInfo

LARGEST = 512 * 2**20
"""Bytes of a file; an image that is larger is refused before it is read."""
MOST_COMPRESSED = 200
"""How many times its packed size a zip's file may have when it is also larger than 64 MiB."""
LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")


class Files(ABC):
    """Image files with relative names. Immediate sub-folders are classes; A/ and B/ (trainA/ and trainB/) domains."""

    licence = None

    def __init__(self, argument: str) -> None:
        self.called = argument

    @abstractmethod
    def _listed(self) -> Iterator[Item]:
        """Every file."""

    @cached_property
    def _items(self) -> list[Item]:
        return sorted(self._listed(), key=lambda item: item.name)

    def items(self) -> Sequence[Item]:
        return self._items

    @property
    def info(self) -> DataInfo:
        classes = sorted({item.label for item in self._items if item.label is not None})
        size, channels = measured(self._items)
        return DataInfo(size=size, channels=channels, classes=tuple(classes))

    def domains(self) -> tuple[Sequence[Item], Sequence[Item]]:
        folders = {item.name.partition("/")[0] for item in self._items if "/" in item.name}
        for names in (("trainA", "trainB"), ("A", "B")):
            found = [next((f for f in sorted(folders) if f.lower() == name.lower()), None) for name in names]
            a, b = ([item for item in self._items if item.name.startswith(f"{folder}/")] for folder in found)
            if a and b:
                return a, b
        there = ", ".join(sorted(folders)) or "no sub-folders"
        raise DataError(
            f"{self.called} is not two domains: it has no A/ and B/ (or trainA/ and trainB/) with files in each, but "
            f"{there}; two folders go as --data FIRST --data SECOND"
        )

    def pairs(self) -> Sequence[tuple[Item, Item]]:
        try:
            a, b = self.domains()
        except DataError:
            return [halves(item) for item in self._items]
        return matched(a, b, within=1)


class Folder(Files):
    """A folder of image files, however nested; links are followed."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        if not Path(argument).is_dir():
            raise DataError(f"there is no folder {argument}")

    def _listed(self) -> Iterator[Item]:
        root = Path(self.called)
        walked = set()
        for folder, below, files in os.walk(root, followlinks=True, onerror=_raise):
            if (real := os.path.realpath(folder)) in walked:  # a link to a folder above it
                below.clear()
                continue
            walked.add(real)
            for name in [n for n in below if _hidden(n)]:
                path = Path(folder, name)
                yield Item(
                    _shown(path.relative_to(root)), partial(_refuse, "hidden", "a hidden folder, not looked into")
                )
            below[:] = [n for n in below if not _hidden(n)]
            for name in files:
                path = Path(folder, name)
                shown = _shown(path.relative_to(root))
                yield _item(shown, partial(_read_file, path), _stamp(path))


class Zip(Files):
    """A zip of image files, never unpacked to the disk; a folder that all files share counts as the zip itself."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        try:
            self._archive = zipfile.ZipFile(argument)
        except OSError as cause:
            raise DataError(f"{argument} cannot be read: {cause.strerror}") from None
        except zipfile.BadZipFile as cause:
            raise DataError(f"{argument} is neither a folder nor a zip that can be read: {cause}") from None

    def _listed(self) -> Iterator[Item]:
        entries = [entry for entry in self._archive.infolist() if not entry.is_dir()]
        names = {entry.header_offset: entry.filename.replace("\\", "/") for entry in entries}
        tops = {
            name.partition("/")[0] if "/" in name else "" for name in names.values() if not _hidden(name.split("/")[0])
        }
        common = f"{tops.pop()}/" if len(tops) == 1 else ""
        stamp = _stamp(Path(self.called))
        for entry in entries:
            name = names[entry.header_offset]
            if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
                reason = "its name leads out of the zip; nothing was written there"
                yield Item(_shown(PurePosixPath(name)), partial(_refuse, "unsafe name", reason))
                continue
            read = partial(_read_entry, self._archive, entry)
            yield _item(_shown(PurePosixPath(name.removeprefix(common))), read, f"{entry.CRC:08x} {stamp}")


def _item(name: str, read: Callable[[], bytes], stamp: str) -> Item:
    if any(_hidden(part) for part in name.split("/")):
        return Item(name, partial(_refuse, "hidden", "a file that systems hide"), stamp=stamp)
    return Item(name, read, name.partition("/")[0] if "/" in name else None, stamp)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in LITTER


def _shown(path: Path | PurePosixPath) -> str:
    """A name that can be printed, whatever bytes it has on the disk."""
    return path.as_posix().encode(errors="surrogateescape").decode(errors="replace")


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "unreadable"
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _refuse(kind: str, reason: str) -> Never:
    raise BadImage(kind, reason)


def _raise(error: OSError) -> Never:
    raise DataError(f"the folder {error.filename} cannot be read: {error.strerror}")


def _read_file(path: Path) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BadImage("not a file", "a pipe, a socket or a device")
        if found.st_size > LARGEST:
            raise BadImage("too large", f"{found.st_size:,} bytes; files up to {LARGEST:,} are read")
        return path.read_bytes()
    except OSError as cause:
        raise BadImage("unreadable", cause.strerror or str(cause)) from None


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    size, packed = entry.file_size, max(entry.compress_size, 1)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadImage("link", "a link inside a zip is not followed")
    if size > LARGEST or (size > 64 * 2**20 and size > MOST_COMPRESSED * packed):
        raise BadImage("compression bomb", f"{packed:,} bytes that unpack to {size:,}; it was not unpacked")
    if entry.flag_bits & 1:
        raise BadImage("encrypted", "it needs a password")
    try:
        return archive.read(entry)
    except Exception as cause:  # zlib, lzma, bz2, zipfile and struct each have errors of their own
        raise BadImage("corrupt", f"it cannot be unpacked: {cause}") from cause


def measured(items: Sequence[Item]) -> tuple[int, int]:
    """Of some 32 images, evenly picked: the shorter side that most have, and 1 channel when all are grey."""
    with quiet():
        found = [outline(item) for item in items[:: max(1, len(items) // 32)]]
    sides = Counter(min(size) for size, _ in filter(None, found))
    grey = all(mode in ("1", "L", "LA", "I") or mode.startswith("I;16") for _, mode in filter(None, found))
    return (sides.most_common(1)[0][0] if sides else 64), 1 if sides and grey else 3


def halves(item: Item) -> tuple[Item, Item]:
    """A picture of two side by side as a pair: the left half, the right half."""

    def half(side: int) -> Item:
        def read():  # type: ignore[no-untyped-def]  # an Image, which mypy reads from Item
            picture, _ = decoded(item)
            if picture.width % 2 or picture.width <= picture.height:
                size = f"{picture.width}x{picture.height}"
                raise BadImage(
                    "not a pair", f"{size} is not two pictures side by side; A/ and B/ with equal names do too"
                )
            middle = picture.width // 2
            return picture.crop((side * middle, 0, (side + 1) * middle, picture.height))

        return Item(item.name, read, item.label, item.stamp)

    return half(0), half(1)


def matched(a: Sequence[Item], b: Sequence[Item], *, within: int = 0) -> list[tuple[Item, Item]]:
    """Pairs of items of equal names, whatever their endings, below the first `within` folders."""

    def key(item: Item) -> str:
        return PurePosixPath(*PurePosixPath(item.name).parts[within:]).with_suffix("").as_posix()

    first, second = {key(item): item for item in a}, {key(item): item for item in b}
    if not first.keys() & second.keys():
        raise DataError("no two files of the two folders have the same name, so there are no pairs")
    pairs = []
    for name in sorted(first.keys() | second.keys()):
        there = first.get(name) or second[name]
        missing = Item(there.name, partial(_refuse, "no partner", "no file of that name on the other side"))
        pairs.append((first.get(name, missing), second.get(name, missing)))
    return pairs
