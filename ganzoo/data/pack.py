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
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import PIL
import torch
from filelock import FileLock, Timeout
from PIL import Image
from torch import Tensor

from ganzoo.data.picture import Note, Pixels, Preparation, pixels, quiet
from ganzoo.data.source import Item
from ganzoo.data.threads import in_order, shown
from ganzoo.data.views import Row
from ganzoo.errors import BadImage, DataError
from ganzoo.files import ASIDE, new_folder, replace_file, writing
from ganzoo.paths import cache_folder

FORMAT = 1
Cache = Literal["auto", "device", "disk", "none"]
"""Where prepared images are kept: in the cache and, where they fit, on the device; in the cache; nowhere."""


@dataclass(frozen=True)
class Skipped:
    """A file that is not used, and why."""

    name: str
    kind: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What packing found: the numbers of the rows that are of use, their labels (-1 is none), what was skipped."""

    fingerprint: str
    channels: int
    size: int
    rows: list[int]
    labels: list[int]
    skipped: list[Skipped]
    notes: dict[str, int]
    stored: bool
    format: int = FORMAT

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """None when there is none, or none that can be used: it is only a cache."""
        try:
            found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            found["skipped"] = [Skipped(**skipped) for skipped in found["skipped"]]
            manifest = cls(**found)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        images, count = folder / "images.bin", len(manifest.rows) * manifest.channels * manifest.size**2
        whole = not manifest.stored or (images.exists() and images.stat().st_size == count)
        return manifest if manifest.format == FORMAT and whole else None

    def images(self, folder: Path) -> Tensor:
        """`(rows, channels, size, size)`, uint8: the file itself, mapped into memory."""
        shape = (len(self.rows), self.channels, self.size, self.size)
        count = int(np.prod(shape))
        return torch.from_file(str(folder / "images.bin"), shared=False, size=count, dtype=torch.uint8).view(shape)


def packed(
    rows: Sequence[Row], labels: Sequence[int], preparation: Preparation, *, called: str, workers: int, stored: bool
) -> tuple[Manifest, Path]:
    """The manifest of these rows and its folder: from the cache, or made now, whatever other processes do meanwhile.

    `stored` says whether the pixels are kept too. Raises DataError when the cache cannot be written.
    """
    settings = {**preparation.stored, "stored": stored, "format": FORMAT, "pillow": PIL.__version__}
    names = [[item.name for item in row] for row in rows]
    cache = cache_folder() / "packs"
    index = None
    if all(item.stamp for row in rows for item in row):
        stamps = [[item.stamp for item in row] for row in rows]
        index = cache / "index" / _hash(settings, names, list(labels), stamps)
        if index.exists() and (manifest := Manifest.read(found := cache / index.read_text())):
            return manifest, found
    with quiet():
        digests = list(shown(in_order(_digest, rows, workers), len(rows), f"reading {called}"))
    folder = cache / _hash(settings, names, list(labels), digests)
    with _alone(folder, called):
        manifest = Manifest.read(folder)
        if manifest is None:
            manifest = _pack(rows, labels, digests, preparation, folder, called=called, workers=workers, stored=stored)
        if index:
            with _caching(index):
                index.parent.mkdir(exist_ok=True)
            replace_file(index, folder.name.encode(), _caching)
    return manifest, folder


def _pack(
    rows: Sequence[Row],
    labels: Sequence[int],
    digests: Sequence[str],
    preparation: Preparation,
    folder: Path,
    *,
    called: str,
    workers: int,
    stored: bool,
) -> Manifest:
    kept: list[int] = []
    skipped: list[Skipped] = []
    notes: Counter[str] = Counter()
    work = shown(in_order(partial(_row, preparation), rows, workers), len(rows), f"preparing {called}")
    with quiet(), new_folder(folder, _caching) as aside:
        with (aside / "images.bin").open("wb") as file:
            for number, found in enumerate(work):
                if isinstance(found, Skipped):
                    skipped.append(found)
                    continue
                kept.append(number)
                notes.update({note.kind for note in found[1]})
                if stored:
                    file.write(found[0].data)
        if not stored:
            (aside / "images.bin").unlink()
        manifest = Manifest(
            fingerprint=_hash([[digests[number], labels[number]] for number in kept]),
            channels=preparation.channels * len(rows[0]),
            size=preparation.load_size,
            rows=kept,
            labels=[labels[number] for number in kept],
            skipped=skipped,
            notes=dict(notes),
            stored=stored,
        )
        (aside / "manifest.json").write_text(json.dumps(asdict(manifest)), encoding="utf-8")
    return manifest


@contextmanager
def _alone(folder: Path, called: str) -> Iterator[None]:
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
                with suppress(Timeout), lock if owner == folder.name else FileLock(locks / owner, blocking=False):
                    shutil.rmtree(litter, ignore_errors=True)
            yield
        finally:
            lock.release()


def stacked(row: Row, preparation: Preparation) -> tuple[Pixels, list[Note]]:
    """`(channels, size, size)` of an image; of a pair, the channels of both. Raises BadImage."""
    parts = [pixels(item, preparation) for item in row]
    return np.concatenate([part for part, _ in parts]), [note for _, notes in parts for note in notes]


def _row(preparation: Preparation, row: Row) -> tuple[Pixels, list[Note]] | Skipped:
    name = row[0].name
    try:
        return stacked(row, preparation)
    except BadImage as cause:
        return Skipped(name, cause.kind, str(cause))


def _digest(row: Row) -> str:
    return " ".join(map(digest, row))


def digest(item: Item) -> str:
    """Changes when the image's bytes or pixels do; for one that cannot be read, the reason."""
    try:
        content = item.read()
    except BadImage as cause:
        return cause.kind
    if isinstance(content, Image.Image):
        return hashlib.sha256(f"{content.mode} {content.size} ".encode() + content.tobytes()).hexdigest()
    return hashlib.sha256(content).hexdigest()


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _caching(path: Path) -> AbstractContextManager[None]:
    elsewhere = "set GANZOO_CACHE to a folder elsewhere, or say --data-cache none"
    return writing(path, error=DataError, if_full=f"make room, or {elsewhere}", otherwise=elsewhere)
