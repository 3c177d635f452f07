"""Folders of image files. Every file becomes an item; one that is of no use says so when it is read."""

import os
import random
import stat
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from itertools import islice
from pathlib import Path, PurePosixPath

from ganzoo.data.picture import ignore_pillow_warnings, read_size_and_mode
from ganzoo.data.source import Item, refusing
from ganzoo.data.views import match_by_name, split_side_by_side
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import DataInfo

LARGEST = 512 * 2**20
"""Bytes of a file; an image that is larger is refused before it is read."""
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
            found = [
                next((f for f in sorted(folders) if f.lower() == name.lower()), None)
                for name in names
            ]
            a, b = (
                [item for item in self._items if item.name.startswith(f"{folder}/")]
                for folder in found
            )
            if a and b:
                return a, b
        there = ", ".join(sorted(folders)) or "no sub-folder with files"
        raise DataError(
            f"{self.called} is not two domains: it has no A/ and B/ (or trainA/ and trainB/) with files in each, but "
            f"{there}; two folders go as --data FIRST --data SECOND"
        )

    def pairs(self) -> Sequence[tuple[Item, Item]]:
        try:
            a, b = self.domains()
        except DataError:
            return [split_side_by_side(item) for item in self._items]
        return match_by_name(a, b, within=1)


class Folder(Files):
    """A folder of image files, however nested; links are followed."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        if not Path(argument).is_dir():
            raise DataError(f"there is no folder {argument}")

    def _listed(self) -> Iterator[Item]:
        root = Path(self.called)
        closed: list[OSError] = []
        for folder, below, files in os.walk(root, followlinks=True, onerror=closed.append):
            here = Path(folder)
            if os.path.islink(folder) and os.path.realpath(folder) in _above(here, root):
                below.clear()  # a link to a folder that it lies in
                continue
            for name in [name for name in below if hidden(name)]:
                path = printable((here / name).relative_to(root))
                yield refusing(path, "hidden", "a hidden folder, not looked into", "hidden")
            below[:] = [name for name in below if not hidden(name)]
            for file in [here / name for name in files]:
                yield image_file(
                    printable(file.relative_to(root)), partial(read_file, file), stamped(file)
                )
        for error in closed:
            if Path(error.filename) == root:
                raise DataError(f"the folder {root} cannot be read: {error.strerror}")
            path = printable(Path(error.filename).relative_to(root))
            yield refusing(
                path, "unreadable", f"a folder that cannot be read: {error.strerror}", "closed"
            )


def _above(folder: Path, root: Path) -> set[str]:
    """Where the folders are in which this one lies, the root's own included, links resolved."""
    return {
        os.path.realpath(path) for path in folder.parents if path == root or root in path.parents
    }


def image_file(name: str, read: Callable[[], bytes], stamp: str) -> Item:
    """The item of a file; its class is the folder at the top of its name."""
    if any(hidden(part) for part in name.split("/")):
        return refusing(name, "hidden", "a file that systems hide", stamp)
    return Item(name, read, name.partition("/")[0] if "/" in name else None, stamp)


def hidden(name: str) -> bool:
    """Whether systems leave such files about and hide them."""
    return name.startswith(".") or name in LITTER


