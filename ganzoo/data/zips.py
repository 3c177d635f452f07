"""Zips of image files. Nothing is unpacked to the disk, whatever the names say."""

import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from ganzoo.data.files import LARGEST, Files, hidden, image_file, printable, stamped
from ganzoo.data.source import Item, refusing
from ganzoo.errors import BadImage, DataError

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
        except Exception as cause:  # a damaged directory makes zipfile raise errors of several kinds
            raise DataError(f"{argument} is neither a folder nor a zip that can be read: {cause}") from None

    def _listed(self) -> Iterator[Item]:
        entries = [
            (entry.filename.replace("\\", "/"), entry) for entry in self._archive.infolist() if not entry.is_dir()
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
                yield refusing(shown, "unsafe name", "its name leads out of the zip; nothing was written there", stamp)
            elif places[entry.header_offset] > 1:
                yield refusing(
                    shown, "compression bomb", "it shares its bytes with another; it was not unpacked", stamp
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
        raise BadImage("compression bomb", f"{packed:,} bytes that unpack to {size:,}; it was not unpacked")
    if entry.flag_bits & 1:
        raise BadImage("encrypted", "it needs a password")
    try:
        return archive.read(entry)
    except Exception as cause:  # zlib, lzma, bz2, zipfile and struct each have errors of their own
        raise BadImage("corrupt", f"it cannot be unpacked: {cause}") from cause
