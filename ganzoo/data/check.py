"""check: for each file of a source, whether it can be used, and what would be done to it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
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
from ganzoo.data.source import HasDomains, Row
from ganzoo.data.threads import (
    default_workers,
    map_in_threads,
    with_progress,
)
from ganzoo.data.views import Domains
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import Hparams
from ganzoo.hparams.size import sides
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
    first_with: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    """The name and the domain of the first usable image with each content."""
    validation: "Report | None" = None
    """Of the validation data, where they are a folder of the source."""

    @property
    def skipped(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.skipped]

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures; sizes, modes and classes with the most frequent first."""
        values = {
            **vars(self),
            "skipped": len(self.skipped),
            "findings": list(map(asdict, self.findings)),
        }
        for name in ("sizes", "modes", "classes"):
            values[name] = dict(values[name].most_common())
        for name in ("thumbnails", "first_with", "validation"):
            del values[name]
        if self.validation:
            values["validation"] = self.validation.to_json()
        return values

    def add_twin(self, digest: str, name: str, domain: str = "") -> None:
        """Adds a finding if an earlier image has the same content."""
        twin, other = self.first_with.setdefault(digest, (name, domain))
        if (twin, other) == (name, domain):
            return
        is_other_domain = domain and other and domain != other
        kind = "in both domains" if is_other_domain else "duplicate"
        self.findings.append(Finding(name, kind, f"the same picture as {twin}"))

    def add_validation(self, validation: "Report") -> None:
        """Adds the report of the validation data, with a finding for each image in both."""
        self.validation = validation
        for digest, (name, _) in validation.first_with.items():
            if digest in self.first_with:
                twin, _ = self.first_with[digest]
                detail = f"the same picture as {twin}"
                finding = Finding(name, "in the training data too", detail)
                validation.findings.append(finding)

    def sheet(self) -> Image.Image:
        """A contact sheet of up to 64 usable images, evenly picked."""
        squares = []
        for thumbnail in self.thumbnails:
            square = resized(thumbnail, THUMBNAIL, "pad")
            squares.append(from_pil(square))
        return grid(torch.stack(squares))


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
    preparation = Preparation(0, 0, channels=opened.info.channels)
    if hp:
        preparation = Preparation.of(hp, opened.info)
        opened = opened.at_size(max(sides(preparation.load_size)), view)
    report = Report(opened.source_text)
    rows = list(chain(*opened.parts))
    domains = _domains(opened)
    every = max(1, len(rows) // SHOWN)
    work = map_in_threads(
        partial(_examined, preparation),
        rows,
        workers or default_workers(),
    )
    with ignore_pillow_warnings():
        title = f"checking {report.source}"
        results = with_progress(work, len(rows), title)
        for row, domain, result in zip(rows, domains, results, strict=True):
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
            report.add_twin(result.digest, name, domain)
    return report


def _domains(opened: OpenedSources) -> list[str]:
    """The domain of each row, A or B; empty for none."""
    if len(opened.parts) == 2:
        a, b = opened.parts
        return ["A"] * len(a) + ["B"] * len(b)
    by_name: dict[str, str] = {}
    source = opened.sources[0]
    if isinstance(source, HasDomains):
        with suppress(DataError):  # it is no two domains
            for domain, items in zip("AB", source.domains(), strict=True):
                for item in items:
                    by_name[item.name] = domain
    return [by_name.get(row[0].name, "") for row in opened.parts[0]]


def _examined(preparation: Preparation, row: Row) -> _Result:
    """A row by its first picture, if all of its pictures can be used."""
    result = _Result()
    for item in row:
        try:
            picture, notes = decoded(item)
            ready, more = fitting(picture, preparation)
        except BadImage as cause:
            finding = Finding(item.name, cause.kind, str(cause), skipped=True)
            return _Result([finding])
        for note in notes + more:
            finding = Finding(item.name, note.kind, note.detail)
            if finding not in result.findings:
                result.findings.append(finding)
        content = f"{ready.size}".encode() + ready.tobytes()
        result.digest += hashlib.sha256(content).hexdigest()
        if not result.thumbnail:
            result.size = f"{picture.width}x{picture.height}"
            result.mode = picture.mode
            result.thumbnail = ready.convert("RGB")
            result.thumbnail.thumbnail((THUMBNAIL, THUMBNAIL))
    return result