def printable(path: Path | PurePosixPath) -> str:
    """A name that can be printed on one line, whatever bytes it has on the disk."""
    name = path.as_posix().encode(errors="surrogateescape").decode(errors="replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def stamped(path: Path) -> str:
    """Changes when the file does."""
    try:
        found = path.stat()
    except OSError:
        return "unreadable"
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def read_file(path: Path) -> bytes:
    """The bytes of a file of reasonable size. Raises BadImage."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BadImage("not a file", "a pipe, a socket or a device")
        if found.st_size > LARGEST:
            raise BadImage(
                "too large", f"{found.st_size:,} bytes; files up to {LARGEST:,} are read"
            )
        return path.read_bytes()
    except OSError as cause:
        raise BadImage("unreadable", cause.strerror or str(cause)) from None


def pictures(source: Path) -> list[Item]:
    """A file, or the files below a folder that are not hidden.

    Raises DataError if there is neither.
    """
    if source.is_file():
        return [Item(source.name, partial(read_file, source))]
    if not source.is_dir():
        raise DataError(f"there is no file or folder {source}")
    items = []
    for item in Folder(str(source)).items():
        if not any(map(hidden, item.name.split("/"))):
            items.append(item)
    return items


def measured(items: Sequence[Item]) -> tuple[int, int]:
    """Of some 32 images, picked at random: the shorter side that most have, and 1 channel when all are grey."""
    with ignore_pillow_warnings():
        places = random.Random(0).sample(range(len(items)), len(items))  # noqa: S311
        outlines = (read_size_and_mode(items[i]) for i in places)
        found = list(islice(filter(None, outlines), 32))
    sides = Counter(min(size) for size, _ in found)
    grey = all(mode in ("1", "L", "LA", "I") or mode.startswith("I;16") for _, mode in found)
    if not found:
        return 64, 3  # never used: packing says for each why it cannot be
    return sides.most_common(1)[0][0], 1 if grey else 3


MOST_COMPRESSED = 200
"""How many times its packed size a file may have when it is also larger than 64 MiB."""


class Zip(Files):
    """A zip of image files; a folder that all of them share counts as the zip itself."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        if not Path(argument).is_file():
            raise DataError(f"there is no zip {argument}")
        try:
            self._archive = zipfile.ZipFile(argument)
        except OSError as cause:
            raise DataError(f"{argument} cannot be read: {cause.strerror}") from None
        except (
            Exception
        ) as cause:  # a damaged directory makes zipfile raise errors of several kinds
            raise DataError(
                f"{argument} is neither a folder nor a zip that can be read: {cause}"
            ) from None

    def _listed(self) -> Iterator[Item]:
        entries = [
            (entry.filename.replace("\\", "/"), entry)
            for entry in self._archive.infolist()
            if not entry.is_dir()
        ]
        used = [name for name, _ in entries if not _unsafe(name) and not hidden(name.split("/")[0])]
        tops = {name.partition("/")[0] if "/" in name else "" for name in used}
        common = f"{tops.pop()}/" if len(tops) == 1 else ""
        places = Counter(entry.header_offset for _, entry in entries)
        archive = stamped(Path(self.called))
        for name, entry in entries:
            stamp = f"{entry.CRC:08x} {entry.header_offset} {archive}"
            shown = printable(PurePosixPath(name if _unsafe(name) else name.removeprefix(common)))
            if _unsafe(name):
                yield refusing(
                    shown,
                    "unsafe name",
                    "its name leads out of the zip; nothing was written there",
                    stamp,
                )
            elif places[entry.header_offset] > 1:
                yield refusing(
                    shown,
                    "compression bomb",
                    "it shares its bytes with another; it was not unpacked",
                    stamp,
                )
            else:
                yield image_file(shown, partial(_read_entry, self._archive, entry), stamp)


def _unsafe(name: str) -> bool:
    parts = name.split("/")
    return name.startswith("/") or ".." in parts or not name.strip("./") or name[1:2] == ":"


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    size, packed = entry.file_size, max(entry.compress_size, 1)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadImage("link", "a link inside a zip is not followed")
    if size > LARGEST or (size > 64 * 2**20 and size > MOST_COMPRESSED * packed):
        raise BadImage(
            "compression bomb", f"{packed:,} bytes that unpack to {size:,}; it was not unpacked"
        )
    if entry.flag_bits & 1:
        raise BadImage("encrypted", "it needs a password")
    try:
        return archive.read(entry)
    except Exception as cause:  # zlib, lzma, bz2, zipfile and struct each have errors of their own
        raise BadImage("corrupt", f"it cannot be unpacked: {cause}") from cause
