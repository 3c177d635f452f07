"""Packing: the images of a source decoded, converted and resized once, into one file in the cache.

cache/packs/KEY/            KEY is a hash of all contents, names, labels and settings
  manifest.json             which rows are of use, their labels, what was skipped and why
  images.bin                uint8, (rows, channels, size, size); absent where images are to be decoded anew
cache/packs/index/STAMPS    the KEY of files with these stamps, so that a second run need not read them
"""

import hashlib
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import PIL
import torch
from filelock import FileLock, Timeout
from PIL import Image
from torch import Tensor

from ganzoo.data.picture import Pixels, Preparation, ignore_pillow_warnings, pixels
from ganzoo.data.source import Item, content
from ganzoo.data.threads import map_in_threads, with_progress
from ganzoo.data.views import Row
from ganzoo.errors import BadImage, DataError
from ganzoo.files import ASIDE, cache_folder, new_folder, replace_file, writing

FORMAT = 1


@dataclass(frozen=True)
class Skipped:
    """A file that is not used, and why."""

    name: str
    kind: str
    detail: str


def reasons(skipped: Sequence[Skipped]) -> str:
    """` (3 corrupt, 2 hidden)`, or nothing."""
    counts = Counter(one.kind for one in skipped).most_common()
    return f" ({', '.join(f'{count:,} {kind}' for kind, count in counts)})" if counts else ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The numbers of the rows that are of use, their labels (-1 is none) and digests, and what was skipped.

    `stored` says whether their pixels are in images.bin, beside manifest.json, `(rows, channels, size, size)`.
    """

    fingerprint: str
    channels: int
    size: int
    rows: list[int]
    labels: list[int]
    digests: list[str]
    skipped: list[Skipped]
    stored: bool
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        (folder / "manifest.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """None when there is none, or none that can be used: it is only a cache."""
        try:
            found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            found["skipped"] = [Skipped(**skipped) for skipped in found["skipped"]]
            manifest = cls(**found)
            whole = not manifest.stored or (folder / "images.bin").stat().st_size == manifest.bytes
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return manifest if whole and manifest.format == FORMAT else None

    @property
    def bytes(self) -> int:
        """Of the pixels."""
        return len(self.rows) * self.channels * self.size**2

    def images(self, folder: Path) -> Tensor:
        """`(rows, channels, size, size)`, uint8: the file itself, mapped into memory."""
        shape = (len(self.rows), self.channels, self.size, self.size)
        if not self.rows:
            return torch.empty(shape, dtype=torch.uint8)
        path = str(folder / "images.bin")
        return torch.from_file(path, shared=False, size=self.bytes, dtype=torch.uint8).view(shape)


FILLED = 0.9
"""The share of the free disk that a packed file may take; what needs more is decoded anew in every epoch."""


@dataclass(frozen=True, kw_only=True)
class Packing:
    """What is to be packed, and how. `stored` says whether the pixels are kept; None: if the disk has room for them."""

    rows: Sequence[Row]
    labels: Sequence[int]
    preparation: Preparation
    called: str
    workers: int
    stored: bool | None = None

    def manifest(self) -> tuple[Manifest, Path]:
        """The manifest of these rows and its folder: from the cache, or made now, whatever other processes do.

        Raises DataError when the cache cannot be written, and when a file changes meanwhile.
        """
        if self.stored is None:
            kept = replace(self, stored=True)
            return kept._indexed() or (
                kept._made() if self._fits() else replace(self, stored=False).manifest()
            )
        return self._indexed() or self._made()

    @property
    def _cache(self) -> Path:
        return cache_folder() / "packs"

    def _key(self, *parts: Any) -> str:
        settings = {
            **self.preparation.stored,
            "stored": self.stored,
            "format": FORMAT,
            "pillow": PIL.__version__,
        }
        names = [[item.name for item in row] for row in self.rows]
        return json_digest(settings, names, list(self.labels), *parts)

    @property
    def _index(self) -> Path | None:
        """The file that knows the key by the stamps; None when an image has no stamp."""
        stamps = [[item.stamp for item in row] for row in self.rows]
        if not all(all(row) for row in stamps):
            return None
        return self._cache / "index" / self._key(self.called, stamps)

    def _indexed(self) -> tuple[Manifest, Path] | None:
        index = self._index
        try:
            folder = self._cache / index.read_text() if index else None
        except (OSError, ValueError):
            return None
        manifest = Manifest.read(folder) if folder else None
        return (manifest, folder) if manifest and folder else None

    def _fits(self) -> bool:
        needed = (
            len(self.rows)
            * len(self.rows[0])
            * self.preparation.channels
            * self.preparation.load_size**2
        )
        with _caching(self._cache):
            self._cache.mkdir(parents=True, exist_ok=True)
            return needed <= FILLED * shutil.disk_usage(self._cache).free

    def _made(self) -> tuple[Manifest, Path]:
        index = (
            self._index
        )  # of now: a file that changes from here on has another stamp the next time
        with ignore_pillow_warnings():
            work = map_in_threads(row_digest, self.rows, self.workers)
            digests = list(with_progress(work, len(self.rows), f"reading {self.called}"))
        folder = self._cache / self._key(digests)
        with packing_lock(folder, self.called):
            manifest = Manifest.read(folder) or self._pack(digests, folder)
            lasting = all(
                skipped.kind != "unreadable" for skipped in manifest.skipped
            )  # that may be a passing fault
            if index and lasting:
                with _caching(index):
                    index.parent.mkdir(exist_ok=True)
                replace_file(index, folder.name.encode(), _caching)
        return manifest, folder

    def _pack(self, digests: Sequence[str], folder: Path) -> Manifest:
        rows = list(zip(self.rows, digests, strict=True))
        work = map_in_threads(partial(_row, self.preparation), rows, self.workers)
        kept: list[int] = []
        skipped: list[Skipped] = []
        with ignore_pillow_warnings(), new_folder(folder, _caching) as aside:
            with (aside / "images.bin").open("wb") as file:
                for number, found in enumerate(
                    with_progress(work, len(rows), f"preparing {self.called}")
                ):
                    if isinstance(found, Skipped):
                        skipped.append(found)
                        continue
                    kept.append(number)
                    if self.stored:
                        file.write(found.data)
            if not self.stored:
                (aside / "images.bin").unlink()
            manifest = Manifest(
                fingerprint=json_digest(
                    [[digests[number], self.labels[number]] for number in kept]
                ),
                channels=self.preparation.channels * len(self.rows[0]),
                size=self.preparation.load_size,
                rows=kept,
                labels=[self.labels[number] for number in kept],
                digests=[] if self.stored else [digests[number] for number in kept],
                skipped=skipped,
                stored=bool(self.stored),
            )
            manifest.write(aside)
        return manifest


def verified(row: Row, expected: str, preparation: Preparation) -> Pixels:
    """`(channels, size, size)` of an image; of a pair, the channels of both.

    Raises BadImage, and DataError when it is not what had this digest.
    """
    held = tuple(read_once(item) for item in row)
    if row_digest(held) != expected:
        raise DataError(
            f"{row[0].name} has changed since it was looked at: run the same command again"
        )
    parts = [pixels(item, preparation) for item in held]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def row_digest(row: Row) -> str:
    """Changes when the bytes or the pixels of an image do; for one that cannot be read, the reason."""
    return " ".join(map(item_digest, row))


def _row(preparation: Preparation, row: tuple[Row, str]) -> Pixels | Skipped:
    try:
        return verified(*row, preparation)
    except BadImage as cause:
        return Skipped(row[0][0].name, cause.kind, str(cause))


def read_once(item: Item) -> Item:
    """The same, read once."""
    try:
        found = content(item)
    except BadImage:
        return item
    return replace(item, read=lambda: found)


def item_digest(item: Item) -> str:
    try:
        found = content(item)
    except BadImage as cause:
        return cause.kind
    if isinstance(found, Image.Image):
        found = f"{found.mode} {found.size} ".encode() + found.tobytes()
    return hashlib.sha256(found).hexdigest()[:32]


def json_digest(*parts: Any) -> str:
    """128 bits of sha256 of what JSON makes of the parts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@contextmanager
def packing_lock(folder: Path, called: str) -> Iterator[None]:
    """Inside, no other process packs into this folder; what one that was killed has left is swept out."""
    locks, cache = folder.parent / "locks", folder.parent
    with _caching(folder):
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / folder.name)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            sys.stderr.write(f"another process is preparing {called}; waiting for it\n")
            lock.acquire()
        try:
            for litter in cache.glob(f"{ASIDE}*"):
                owner = litter.name.removeprefix(ASIDE).partition("-")[0]
                with (
                    suppress(Timeout),
                    lock if owner == folder.name else FileLock(locks / owner, blocking=False),
                ):
                    shutil.rmtree(litter, ignore_errors=True)
            yield
        finally:
            lock.release()


def _caching(path: Path) -> AbstractContextManager[None]:
    elsewhere = "set GANZOO_CACHE to a folder elsewhere"
    full = f"make room, {elsewhere}, or say --data-cache none"
    return writing(path, error=DataError, if_full=full, otherwise=elsewhere)
