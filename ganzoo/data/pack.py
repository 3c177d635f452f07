"""Packing: the images of a source decoded, converted and resized once, into one file in the cache.

cache/packs/KEY/            KEY is a hash of all contents, names, labels and settings
  manifest.json             the usable rows, their labels, and why the others were skipped
  images.bin                uint8, (rows, channels, size, size); absent if decoded in every epoch
cache/packs/index/STAMPS    the KEY of files with these stamps: a second run need not read them
"""

import hashlib
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from math import prod
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import PIL
import torch
from filelock import FileLock, Timeout
from PIL import Image
from torch import Tensor

from ganzoo.data.picture import (
    Pixels,
    Preparation,
    ignore_pillow_warnings,
    pixels,
)
from ganzoo.data.source import Item, Row, content
from ganzoo.data.threads import map_in_threads, with_progress
from ganzoo.errors import BadImage, DataError
from ganzoo.files import (
    UNFINISHED,
    cache_folder,
    new_folder,
    replace_file,
    writing,
)
from ganzoo.hparams.size import Size, sides

logger = logging.getLogger(__name__)

FORMAT = 1
KEPT = 2**29
"""Bytes of drawn pictures that are kept between hashing and preparing them."""
FILLED = 0.9
"""The share of the free disk that a packed file may take; a larger one is not written."""


@dataclass(frozen=True)
class Skipped:
    """A file that is not used, and why."""

    name: str
    kind: str
    detail: str


