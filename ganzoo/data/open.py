"""open_data: from a SOURCE, a tensor or a Dataset to Data, in a model's view, size and channels."""

import hashlib
import logging
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor

from ganzoo.data.images import Images, StoredImages, StreamedImages
from ganzoo.data.in_memory import check_fits
from ganzoo.data.pack import Manifest, Packed, Packing, Skipped, reasons
from ganzoo.data.picture import Preparation
from ganzoo.data.source import Row, Source, open_source
from ganzoo.data.threads import default_workers
from ganzoo.data.views import view_of
from ganzoo.errors import DataError, PluginError, UsageError
from ganzoo.files import cache_folder
from ganzoo.hparams.hparams import DataInfo, Hparams

logger = logging.getLogger(__name__)

Cache = Literal["auto", "device", "disk", "none"]
"""Where prepared images are kept.

`device`: in the cache and on the device; `disk`: in the cache; `none`: nowhere, they are decoded in
every epoch; `auto`: in the cache if the disk has room, and on the device if that has room.
"""


@dataclass
class Data:
    """The images that a model is trained on: one part, or two for two domains.

    `name` is the SOURCE that it was opened from, or the two, so that a run can open it again; None
    if it was passed in from Python.
    """

    parts: tuple[Images, ...]
    info: DataInfo
    preparation: Preparation
    name: str | list[str] | None = None
    licence: str | None = None

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def fingerprint(self) -> str:
        """Changes when the images or their order change."""
        fingerprints = [part.fingerprint for part in self.parts]
        if len(fingerprints) == 1:
            return fingerprints[0]
        return hashlib.sha256(" ".join(fingerprints).encode()).hexdigest()

    def close(self) -> None:
        """Ends the threads and processes that read ahead; using the data starts them again."""
        for part in self.parts:
            part.close()


def open_data(
    data: object,
    hp: Hparams,
    view: Any = Tensor,
    *,
    workers: int | None = None,
    cache: str = "auto",
    strict: bool = False,
) -> Data:
    """Opens a SOURCE ("digits", a folder, a zip), a tensor or a Dataset for a model.

    Two domains, or sources and targets of pairs, are a tuple of two; two SOURCES may be a list. The
    images of a SOURCE are prepared once: `cache` says where they are kept (`auto`, `device`,
    `disk`, `none`), `workers` how many threads prepare them, `strict` that an unusable file is an
    error. uint8 is scaled to [-1, 1]; floats must be in [-1, 1]. Raises DataError if the data are
    not what the model needs.
    """
    if isinstance(data, Data):
        return data
    if cache not in get_args(Cache):
        raise UsageError(f"no cache {cache!r}; choose from {', '.join(get_args(Cache))}")
    names = _source_names(data)
    if names:
        opened = OpenedSources.of(names, view)
        return _prepare(opened, hp, workers or default_workers(), cache, strict)
    sets = data if isinstance(data, tuple) and data else (data,)
    kind = view_of(view)
    kind.check_count([type(one).__name__ for one in sets])
    parts, info = kind.in_memory(sets, hp, workers or 1)
    check_fits(info, hp)
    preparation = Preparation.of(hp, info)
    return Data(parts, replace(info, size=preparation.image_size), preparation)


def _source_names(data: object) -> list[str]:
    """The SOURCES; none for data passed in from Python, such as a list of images."""
    if isinstance(data, str | Path):
        return [str(data)]
    if isinstance(data, tuple) or (isinstance(data, list) and len(data) == 2):
        names = [str(one) for one in data if isinstance(one, str | Path)]
        return names if len(names) == len(data) else []
    return []


@dataclass
class OpenedSources:
    """One or two sources: the rows of each part in the view of a model, and their own info."""

    names: Sequence[str]
    sources: list[Source]
    parts: list[list[Row]]
    info: DataInfo
    """Of two sources, the first decides the size, and colour wins."""

    @classmethod
    def of(cls, names: Sequence[str], view: Any) -> Self:
        """Raises DataError if a source could not be loaded, is empty, or lacks the view."""
        kind = view_of(view)
        kind.check_count(names)
        sources = [open_source(name) for name in names]
        parts = kind.rows(sources, names)
        if not all(parts):
            raise DataError(f"the data source {' and '.join(names)} has no images")
        infos = [_checked_info(*named) for named in zip(names, sources, strict=True)]
        channels = max(info.channels for info in infos)
        classes = infos[0].classes if kind.has_classes else ()
        return cls(names, sources, parts, replace(infos[0], channels=channels, classes=classes))

    @property
    def source_text(self) -> str:
        return " and ".join(self.names)

    @property
    def licence(self) -> str | None:
        licences = {source.licence for source in self.sources if source.licence}
        return "; ".join(sorted(licences)) or None


def _checked_info(name: str, source: Source) -> DataInfo:
    info = source.info
    if not isinstance(info, DataInfo):
        raise PluginError(
            f"the data source {name}: its info is {info!r:.60}, not a property, ganzoo.DataInfo"
        )
    if not hasattr(source, "licence"):
        raise PluginError(f"the data source {name} has no licence: licence = None if it is unknown")
    return info


