"""Folders and zips of image files. Every file is an item; an unusable one says why when read."""

import os
import random
import stat
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from operator import attrgetter
from pathlib import Path, PurePath, PurePosixPath

from PIL import Image

from ganzoo.data.metadata import described
from ganzoo.data.picture import (
    decoded,
    ignore_pillow_warnings,
    read_size_and_mode,
)
from ganzoo.data.source import Item, unusable
from ganzoo.errors import BadImage, DataError
from ganzoo.files import expanded
from ganzoo.hparams.hparams import DataInfo

LARGEST = 512 * 2**20
"""Bytes of a file; a larger image is refused before it is read."""
MOST_COMPRESSED = 200
"""The largest ratio of sizes, unpacked to packed, of a file in a zip of more than 64 MiB."""
HIDDEN = "hidden"
"""The stamp of hidden files and folders, whatever they hold."""
LITTER = (".ds_store", "__macosx", "thumbs.db", "desktop.ini")
"""Files and folders that systems leave behind, in small letters; nothing is said of them."""
MEASURED = 32
GREY = ("1", "L", "LA", "I")
"""Pillow's modes without colours; I;16 and its kin are grey too."""
ByName = defaultdict[str, list[Item]]


class Files:
    """Image files with relative names.

    The top folders are classes; A/ and B/ (or trainA/ and trainB/) are domains. A metadata.csv has
    their attributes.
    """

    licence = None

    def __init__(self, argument: str) -> None:
        if not argument:
            raise DataError("give the path of the folder or the zip itself, as in --data flowers/")
        self.display_name = argument
        items = described(self._listed(expanded(argument)), argument)
        self._items = sorted(items, key=attrgetter("name"))

    def _listed(self, root: Path) -> Iterator[Item]:
        """Every file. Raises DataError if there is no such folder or zip."""
        raise NotImplementedError

    def items(self) -> Sequence[Item]:
        return self._items

    @cached_property
    def info(self) -> DataInfo:
        labels = {item.label for item in self._items}
        size, channels = measured(self._items)
        return DataInfo(
            size=size,
            channels=channels,
            classes=tuple(sorted(filter(None, labels))),
        )

    def domains(self) -> tuple[Sequence[Item], Sequence[Item]]:
        folders = ByName(list)
        for item in self._items:
            folder, slash, _ = item.name.partition("/")
            if slash:
                folders[folder].append(item)
        names = sorted(folders)
        by_name = {name.lower(): folders[name] for name in reversed(names)}
        for a, b in (("traina", "trainb"), ("a", "b")):
            if a in by_name and b in by_name:
                return by_name[a], by_name[b]
        text = ", ".join(names) or "no sub-folder with files"
        raise DataError(
            f"{self.display_name} is not two domains: it needs A/ and B/ "
            f"(or trainA/ and trainB/), and has {text}; "
            "for two folders, --data FIRST --data SECOND"
        )

    def pairs(self) -> Sequence[tuple[Item, Item]]:
        try:
            a, b = self.domains()
        except DataError:
            return list(map(split_side_by_side, self._items))
        return match_by_name(a, b, without_folders=1)


class Folder(Files):
    """A folder of image files, however nested; links are followed."""

    def _listed(self, root: Path) -> Iterator[Item]:
        if not root.is_dir():
            raise DataError(f"there is no folder {root}")
        errors: list[OSError] = []
        for folder, below, files in os.walk(
            root,
            followlinks=True,
            onerror=errors.append,
        ):
            here = Path(folder)
            if _is_loop(here, root):
                below.clear()
                continue
            for name in [*filter(hidden, below), *files]:
                if is_litter(name):
                    continue
                path = here / name
                relative = printable(path.relative_to(root))
                yield image_file(relative, partial(read_file, path), stamped(path))
            below[:] = [name for name in below if not hidden(name)]
        for error in errors:
            path = Path(error.filename)
            reason = f"a folder that cannot be read: {error.strerror}"
            if path == root:
                raise DataError(f"{root} is {reason}")
            relative = printable(path.relative_to(root))
            yield unusable(relative, "unreadable", reason, "closed")


def _is_loop(folder: Path, root: Path) -> bool:
    """Whether it is a link to a folder, from the root on, that it lies in."""
    if not folder.is_symlink():
        return False
    around = [path for path in folder.parents if path.is_relative_to(root)]
    return folder.resolve() in map(Path.resolve, around)


