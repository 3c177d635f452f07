"""Folders and zips of image files. Every file is an item; an unusable one says why when read."""

import os
import random
import stat
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path, PurePosixPath

from PIL import Image

from ganzoo.data.picture import (
    decoded,
    ignore_pillow_warnings,
    read_size_and_mode,
)
from ganzoo.data.source import Item, unusable
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import DataInfo

LARGEST = 512 * 2**20
"""Bytes of a file; a larger image is refused before it is read."""
MOST_COMPRESSED = 200
"""The largest ratio of sizes, unpacked to packed, of a file in a zip of more than 64 MiB."""
LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
MEASURED = 32


class Files(ABC):
    """Image files with relative names.

    The top folders are classes; A/ and B/ (or trainA/ and trainB/) are domains.
    """

    licence = None

    def __init__(self, argument: str) -> None:
        self.display_name = argument

    @abstractmethod
    def _listed(self) -> Iterator[Item]:
        """Every file."""

    @cached_property
    def _items(self) -> list[Item]:
        return sorted(self._listed(), key=lambda item: item.name)

    def items(self) -> Sequence[Item]:
        return self._items

    @cached_property
    def info(self) -> DataInfo:
        classes = {item.label for item in self._items if item.label is not None}
        size, channels = measured(self._items)
        return DataInfo(size=size, channels=channels, classes=tuple(sorted(classes)))

    def domains(self) -> tuple[Sequence[Item], Sequence[Item]]:
        folders: dict[str, list[Item]] = {}
        for item in self._items:
            folder, slash, _ = item.name.partition("/")
            if slash:
                folders.setdefault(folder, []).append(item)
        by_name = {folder.lower(): folders[folder] for folder in sorted(folders, reverse=True)}
        for a, b in (("traina", "trainb"), ("a", "b")):
            if a in by_name and b in by_name:
                return by_name[a], by_name[b]
        names = ", ".join(sorted(folders)) or "no sub-folder with files"
        raise DataError(
            f"{self.display_name} is not two domains: it needs files in A/ and B/ "
            f"(or trainA/ and trainB/), and has {names}; "
            "for two folders, --data FIRST --data SECOND"
        )

    def pairs(self) -> Sequence[tuple[Item, Item]]:
        try:
            a, b = self.domains()
        except DataError:
            return [split_side_by_side(item) for item in self._items]
        return match_by_name(a, b, without_folders=1)


class Folder(Files):
    """A folder of image files, however nested; links are followed."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        if not Path(argument).is_dir():
            raise DataError(f"there is no folder {argument}")

    def _listed(self) -> Iterator[Item]:
        root = Path(self.display_name)
        errors: list[OSError] = []
        for folder, below, files in os.walk(root, followlinks=True, onerror=errors.append):
            here = Path(folder)
            if _is_loop(here, root):
                below.clear()
                continue
            for name in list(below):
                if hidden(name):
                    below.remove(name)
                    path = printable((here / name).relative_to(root))
                    yield unusable(
                        path,
                        "hidden",
                        "a hidden folder is not read",
                        "hidden",
                    )
            for name in files:
                file = here / name
                path = printable(file.relative_to(root))
                yield image_file(path, partial(read_file, file), stamped(file))
        for error in errors:
            if Path(error.filename) == root:
                raise DataError(f"the folder {root} cannot be read: {error.strerror}")
            path = printable(Path(error.filename).relative_to(root))
            reason = f"a folder that cannot be read: {error.strerror}"
            yield unusable(path, "unreadable", reason, "closed")


def _is_loop(folder: Path, root: Path) -> bool:
    """Whether it is a link to a folder, from the root on, that it lies in."""
    if not folder.is_symlink():
        return False
    target = os.path.realpath(folder)
    for parent in folder.parents:
        inside = parent == root or root in parent.parents
        if inside and os.path.realpath(parent) == target:
            return True
    return False


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
        except Exception as cause:  # zipfile raises errors of several kinds
            raise DataError(
                f"{argument} is neither a folder nor a zip that can be read: {cause}"
            ) from None

    def _listed(self) -> Iterator[Item]:
        entries = []
        tops = set()
        offsets = Counter[int]()
        for entry in self._archive.infolist():
            if entry.is_dir():
                continue
            name = entry.filename.replace("\\", "/")
            entries.append((name, entry))
            offsets[entry.header_offset] += 1
            top, slash, _ = name.partition("/")
            if not _unsafe(name) and not hidden(top):
                tops.add(top + slash if slash else "")
        common = tops.pop() if len(tops) == 1 else ""
        archive_stamp = stamped(Path(self.display_name))
        for name, entry in entries:
            stamp = f"{entry.CRC:08x} {entry.header_offset} {archive_stamp}"
            if _unsafe(name):
                reason = "its name leads out of the zip; nothing was written there"
                yield unusable(
                    printable(PurePosixPath(name)),
                    "unsafe name",
                    reason,
                    stamp,
                )
                continue
            path = printable(PurePosixPath(name.removeprefix(common)))
            if offsets[entry.header_offset] > 1:
                reason = "it shares its bytes with another; it was not unpacked"
                yield unusable(path, "compression bomb", reason, stamp)
            else:
                yield image_file(path, partial(_read_entry, self._archive, entry), stamp)


def _unsafe(name: str) -> bool:
    if name.startswith("/") or name[1:2] == ":":
        return True
    return ".." in name.split("/") or not name.strip("./")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    size, packed = entry.file_size, max(entry.compress_size, 1)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadImage("link", "a link inside a zip is not followed")
    if size > LARGEST or (size > 64 * 2**20 and size > MOST_COMPRESSED * packed):
        raise BadImage(
            "compression bomb",
            f"{packed:,} bytes that unpack to {size:,}; it was not unpacked",
        )
    if entry.flag_bits & 1:
        raise BadImage("encrypted", "it needs a password")
    try:
        return archive.read(entry)
    except Exception as cause:  # zlib, lzma, bz2, zipfile and struct each have errors of their own
        raise BadImage("corrupt", f"it cannot be unpacked: {cause}") from cause


def image_file(name: str, read: Callable[[], bytes], stamp: str) -> Item:
    """The item of a file; its class is the folder at the top of its name."""
    if any(map(hidden, name.split("/"))):
        return unusable(name, "hidden", "a file that systems hide", stamp)
    folder, slash, _ = name.partition("/")
    return Item(name, read, folder if slash else None, stamp)


def hidden(name: str) -> bool:
    """Whether operating systems leave files of this name behind and hide them."""
    return name.startswith(".") or name in LITTER


def printable(path: Path | PurePosixPath) -> str:
    """A name that can be printed on one line, whatever bytes it has on the disk."""
    name = path.as_posix().encode(errors="surrogateescape").decode(errors="replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def stamped(path: Path) -> str:
    """A text that changes when the file does."""
    try:
        status = path.stat()
    except OSError:
        return "unreadable"
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def read_file(path: Path) -> bytes:
    """The bytes of a file of reasonable size. Raises BadImage."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadImage("not a file", "a pipe, a socket or a device")
        if status.st_size > LARGEST:
            raise BadImage(
                "too large",
                f"{status.st_size:,} bytes; files up to {LARGEST:,} are read",
            )
        return path.read_bytes()
    except OSError as cause:
        raise BadImage("unreadable", cause.strerror or str(cause)) from None


