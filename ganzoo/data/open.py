"""as_data: from a SOURCE, a tensor or a Dataset to Data, in the view, size and channels that a model wants."""

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor

from ganzoo.data.images import Images, StoredImages, StreamedImages
from ganzoo.data.in_memory import from_python
from ganzoo.data.pack import Manifest, Packing, reasons
from ganzoo.data.picture import Preparation
from ganzoo.data.source import Source, open_source
from ganzoo.data.threads import default_workers
from ganzoo.data.views import Domains, Pair, Row, check_view, rows_for_view
from ganzoo.errors import DataError, PluginError, UsageError
from ganzoo.files import cache_folder
from ganzoo.hparams.hparams import DataInfo, Hparams

Cache = Literal["auto", "device", "disk", "none"]
"""Where prepared images are kept: in the cache and, where they fit, on the device; in the cache; nowhere."""


@dataclass
class Data:
    """What a model is trained on: one part, or two for two domains, and what is known of them.

    `name` is the SOURCE that it was opened from, or the two, so that a run can open it again; None for what Python
    passed in. `notes` are lines for the user.
    """

    parts: tuple[Images, ...]
    info: DataInfo
    preparation: Preparation
    name: str | list[str] | None = None
    licence: str | None = None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def fingerprint(self) -> str:
        """Changes when the images or their order change."""
        first, *others = (part.fingerprint for part in self.parts)
        return hashlib.sha256(" ".join([first, *others]).encode()).hexdigest() if others else first


def open_data(
    data: object,
    hp: Hparams,
    view: Any = Tensor,
    *,
    workers: int | None = None,
    cache: str = "auto",
    strict: bool = False,
) -> Data:
    """A SOURCE ("digits", a folder, a zip), a tensor or a Dataset -> Data; two in a tuple for two domains or for pairs.

    What a SOURCE has of images is prepared once: `cache` says where it is kept (`auto`, `device`, `disk`, `none`),
    `workers` how many threads do it, `strict` that a file that cannot be used is an error. uint8 is scaled to
    [-1, 1]; floats are taken as being in [-1, 1]. Raises DataError for what is not what the model needs.
    """
    if isinstance(data, Data):
        return data
    check_view(view)
    if cache not in get_args(Cache):
        raise UsageError(f"no cache {cache!r}; there is {', '.join(get_args(Cache))}")
    given = data if isinstance(data, tuple) else (data,)
    if all(isinstance(one, str | Path) for one in given):
        return _from_sources([str(one) for one in given], hp, view, workers, cache, strict)
    return Data(*from_python(given, hp, view, workers))


def _from_sources(
    names: Sequence[str], hp: Hparams, view: Any, workers: int | None, cache: str, strict: bool
) -> Data:
    found = OpenedSources.of(names, view)
    preparation = Preparation.of(hp, found.info)
    prepared = [_prepared(rows, found, preparation, workers, cache) for rows in found.parts]
    notes = _notes([manifest for _, manifest in prepared], found, hp, strict)
    if found.info.channels == 1 and preparation.channels > 1:
        notes.append(
            f"{found.source_text} is grey, and the model has {preparation.channels} channels: channels=1 would do"
        )
    if cache == "auto" and not all(manifest.stored for _, manifest in prepared):
        notes.append(
            f"{found.source_text} has no room in {cache_folder()} when prepared: it is decoded in every epoch"
        )
    return Data(
        tuple(images for images, _ in prepared),
        replace(found.info, size=preparation.image_size, channels=preparation.channels),
        preparation,
        name=names[0] if len(names) == 1 else list(names),
        licence="; ".join(sorted({source.licence for source in found.sources if source.licence}))
        or None,
        notes=notes,
    )


@dataclass
class OpenedSources:
    """One or two sources in the view of a model: the rows of each part, and what they are by themselves."""

    sources: list[Source]
    source_text: str
    parts: list[list[Row]]
    info: DataInfo
    """Where there are two sources, the first says the size, and colour wins."""

    @classmethod
    def of(cls, names: Sequence[str], view: Any) -> Self:
        """Raises DataError when a source cannot be had, is empty, or lacks the view."""
        sources = [open_source(name) for name in names]
        parts = rows_for_view(sources, names, view)
        source_text = " and ".join(names)
        if not all(parts):
            raise DataError(f"the data source {source_text} has no images")
        infos = [source.info for source in sources]
        for name, source, info in zip(names, sources, infos, strict=True):
            if not isinstance(info, DataInfo):
                raise PluginError(
                    f"the data source {name}: its info is {info!r:.60}, not a property, ganzoo.DataInfo"
                )
            if not hasattr(source, "licence"):
                raise PluginError(
                    f"the data source {name} has no licence: licence = None where it is not known"
                )
        classes = () if view in (Domains, Pair) else infos[0].classes
        info = replace(infos[0], channels=max(info.channels for info in infos), classes=classes)
        return cls(sources, source_text, parts, info)