class Zip(Files):
    """A zip of image files, or a folder in it: `flowers.zip/train`.

    A folder that all of the files share counts as the zip itself.
    """

    def _listed(self, root: Path) -> Iterator[Item]:
        path, folder = _zip_and_folder(root)
        archive = _opened(path)
        entries = _entries(archive, folder)
        if folder and not entries:
            raise DataError(f"{path} has no folder {folder}")
        offsets = Counter(entry.header_offset for entry in archive.infolist())
        archive_stamp = stamped(path)
        for name, entry in entries:
            stamp = f"{entry.CRC:08x} {entry.header_offset} {archive_stamp}"
            printed = printable(PurePosixPath(name))
            if _unsafe(name):
                reason = "its name leads out of the zip"
                yield unusable(printed, "unsafe name", reason, stamp)
            elif offsets[entry.header_offset] > 1:
                reason = "it shares its bytes with another"
                yield unusable(printed, "compression bomb", reason, stamp)
            else:
                yield image_file(printed, partial(_read_entry, archive, entry), stamp)


def _zip_and_folder(path: Path) -> tuple[Path, str]:
    """`flowers.zip/train` -> the zip, and the folder in it, empty for all of the zip."""
    for parent in (path, *path.parents):
        if parent.is_file():
            folder = path.relative_to(parent).as_posix()
            return parent, "" if folder == "." else folder
    raise DataError(f"there is no zip {path}")


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as cause:  # zipfile raises errors of several kinds
        raise DataError(f"{path} is neither a folder nor a zip: {cause}") from None


def _entries(
    archive: zipfile.ZipFile,
    folder: str,
) -> list[tuple[str, zipfile.ZipInfo]]:
    """The files with their names, without a folder that all share, and without `folder`.

    Those outside of `folder` are left out.
    """
    entries = []
    tops = set()
    for entry in archive.infolist():
        name = entry.filename.replace("\\", "/")
        if entry.is_dir() or any(map(is_litter, name.split("/"))):
            continue
        entries.append((name, entry))
        top, slash, _ = name.partition("/")
        if not _unsafe(name) and not hidden(top):
            tops.add(f"{top}/" if slash else "")
    common = tops.pop() if len(tops) == 1 else ""
    inside = f"{folder}/" if folder else ""
    kept = []
    for name, entry in entries:
        name = name.removeprefix(common)
        if name.startswith(inside):
            kept.append((name.removeprefix(inside), entry))
    return kept


def top_level(source: str) -> tuple[list[str], list[str]]:
    """The names of the folders and of the files at the top of a folder or of a zip.

    Hidden ones are left out; there are none if it cannot be read.
    """
    root = expanded(source)
    folders: list[str] = []
    files: list[str] = []
    if root.is_dir():
        with suppress(OSError), os.scandir(root) as entries:
            for entry in entries:
                names = folders if entry.is_dir() else files
                names.append(entry.name)
    else:
        with suppress(DataError):
            path, folder = _zip_and_folder(root)
            for name, _ in _entries(_opened(path), folder):
                top, slash, _ = name.partition("/")
                names = folders if slash else files
                names.append(top)
    return _visible(folders), _visible(files)


def _visible(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if not hidden(name)})


def _unsafe(name: str) -> bool:
    if name.startswith("/") or name[1:2] == ":":
        return True
    return ".." in name.split("/") or not name.strip("./")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    size, packed = entry.file_size, max(entry.compress_size, 1)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadImage("link", "a link inside a zip is not followed")
    if size > LARGEST or size > max(64 * 2**20, MOST_COMPRESSED * packed):
        reason = f"{packed:,} bytes that unpack to {size:,}; it was not unpacked"
        raise BadImage("compression bomb", reason)
    if entry.flag_bits & 1:
        raise BadImage("encrypted", "it needs a password")
    try:
        return archive.read(entry)
    # zlib, lzma, bz2, zipfile and struct each have errors of their own
    except Exception as cause:
        reason = f"it cannot be unpacked: {cause}"
        raise BadImage("corrupt", reason) from cause


def image_file(name: str, read: Callable[[], bytes], stamp: str) -> Item:
    """The item of a file; its class is the folder at the top of its name."""
    if any(map(hidden, name.split("/"))):
        return unusable(name, HIDDEN, "systems hide such names", HIDDEN)
    folder, slash, _ = name.partition("/")
    return Item(name, read, folder if slash else None, stamp)