def _prepare(opened: OpenedSources, hp: Hparams, workers: int, cache: str, strict: bool) -> Data:
    text = opened.source_text
    preparation = Preparation.of(hp, opened.info)
    images, manifests = [], []
    for rows in opened.parts:
        packing = Packing(
            rows=rows,
            labels=_labels(rows, opened.info.classes),
            preparation=preparation,
            source_text=text,
            workers=workers,
            stored={"auto": None, "none": False}.get(cache, True),
        )
        packed = packing.packed()
        manifests.append(packed[0])
        images.append(_images(packing, packed, cache))
    _report_skipped(opened, manifests, strict)
    _check_enough(opened, manifests, hp.batch_size)
    _report_unused_classes(opened, manifests)
    if opened.info.channels == 1 and preparation.channels > 1:
        logger.warning(
            f"{text} is grey, and the model has {preparation.channels} channels: "
            "channels=1 would do"
        )
    if cache == "auto" and not all(manifest.stored for manifest in manifests):
        logger.warning(f"{text} has no room in {cache_folder()}: it is decoded in every epoch")
    info = replace(opened.info, size=preparation.image_size, channels=preparation.channels)
    name = opened.names[0] if len(opened.names) == 1 else list(opened.names)
    return Data(tuple(images), info, preparation, name, opened.licence)


def _labels(rows: Sequence[Row], classes: Sequence[str]) -> list[int]:
    """The number of each row's class, -1 for none."""
    numbers = {name: number for number, name in enumerate(classes)}
    labels = []
    for item, *_ in rows:
        if item.label is None or not classes:
            labels.append(-1)
        elif item.label in numbers:
            labels.append(numbers[item.label])
        else:
            raise DataError(f"the image {item.name} has the unknown class {item.label!r}")
    return labels


def _images(packing: Packing, packed: Packed, cache: str) -> Images:
    manifest, folder = packed
    labels = None
    if manifest.labels and min(manifest.labels) >= 0:
        labels = torch.tensor(manifest.labels)
    if manifest.stored:
        resident = {"auto": None, "device": True}.get(cache, False)
        return StoredImages(manifest.images(folder), labels, manifest.fingerprint, resident)
    return StreamedImages(
        [packing.rows[number] for number in manifest.rows],
        manifest.digests,
        packing.preparation,
        labels,
        manifest.fingerprint,
        packing.workers,
    )


def _report_skipped(opened: OpenedSources, manifests: Sequence[Manifest], strict: bool) -> None:
    """Logs how many files were skipped. Raises DataError if all were, or any with `strict`."""
    skipped: list[Skipped] = []
    for manifest in manifests:
        skipped += manifest.skipped
    if not skipped:
        return
    text = opened.source_text
    total = sum(map(len, opened.parts))
    advice = f"ganzoo data check {shlex.join(opened.names)} --model NAME names them"
    if len(skipped) == total:
        raise DataError(f"{text} has no images that can be used{reasons(skipped)}; {advice}")
    if strict:
        first = skipped[0]
        raise DataError(
            f"{len(skipped)} of {total:,} files of {text} cannot be used, "
            f"the first {first.name}: {first.kind}, {first.detail}; {advice}"
        )
    logger.warning(
        f"skipped {len(skipped):,} of {total:,} files of {text}{reasons(skipped)}; {advice}"
    )


def _check_enough(opened: OpenedSources, manifests: Sequence[Manifest], batch_size: int) -> None:
    needed = max(2, batch_size)
    for manifest, domain in zip(manifests, "AB", strict=False):
        count = len(manifest.rows)
        if count >= needed:
            continue
        place = opened.source_text
        if len(manifests) == 2:
            place = f"domain {domain} of {place}"
        advice = f"add images, at least {needed}"
        if count > 1:
            advice += ", or set a smaller batch_size"
        raise DataError(
            f"{place} has too few usable images, {count}{reasons(manifest.skipped)}: "
            f"batch_size={batch_size}; {advice}"
        )


def _report_unused_classes(opened: OpenedSources, manifests: Sequence[Manifest]) -> None:
    used: set[int] = set()
    for manifest in manifests:
        used.update(manifest.labels)
    unused = [name for number, name in enumerate(opened.info.classes) if number not in used]
    if unused:
        names = ", ".join(unused)
        logger.warning(f"no usable image of the class {names} in {opened.source_text}")


def source_text(data: Data) -> str:
    """The name of the data in messages."""
    if data.name is None:
        return "the data passed in from Python"
    return data.name if isinstance(data.name, str) else " and ".join(data.name)


def data_config(data: Data) -> dict[str, Any]:
    """The entry of the data in config.json."""
    return {
        "source": data.name,
        "images": len(data),
        "fingerprint": data.fingerprint,
        "licence": data.licence,
    }