def reasons(skipped: Sequence[Skipped]) -> str:
    """` (3 corrupt, 2 hidden)`, or nothing."""
    counts = Counter(file.kind for file in skipped).most_common()
    text = ", ".join(f"{count:,} {kind}" for kind, count in counts)
    return f" ({text})" if text else ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The numbers of the usable rows, their labels (-1 is none) and digests, and what was skipped.

    `stored` says whether images.bin, beside manifest.json, holds their pixels.
    """

    fingerprint: str
    channels: int
    size: Size
    rows: list[int]
    labels: list[int]
    digests: list[str]
    skipped: list[Skipped]
    stored: bool
    format: int = FORMAT

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """None if it is missing or damaged: it is only a cache."""
        try:
            text = (folder / "manifest.json").read_text("utf-8")
            fields = json.loads(text)
            skipped = [Skipped(**file) for file in fields.pop("skipped")]
            if isinstance(fields["size"], list):
                fields["size"] = tuple(fields["size"])
            manifest = cls(**fields, skipped=skipped)
            images, size = folder / "images.bin", prod(manifest.shape)
            if manifest.stored and images.stat().st_size != size:
                return None
            return manifest
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @property
    def shape(self) -> tuple[int, ...]:
        """That of images.bin."""
        return (len(self.rows), self.channels, *sides(self.size))

    @property
    def label_tensor(self) -> Tensor | None:
        """The labels; None if images have none."""
        return torch.tensor(self.labels) if min(self.labels) >= 0 else None

    def images(self, folder: Path) -> Tensor:
        """`(rows, channels, size, size)`, uint8: images.bin, mapped into memory."""
        path = str(folder / "images.bin")
        size = prod(self.shape)
        images = torch.from_file(path, size=size, dtype=torch.uint8)
        return images.view(self.shape)


Packed = tuple[Manifest, Path]
"""A manifest and its folder."""


@dataclass(frozen=True, kw_only=True)
class Packing:
    """The rows to pack, and the settings.

    `stored` says whether the pixels are kept; None: if the disk has room for them.
    """

    rows: Sequence[Row]
    labels: Sequence[int]
    preparation: Preparation
    source_text: str
    workers: int
    stored: bool | None = None

    def packed(self) -> Packed:
        """From the cache, or made now; other processes may do the same at the same time.

        Raises DataError if the cache cannot be written, or a file changes meanwhile.
        """
        if self.stored is not None:
            return self._from_index() or self._make()
        kept = replace(self, stored=True)
        ready = kept._from_index()
        if ready:
            return ready
        settings = self.preparation
        images = len(self.rows) * len(self.rows[0])
        size = images * settings.channels * prod(sides(settings.load_size))
        with _caching(self._cache):
            self._cache.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._cache).free
        if size <= FILLED * free:
            return kept._make()
        logger.warning(
            f"{self.source_text} has no room in {cache_folder()}: it is decoded in every epoch"
        )
        return replace(self, stored=False).packed()

    @property
    def _cache(self) -> Path:
        return cache_folder() / "packs"

    def _key(self, *parts: Any) -> str:
        preparation = self.preparation
        settings = {
            "load_size": preparation.load_size,
            "channels": preparation.channels,
            "fit": preparation.fit,
            "stored": self.stored,
            "format": FORMAT,
            "pillow": PIL.__version__,
        }
        names = self._of_items("name")
        return json_digest(settings, names, list(self.labels), *parts)

    def _of_items(self, attribute: str) -> list[list[str]]:
        get = attrgetter(attribute)
        return [list(map(get, row)) for row in self.rows]

    @cached_property
    def _index(self) -> Path | None:
        """The file that knows the key by the stamps; None if an image has no stamp."""
        stamps = self._of_items("stamp")
        if not all(map(all, stamps)):
            return None
        return self._cache / "index" / self._key(self.source_text, stamps)

    def _from_index(self) -> Packed | None:
        if not self._index:
            return None
        try:
            folder = self._cache / self._index.read_text()
        except (OSError, ValueError):
            return None
        manifest = Manifest.read(folder)
        return (manifest, folder) if manifest else None

    def _make(self) -> Packed:
        work = map_in_threads(_hashed, self.rows, self.workers)
        rows = list(self.rows)
        digests: list[str] = []
        drawn_bytes = 0
        with ignore_pillow_warnings():
            title = f"reading {self.source_text}"
            for number, hashed in enumerate(with_progress(work, len(rows), title)):
                digests.append(hashed.digest)
                drawn_bytes += hashed.drawn_bytes
                if hashed.drawn_bytes and drawn_bytes <= KEPT:
                    rows[number] = hashed.row  # to draw it again would cost more than to keep it
        folder = self._cache / self._key(digests)
        with packing_lock(folder, self.source_text):
            manifest = Manifest.read(folder) or self._pack(rows, digests, folder)
            # an unreadable file may be a passing fault: the next run reads it again
            kinds = {file.kind for file in manifest.skipped}
            if self._index and "unreadable" not in kinds:
                self._index.parent.mkdir(exist_ok=True)
                replace_file(self._index, folder.name.encode(), _caching)
        return manifest, folder

    def _pack(self, rows: Sequence[Row], digests: Sequence[str], folder: Path) -> Manifest:
        hashed = list(zip(rows, digests, strict=True))
        pack_row = partial(_row, self.preparation)
        work = map_in_threads(pack_row, hashed, self.workers)
        title = f"preparing {self.source_text}"
        results = with_progress(work, len(rows), title)
        kept: list[int] = []
        skipped: list[Skipped] = []
        with ignore_pillow_warnings(), new_folder(folder, _caching) as temporary:
            path = temporary / "images.bin" if self.stored else Path(os.devnull)
            with path.open("wb") as file:
                for number, result in enumerate(results):
                    if isinstance(result, Skipped):
                        skipped.append(result)
                    else:
                        kept.append(number)
                        file.write(result.data)
            labels = [self.labels[number] for number in kept]
            used = [digests[number] for number in kept]
            pairs = list(zip(used, labels, strict=True))
            manifest = Manifest(
                fingerprint=json_digest(pairs),
                channels=self.preparation.channels * len(self.rows[0]),
                size=self.preparation.load_size,
                rows=kept,
                labels=labels,
                digests=[] if self.stored else used,
                skipped=skipped,
                stored=bool(self.stored),
            )
            text = json.dumps(asdict(manifest))
            (temporary / "manifest.json").write_text(text, "utf-8")
        return manifest


class _Hashed(NamedTuple):
    """A row in memory, its digest, and the bytes of its drawn pictures, 0 for files."""

    row: Row
    digest: str
    drawn_bytes: int


def _hashed(row: Row) -> _Hashed:
    read = tuple(map(read_once, row))
    drawn_bytes = 0
    for item in read:
        with suppress(BadImage):
            picture = content(item)
            if isinstance(picture, Image.Image):
                drawn_bytes += picture.width * picture.height * len(picture.getbands())
    return _Hashed(read, row_digest(read), drawn_bytes)


def _row(preparation: Preparation, row: tuple[Row, str]) -> Pixels | Skipped:
    try:
        return verified(*row, preparation)
    except BadImage as cause:
        return Skipped(row[0][0].name, cause.kind, str(cause))


def verified(row: Row, digest: str, preparation: Preparation) -> Pixels:
    """`(channels, height, width)` of an image; of a pair, the channels of both.

    Raises BadImage if it cannot be decoded, DataError if its content changed since it was hashed.
    """
    read = tuple(map(read_once, row))
    if row_digest(read) != digest:
        name = row[0].name
        raise DataError(f"{name} has changed meanwhile: run the same command again")
    return np.concatenate([pixels(item, preparation) for item in read])


def read_once(item: Item) -> Item:
    """The item with its content in memory; a bad one stays as it is."""
    try:
        result = content(item)
    except BadImage:
        return item
    return replace(item, read=lambda: result)


def row_digest(row: Row) -> str:
    """Changes with the bytes or the pixels of an image, or with the reason why it is unreadable."""
    return " ".join(map(item_digest, row))


def item_digest(item: Item) -> str:
    try:
        result = content(item)
    except BadImage as cause:
        return cause.kind
    if isinstance(result, Image.Image):
        result = f"{result.mode} {result.size} ".encode() + result.tobytes()
    return hashlib.sha256(result).hexdigest()[:32]


def json_digest(*parts: Any) -> str:
    """128 bits of sha256 of the parts as JSON."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@contextmanager
def packing_lock(folder: Path, source_text: str) -> Iterator[None]:
    """Keeps other processes from packing into this folder; deletes what a killed one has left."""
    locks = folder.parent / "locks"
    with _caching(folder):
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / folder.name)
        try:
            held = lock.acquire(blocking=False)
        except Timeout:
            logger.warning(f"waiting for another process that prepares {source_text}")
            held = lock.acquire()
        with held:
            for litter in folder.parent.glob(f"{UNFINISHED}*"):
                owner = litter.name.removeprefix(UNFINISHED).partition("-")[0]
                theirs = FileLock(locks / owner, blocking=False)
                with suppress(Timeout), lock if owner == folder.name else theirs:
                    shutil.rmtree(litter, ignore_errors=True)
            yield


_caching = partial(
    writing,
    error=DataError,
    if_full="make room, set GANZOO_CACHE, or say --data-cache none",
    otherwise="set GANZOO_CACHE to a folder elsewhere",
)