def hidden(name: str) -> bool:
    """Whether systems hide a file of this name, or left it behind."""
    return name.startswith(".") or is_litter(name)


def is_litter(name: str) -> bool:
    """Whether a system left a file of this name behind: `.DS_Store`, `._cat.jpg`, `Thumbs.db`."""
    return name.lower() in LITTER or name.startswith("._")


def printable(path: PurePath) -> str:
    """A name that can be printed on one line, whatever bytes it has on the disk."""
    raw = path.as_posix().encode(errors="surrogateescape")
    name = raw.decode(errors="replace")
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
            reason = f"{status.st_size:,} bytes; files up to {LARGEST:,} are read"
            raise BadImage("too large", reason)
        return path.read_bytes()
    except OSError as cause:
        raise BadImage("unreadable", cause.strerror or str(cause)) from None


def measured(items: Sequence[Item]) -> tuple[int, int]:
    """The most frequent shorter side of 32 random images, and 1 channel if all of them are grey."""
    order = random.Random(0).sample(items, len(items))  # noqa: S311
    usable = filter(None, map(read_size_and_mode, order))
    with ignore_pillow_warnings():
        heads = list(islice(usable, MEASURED))
    if not heads:
        return 64, 3  # never used: packing says of each why it cannot be
    sides = Counter(min(size) for size, _ in heads)
    grey = all(mode.partition(";")[0] in GREY for _, mode in heads)
    return sides.most_common(1)[0][0], 1 if grey else 3


def split_side_by_side(item: Item) -> tuple[Item, Item]:
    """A picture of two side by side as a pair: the left half, the right half."""
    # the other half until it is read: the file is decoded once
    kept: dict[int, Image.Image] = {}

    def read(side: int) -> Image.Image:
        half = kept.pop(side, None)
        if half is None:
            halves = _halves(decoded(item)[0])
            half = halves[side]
            kept[1 - side] = halves[1 - side]
        return half

    left = replace(item, read=partial(read, 0))
    return left, replace(item, read=partial(read, 1))


def _halves(picture: Image.Image) -> list[Image.Image]:
    width, height = picture.size
    if width % 2 or width <= height:
        size = f"{width}x{height}"
        reason = f"{size} is not two side by side; nor are there A/ and B/"
        raise BadImage("not a pair", reason)
    halves = []
    for left in (0, width // 2):
        half = picture.crop((left, 0, left + width // 2, height))
        half.format = picture.format
        halves.append(half)
    return halves


def match_by_name(
    a: Sequence[Item], b: Sequence[Item], *, without_folders: int = 0
) -> list[tuple[Item, Item]]:
    """Pairs of items of equal names, without their image endings and their first folders."""
    first = _by_name(a, without_folders)
    second = _by_name(b, without_folders)
    if not first.keys() & second.keys():
        raise DataError("there are no pairs: no two files have the same name")
    pairs = []
    for name in sorted(first.keys() | second.keys()):
        sources, targets = first[name], second[name]
        pairs.append((_single(sources, targets), _single(targets, sources)))
    return pairs


def _by_name(items: Sequence[Item], without_folders: int) -> ByName:
    endings = Image.registered_extensions()
    result = ByName(list)
    for item in items:
        parts = item.name.split("/")[without_folders:]
        path = PurePosixPath(*parts)
        if path.suffix.lower() in endings:
            path = path.with_suffix("")
        result[path.as_posix()].append(item)
    return result


def _single(items: Sequence[Item], partners: Sequence[Item]) -> Item:
    if not items:
        partner = partners[0]
        reason = "no file of that name on the other side"
        stamp = partner.stamp or "none"
        return unusable(partner.name, "no partner", reason, stamp)
    if len(items) > 1:
        reason = f"{len(items)} files have this name"
        return unusable(items[0].name, "ambiguous", reason, "ambiguous")
    return items[0]


def pictures(source: Path) -> list[Item]:
    """A file, or the files below a folder that are not hidden. Raises DataError for neither."""
    source = expanded(source)
    if source.is_file():
        return [Item(source.name, partial(read_file, source))]
    if not source.is_dir():
        raise DataError(f"there is no file or folder {source}")
    items = Folder(str(source)).items()
    return [item for item in items if item.stamp != HIDDEN]
