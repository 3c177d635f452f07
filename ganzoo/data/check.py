"""check: for each file of a source, whether it can be used, and what would be done to it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.open import OpenedSources
from ganzoo.data.picture import (
    Preparation,
    decoded,
    fitting,
    ignore_pillow_warnings,
    resized,
)
from ganzoo.data.source import Row
from ganzoo.data.threads import (
    default_workers,
    map_in_threads,
    with_progress,
)
from ganzoo.data.views import Domains
from ganzoo.errors import BadImage
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
    skipped: bool = False


@dataclass
class _Result:
    """The findings about a row; `size` and `mode` are those of its first file."""

    findings: list[Finding] = field(default_factory=list)
    digest: str = ""
    size: str = ""
    mode: str = ""
    thumbnail: Image.Image | None = None
    """None: it cannot be used."""


@dataclass
class Report:
    """The contents of a source.

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
        values = {
            **vars(self),
            "skipped": len(self.skipped),
            "findings": list(map(asdict, self.findings)),
        }
        for name in ("sizes", "modes", "classes"):
            values[name] = dict(values[name].most_common())
        del values["thumbnails"]
        return values

    def sheet(self) -> Image.Image:
        """A contact sheet of up to 64 usable images, evenly picked."""
        squares = [resized(thumbnail, THUMBNAIL, "pad") for thumbnail in self.thumbnails]
        return grid(torch.stack(list(map(from_pil, squares))))


def check(
    names: Sequence[str],
    hp: Hparams | None = None,
    view: Any = Tensor,
    workers: int | None = None,
) -> Report:
    """Reads every file of one or two sources.

    With the hyperparameters of a model, it checks what that model needs.
    """
    if not hp and len(names) == 2:
        view = Domains
    opened = OpenedSources.of(names, view)
    preparation = Preparation(0, 0, channels=3)
    if hp:
        preparation = Preparation.of(hp, opened.info)
    report = Report(opened.source_text)
    rows = list(chain(*opened.parts))
    every = max(1, len(rows) // SHOWN)
    first_with: dict[str, tuple[str, bool]] = {}
    work = map_in_threads(partial(_examined, preparation), rows, workers or default_workers())
    with ignore_pillow_warnings():
        results = with_progress(work, len(rows), f"checking {report.source}")
        for number, (row, result) in enumerate(zip(rows, results, strict=True)):
            report.files += 1
            report.findings += result.findings
            if not result.thumbnail:
                continue
            if report.usable % every == 0 and len(report.thumbnails) < SHOWN:
                report.thumbnails.append(result.thumbnail)
            report.usable += 1
            report.sizes[result.size] += 1
            report.modes[result.mode] += 1
            name, label = row[0].name, row[0].label
            if label is not None:
                report.classes[label] += 1
            here = name, number < len(opened.parts[0])
            twin = first_with.setdefault(result.digest, here)
            if twin != here:
                kind = "duplicate" if twin[1] == here[1] else "in both domains"
                detail = f"the same picture as {twin[0]}"
                report.findings.append(Finding(name, kind, detail))
    return report


def _examined(preparation: Preparation, row: Row) -> _Result:
    """A row by its first picture, if all of its pictures can be used."""
    result = _Result()
    for item in row:
        try:
            picture, notes = decoded(item)
            ready, more = fitting(picture, preparation)
        except BadImage as cause:
            return _Result([Finding(item.name, cause.kind, str(cause), skipped=True)])
        for note in notes + more:
            finding = Finding(item.name, note.kind, note.detail)
            if finding not in result.findings:
                result.findings.append(finding)
        result.digest += hashlib.sha256(f"{ready.size}".encode() + ready.tobytes()).hexdigest()
        if not result.thumbnail:
            result.size = f"{picture.width}x{picture.height}"
            result.mode = picture.mode
            result.thumbnail = ready.convert("RGB")
            result.thumbnail.thumbnail((THUMBNAIL, THUMBNAIL))
    return result
