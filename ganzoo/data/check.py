"""What `ganzoo data check` finds: for each file, whether it can be used, and what would be done to it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
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
from ganzoo.data.source import HasDomains, Item
from ganzoo.data.threads import default_workers, map_in_threads, with_progress
from ganzoo.data.views import Domains, Row
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import Hparams
from ganzoo.images import grid

THUMBNAIL = 96
SHOWN = 64


@dataclass(frozen=True)
class Finding:
    """Something about one file; `skipped` says that it is not used because of it."""

    name: str
    kind: str
    detail: str
    skipped: bool


@dataclass
class Report:
    """What a source holds. `sizes`, `modes` and `classes` count the usable images as they are in their files."""

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
        """All of it but the thumbnails; sizes, modes and classes by falling count."""
        counts = {
            name: dict(getattr(self, name).most_common()) for name in ("sizes", "modes", "classes")
        }
        known = {
            "source": self.source,
            "files": self.files,
            "usable": self.usable,
            "skipped": len(self.skipped),
        }
        return {**known, **counts, "findings": [asdict(finding) for finding in self.findings]}

    def sheet(self) -> Image.Image:
        """A contact sheet of up to 64 usable images, evenly picked."""
        squares = [
            np.asarray(resized(thumbnail, THUMBNAIL, "pad")) for thumbnail in self.thumbnails
        ]
        images = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
        return grid(images.float() / 127.5 - 1)


def check(
    names: Sequence[str], hp: Hparams | None = None, view: Any = Tensor, workers: int | None = None
) -> Report:
    """Reads every file of one or two sources. With the hyperparameters of a model, by what that model needs."""
    opened = OpenedSources.of(names, Domains if hp is None and len(names) == 2 else view)
    preparation = Preparation.of(hp, opened.info) if hp else None
    report = Report(opened.source_text)
    first_with: dict[str, tuple[str, str]] = {}
    domains = _domains(opened)
    rows = [
        (row, domain) for part, domain in zip(opened.parts, domains, strict=True) for row in part
    ]
    every = max(1, len(rows) // SHOWN)
    work = map_in_threads(
        partial(_examined, preparation), [row for row, _ in rows], workers or default_workers()
    )
    with ignore_pillow_warnings():
        found = with_progress(work, len(rows), f"checking {report.source}")
        for (row, domain), seen in zip(rows, found, strict=True):
            report.files += 1
            report.findings += seen.findings
            if any(finding.skipped for finding in seen.findings):
                continue
            if report.usable % every == 0 and len(report.thumbnails) < SHOWN:
                report.thumbnails.append(seen.thumbnail)
            report.usable += 1
            report.sizes[seen.size] += 1
            report.modes[seen.mode] += 1
            if (label := row[0].label) is not None:
                report.classes[label] += 1
            name, where = row[0].name, domain.get(row[0].name, "")
            twin, there = first_with.setdefault(seen.digest, (name, where))
            if (twin, there) != (name, where):
                kind = "in both domains" if where != there else "duplicate"
                report.findings.append(
                    Finding(name, kind, f"the same picture as {twin}", skipped=False)
                )
    return report


def _domains(opened: OpenedSources) -> list[dict[str, str]]:
    """For each part: name -> domain."""
    if len(opened.parts) == 2:
        return [
            {row[0].name: domain for row in part}
            for part, domain in zip(opened.parts, "AB", strict=True)
        ]
    source = opened.sources[0]
    if isinstance(source, HasDomains):
        try:
            return [
                {
                    item.name: d
                    for d, part in zip("AB", source.domains(), strict=True)
                    for item in part
                }
            ]
        except DataError:
            pass  # not two domains, and nobody said that they are
    return [{}]


@dataclass(frozen=True)
class _Seen:
    findings: list[Finding]
    digest: str = ""
    size: str = ""
    mode: str = ""
    thumbnail: Image.Image = field(default_factory=lambda: Image.new("RGB", (1, 1)))


def _examined(preparation: Preparation | None, row: Row) -> _Seen:
    seen = [_seen(preparation, item) for item in row]
    findings = list(dict.fromkeys(finding for one in seen for finding in one.findings))
    skipped = [finding for finding in findings if finding.skipped]
    return replace(
        seen[0], findings=skipped[:1] or findings, digest=" ".join(one.digest for one in seen)
    )


def _seen(preparation: Preparation | None, item: Item) -> _Seen:
    try:
        picture, notes = decoded(item)
        size, mode = f"{picture.width}x{picture.height}", picture.mode
        channels = preparation.channels if preparation else 3
        ready, more = checked_and_converted(
            picture, channels, preparation.load_size if preparation else 0
        )
    except BadImage as cause:
        return _Seen([Finding(item.name, cause.kind, str(cause), skipped=True)])
    findings = [Finding(item.name, note.kind, note.detail, skipped=False) for note in notes + more]
    digest = hashlib.sha256(f"{ready.size}".encode() + ready.tobytes()).hexdigest()
    thumbnail = ready.convert("RGB")
    thumbnail.thumbnail((THUMBNAIL, THUMBNAIL))
    return _Seen(findings, digest, size, mode, thumbnail)