def _notes(
    manifests: Sequence[Manifest], found: OpenedSources, hp: Hparams, strict: bool
) -> list[str]:
    """What was skipped. Raises DataError when that is too much, or anything where `strict`."""
    skipped = [skipped for manifest in manifests for skipped in manifest.skipped]
    total = sum(map(len, found.parts))
    look = (
        f"ganzoo data check {shlex.join(found.source_text.split(' and '))} --model NAME names them"
    )
    if len(skipped) == total:
        raise DataError(
            f"{found.source_text} has no images that can be used{reasons(skipped)}; {look}"
        )
    if strict and skipped:
        raise DataError(
            f"{len(skipped)} of {total:,} files of {found.source_text} cannot be used, the first {skipped[0].name}: "
            f"{skipped[0].kind}, {skipped[0].detail}; {look}"
        )
    needed = max(2, hp.batch_size)
    for manifest, domain in zip(manifests, "AB", strict=False):
        if (count := len(manifest.rows)) < needed:
            where = (
                f"domain {domain} of {found.source_text}"
                if len(manifests) == 2
                else found.source_text
            )
            raise DataError(
                f"{where} has {count} usable image{'s' * (count != 1)}{reasons(manifest.skipped)}, and a batch takes "
                f"{hp.batch_size}: give at least {needed}{', or a smaller batch_size' if count > 1 else ''}"
            )
    notes = (
        [
            f"skipped {len(skipped):,} of {total:,} files of {found.source_text}{reasons(skipped)}; {look}"
        ]
        if skipped
        else []
    )
    used = {
        found.info.classes[label]
        for manifest in manifests
        for label in manifest.labels
        if label >= 0
    }
    if unused := [name for name in found.info.classes if name not in used]:
        notes.append(
            f"no usable image of the class{'es' * (len(unused) > 1)} {', '.join(unused)} in {found.source_text}"
        )
    return notes


def _prepared(
    rows: Sequence[Row],
    found: OpenedSources,
    preparation: Preparation,
    workers: int | None,
    cache: str,
) -> tuple[Images, Manifest]:
    workers = workers or default_workers()
    manifest, folder = Packing(
        rows=rows,
        labels=_labels(rows, found.info.classes),
        preparation=preparation,
        called=found.source_text,
        workers=workers,
        stored={"auto": None, "none": False}.get(cache, True),
    ).manifest()
    labels = (
        torch.tensor(manifest.labels) if manifest.labels and min(manifest.labels) >= 0 else None
    )
    if not manifest.stored:
        used = [rows[number] for number in manifest.rows]
        return StreamedImages(
            used, manifest.digests, preparation, labels, manifest.fingerprint, workers
        ), manifest
    resident = {"auto": None, "device": True}.get(cache, False)
    return StoredImages(manifest.images(folder), labels, manifest.fingerprint, resident), manifest


def _labels(rows: Sequence[Row], classes: Sequence[str]) -> list[int]:
    """The number of each row's class, -1 for none."""
    numbers = {name: number for number, name in enumerate(classes)}
    if not classes:
        return [-1] * len(rows)
    for row in rows:
        if row[0].label is not None and row[0].label not in numbers:
            raise DataError(
                f"the image {row[0].name} is labelled {row[0].label!r}, which is none of the classes"
            )
    return [-1 if row[0].label is None else numbers[row[0].label] for row in rows]


def source_text(data: Data) -> str:
    """Its name, for people."""
    if data.name is None:
        return "the data passed in from Python"
    return data.name if isinstance(data.name, str) else " and ".join(data.name)


def data_config(data: Data) -> dict[str, Any]:
    """What config.json says of it."""
    return {
        "source": data.name,
        "images": len(data),
        "fingerprint": data.fingerprint,
        "licence": data.licence,
    }