def measured(items: Sequence[Item]) -> tuple[int, int]:
    """The most frequent shorter side of 32 random images, and 1 channel if all of them are grey."""
    order = random.Random(0).sample(items, len(items))  # noqa: S311
    with ignore_pillow_warnings():
        heads = list(islice(filter(None, map(read_size_and_mode, order)), MEASURED))
    if not heads:
        return 64, 3  # never used: packing says of each why it cannot be
    sizes, modes = zip(*heads, strict=True)
    grey = all(mode in ("1", "L", "LA", "I") or mode.startswith("I;16") for mode in modes)
    return Counter(map(min, sizes)).most_common(1)[0][0], 1 if grey else 3


def split_side_by_side(item: Item) -> tuple[Item, Item]:
    """A picture of two side by side as a pair: the left half, the right half."""
    kept: dict[int, Image.Image] = {}  # the other half until it is read: the file is decoded once

    def read(side: int) -> Image.Image:
        half = kept.pop(side, None)
        if half is None:
            halves = _halves(decoded(item)[0])
            half = halves[side]
            kept[1 - side] = halves[1 - side]
        return half

    return replace(item, read=partial(read, 0)), replace(item, read=partial(read, 1))


def _halves(picture: Image.Image) -> tuple[Image.Image, Image.Image]:
    width, height = picture.size
    if width % 2 or width <= height:
        raise BadImage(
            "not a pair",
            f"{width}x{height} is not two pictures side by side; nor are there A/ and B/",
        )
    half = width // 2
    left, right = (picture.crop((x, 0, x + half, height)) for x in (0, half))
    left.format = right.format = picture.format
    return left, right


def match_by_name(
    a: Sequence[Item], b: Sequence[Item], *, without_folders: int = 0
) -> list[tuple[Item, Item]]:
    """Pairs of items of equal names, without their image endings and their first folders."""
    first = _by_name(a, without_folders)
    second = _by_name(b, without_folders)
    if not first.keys() & second.keys():
        raise DataError("no two files of the two folders have the same name, so there are no pairs")
    pairs = []
    for name in sorted(first.keys() | second.keys()):
        mine, theirs = first.get(name, []), second.get(name, [])
        pairs.append((_single(mine, theirs), _single(theirs, mine)))
    return pairs


def _by_name(items: Iterable[Item], without_folders: int) -> dict[str, list[Item]]:
    endings = Image.registered_extensions()
    result: dict[str, list[Item]] = {}
    for item in items:
        path = PurePosixPath(*PurePosixPath(item.name).parts[without_folders:])
        if path.suffix.lower() in endings:
            path = path.with_suffix("")
        result.setdefault(path.as_posix(), []).append(item)
    return result


def _single(mine: Sequence[Item], theirs: Sequence[Item]) -> Item:
    if not mine:
        partner = theirs[0]
        reason = "no file of that name on the other side"
        return unusable(partner.name, "no partner", reason, partner.stamp or "none")
    if len(mine) > 1:
        reason = f"{len(mine)} files have this name, with different endings"
        return unusable(mine[0].name, "ambiguous", reason, "ambiguous")
    return mine[0]


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
