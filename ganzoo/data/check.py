"""check: for each file of a source, whether it can be used, and what would be done to it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.open import OpenedSources
from ganzoo.data.picture import (
    Preparation,
    checked_and_converted,
    decoded,
    ignore_pillow_warnings,
    resized,
)
from ganzoo.data.source import HasDomains, Item, Row
from ganzoo.data.threads import default_workers, map_in_threads, with_progress
from ganzoo.data.views import Domains
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import Hparams
from ganzoo.images import from_pil, grid

THUMBNAIL = 96
SHOWN = 64


@dataclass(frozen=True)
class Finding:
    """A remark about one file; `skipped` says that it is not used because of it."""

    name: str
    kind: str
    detail: str
    skipped: bool


@dataclass(frozen=True)
class _Picture:
    """A usable image: the digest of its pixels, and its size and mode in the file."""

    digest: str
    size: str
    mode: str
    thumbnail: Image.Image


@dataclass
class Report:
    """What a source holds.

    `sizes`, `modes` and `classes` count the usable images as they are in their files.
    """

    source: str
    files: int = 0
    usable: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    thumbnails: list[Image.Image] = field(default_factory=list, repr=False)

    @property
    def skipped(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.skipped]

    def to_json(self) -> dict[str, Any]:
        """Everything but the thumbnails; sizes, modes and classes with the most frequent first."""
        return {
            "source": self.source,
            "files": self.files,
            "usable": self.usable,
            "skipped": len(self.skipped),
            "sizes": dict(self.sizes.most_common()),
            "modes": dict(self.modes.most_common()),
            "classes": dict(self.classes.most_common()),
            "findings": list(map(asdict, self.findings)),
        }

    def sheet(self) -> Image.Image:
        """A contact sheet of up to 64 usable images, evenly picked."""
        images = []
        for thumbnail in self.thumbnails:
            images.append(from_pil(resized(thumbnail, THUMBNAIL, "pad")))
        return grid(torch.stack(images))

    def _count(self, row: Row, picture: _Picture) -> None:
        self.usable += 1
        self.sizes[picture.size] += 1
        self.modes[picture.mode] += 1
        label = row[0].label
        if label is not None:
            self.classes[label] += 1


def check(
    names: Sequence[str], hp: Hparams | None = None, view: Any = Tensor, workers: int | None = None
) -> Report:
    """Reads every file of one or two sources.

    With the hyperparameters of a model, it checks what that model needs.
    """
    opened = OpenedSources.of(names, Domains if hp is None and len(names) == 2 else view)
    preparation = Preparation.of(hp, opened.info) if hp else None
    report = Report(opened.source_text)
    rows: list[Row] = []
    for part in opened.parts:
        rows += part
    domains = _domains(opened)
    every = max(1, len(rows) // SHOWN)
    first_with: dict[str, tuple[str, str]] = {}
    work = map_in_threads(partial(_examined, preparation), rows, workers or default_workers())
    with ignore_pillow_warnings():
        results = with_progress(work, len(rows), f"checking {report.source}")
        for row, domain, (findings, picture) in zip(rows, domains, results, strict=True):
            report.files += 1
            report.findings += findings
            if picture is None:
                continue
            if report.usable % every == 0 and len(report.thumbnails) < SHOWN:
                report.thumbnails.append(picture.thumbnail)
            report._count(row, picture)
            here = (row[0].name, domain)
            twin = first_with.setdefault(picture.digest, here)
            if twin != here:
                kind = "duplicate" if domain == twin[1] else "in both domains"
                detail = f"the same picture as {twin[0]}"
                report.findings.append(Finding(row[0].name, kind, detail, skipped=False))
    return report


def _domains(opened: OpenedSources) -> list[str]:
    """The domain of each row, "" if there are none."""
    if len(opened.parts) == 2:
        a, b = map(len, opened.parts)
        return ["A"] * a + ["B"] * b
    domains: dict[str, str] = {}
    source = opened.sources[0]
    if isinstance(source, HasDomains):
        try:
            a_items, b_items = source.domains()
        except DataError:
            pass  # not two domains, and nothing says that they should be
        else:
            domains |= dict.fromkeys((item.name for item in a_items), "A")
            domains |= dict.fromkeys((item.name for item in b_items), "B")
    return [domains.get(row[0].name, "") for row in opened.parts[0]]


def _examined(preparation: Preparation | None, row: Row) -> tuple[list[Finding], _Picture | None]:
    """The findings about a row, and its first picture if all can be used."""
    findings: list[Finding] = []
    pictures = []
    for item in row:
        try:
            picture, remarks = _examined_item(preparation, item)
        except BadImage as cause:
            return [Finding(item.name, cause.kind, str(cause), skipped=True)], None
        pictures.append(picture)
        findings += [remark for remark in remarks if remark not in findings]
    first = pictures[0]
    digest = " ".join(picture.digest for picture in pictures)
    return findings, _Picture(digest, first.size, first.mode, first.thumbnail)


def _examined_item(preparation: Preparation | None, item: Item) -> tuple[_Picture, list[Finding]]:
    picture, notes = decoded(item)
    channels, size = (preparation.channels, preparation.load_size) if preparation else (3, 0)
    result, more = checked_and_converted(picture, channels, size)
    remarks = [Finding(item.name, note.kind, note.detail, skipped=False) for note in notes + more]
    digest = hashlib.sha256(f"{result.size}".encode() + result.tobytes()).hexdigest()
    thumbnail = result.convert("RGB")
    thumbnail.thumbnail((THUMBNAIL, THUMBNAIL))
    size_text = f"{picture.width}x{picture.height}"
    return _Picture(digest, size_text, picture.mode, thumbnail), remarks
