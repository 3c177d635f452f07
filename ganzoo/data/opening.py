"""as_data: from a SOURCE, a tensor or a Dataset to Data, in the view, size and channels that a model wants."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from ganzoo.data.pack import Cache, Manifest, Skipped, packed
from ganzoo.data.picture import Preparation
from ganzoo.data.reading import (
    DatasetImages,
    Images,
    MapStyle,
    StoredImages,
    StreamedImages,
    checked_range,
    split_item,
    split_pair,
)
from ganzoo.data.source import Source, open_source
from ganzoo.data.threads import default_workers
from ganzoo.data.views import Domains, Pair, Row, arranged, check_view
from ganzoo.errors import DataError, UsageError
from ganzoo.hparams import DataInfo, Hparams
from ganzoo.paths import cache_folder

FILLED = 0.9
"""The share of the free disk that a packed file may take; what needs more is decoded anew in every epoch."""


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


def as_data(
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
    return _from_python(given, hp, view, workers)


def _from_sources(names: Sequence[str], hp: Hparams, view: Any, workers: int | None, cache: str, strict: bool) -> Data:
    sources = [open_source(name) for name in names]
    parts = arranged(sources, names, view)
    if not all(parts):
        raise DataError(f"the data source {' and '.join(names)} has no images")
    info = _information(sources, view)
    preparation = Preparation.of(hp, info)
    called = " and ".join(names)
    stored = _stores(parts, preparation, cache, called)
    prepared = [_prepared(rows, info.classes, preparation, called, workers, cache, stored) for rows in parts]
    skipped = [skipped for _, manifest in prepared for skipped in manifest.skipped]
    total = sum(map(len, parts))
    if len(skipped) == total:
        raise DataError(f"{called} has no images that can be used{_reasons(skipped)}; {_look(names)}")
    if strict and skipped:
        raise DataError(
            f"{len(skipped)} of {total:,} files of {called} cannot be used, the first {skipped[0].name}: "
            f"{skipped[0].kind}, {skipped[0].detail}; {_look(names)}"
        )
    needed = max(2, hp.batch_size)
    for number, (images, _) in enumerate(prepared):
        if len(images) < needed:
            where = f"domain {'AB'[number]} of {called}" if len(prepared) == 2 else called
            raise DataError(
                f"{where} has {len(images)} usable images{_reasons(skipped)}, and a batch takes {hp.batch_size}: "
                f"give at least {needed}{', or a smaller batch_size' if len(images) > 1 else ''}"
            )
    notes = []
    if skipped:
        notes.append(f"skipped {len(skipped):,} of {total:,} files of {called}{_reasons(skipped)}; {_look(names)}")
    if not stored and cache == "auto":
        notes.append(f"{called} would not fit into {cache_folder()} when prepared: it is decoded anew in every epoch")
    info = replace(info, size=preparation.image_size, channels=preparation.channels)
    licences = {source.licence for source in sources if source.licence}
    return Data(
        tuple(images for images, _ in prepared),
        info,
        preparation,
        name=names[0] if len(names) == 1 else list(names),
        licence="; ".join(sorted(licences)) or None,
        notes=notes,
    )


def _information(sources: Sequence[Source], view: Any) -> DataInfo:
    """What the sources are by themselves; where there are two, the first says the size, and colour wins."""
    found = [source.info for source in sources]
    classes = () if view in (Domains, Pair) else found[0].classes
    return replace(found[0], channels=max(info.channels for info in found), classes=classes)


def _prepared(
    rows: Sequence[Row],
    classes: Sequence[str],
    preparation: Preparation,
    called: str,
    workers: int | None,
    cache: str,
    stored: bool,
) -> tuple[Images, Manifest]:
    workers = workers or default_workers()
    labels = _labels(rows, classes)
    manifest, folder = packed(rows, labels, preparation, called=called, workers=workers, stored=stored)
    numbers = torch.tensor(manifest.labels) if manifest.labels and min(manifest.labels) >= 0 else None
    if not manifest.stored:
        used = [rows[number] for number in manifest.rows]
        return StreamedImages(used, preparation, numbers, manifest.fingerprint, workers), manifest
    images = manifest.images(folder) if manifest.rows else torch.empty(0, dtype=torch.uint8)
    resident = {"auto": None, "device": True}.get(cache, False)
    return StoredImages(images, numbers, manifest.fingerprint, resident), manifest


def _labels(rows: Sequence[Row], classes: Sequence[str]) -> list[int]:
    """The number of each row's class, -1 for none."""
    numbers = {name: number for number, name in enumerate(classes)}
    labels = [row[0].label for row in rows]
    if not classes:
        return [-1] * len(rows)
    for row, label in zip(rows, labels, strict=True):
        if label is not None and label not in numbers:
            raise DataError(f"the image {row[0].name} is labelled {label!r}, which is none of the classes")
    return [-1 if label is None else numbers[label] for label in labels]


def _stores(parts: Sequence[Sequence[Row]], preparation: Preparation, cache: str, called: str) -> bool:
    """Whether the prepared pixels are kept on the disk."""
    if cache == "none":
        return False
    images = sum(len(rows) * len(rows[0]) for rows in parts if rows)
    needed = images * preparation.channels * preparation.load_size**2
    folder = next(path for path in [cache_folder().absolute(), *cache_folder().absolute().parents] if path.exists())
    return cache != "auto" or needed <= FILLED * shutil.disk_usage(folder).free


def _reasons(skipped: Sequence[Skipped]) -> str:
    counts = Counter(one.kind for one in skipped).most_common()
    return f" ({', '.join(f'{count:,} {kind}' for kind, count in counts)})" if counts else ""


def _look(names: Sequence[str]) -> str:
    return f"ganzoo data check {' '.join(names)} names them"


def _from_python(given: Sequence[object], hp: Hparams, view: Any, workers: int | None) -> Data:
    if len(given) > 2 or (len(given) == 2 and view not in (Domains, Pair)):
        raise DataError(f"the model takes one data set, not {len(given)}")
    if view is Domains and len(given) != 2:
        raise DataError("the model wants two domains: pass a tuple of two, (a, b)")
    opened = [_images(one, hp, view is Pair and len(given) == 1, workers) for one in given]
    info = opened[0][1]
    if view is Pair and len(given) == 2:
        first, second = (images for images, _ in opened)
        if not (isinstance(first, StoredImages) and isinstance(second, StoredImages)):
            raise DataError("pairs in Python are two tensors of equal shape, or one Dataset of (source, target)")
        if first.images.shape != second.images.shape or first.images.dtype != second.images.dtype:
            raise DataError(
                f"pairs have equal shapes, not {tuple(first.images.shape)} and {tuple(second.images.shape)}"
            )
        parts: tuple[Images, ...] = (StoredImages(torch.cat([first.images, second.images], dim=1)),)
    else:
        parts = tuple(images for images, _ in opened)
    for _, other in opened:
        _check_fits(other, hp)
    preparation = Preparation.of(hp, info)
    return Data(parts, replace(info, size=preparation.image_size), preparation)


def _images(data: object, hp: Hparams, pairs: bool, workers: int | None) -> tuple[Images, DataInfo]:
    if isinstance(data, Tensor):
        if data.ndim != 4 or not len(data):
            raise DataError(f"images are (n, channels, height, width), n at least 1, not {tuple(data.shape)}")
        checked_range(data)
        if (hasattr(hp, "image_size") or hp.load_size) and data.shape[-1] != data.shape[-2]:
            raise DataError(f"the images are {data.shape[-1]} wide and {data.shape[-2]} high: the model wants squares")
        if pairs:
            raise DataError("the model wants pairs: pass a tuple of two tensors, (source, target)")
        data = data if data.dtype == torch.uint8 else data.float()
        return StoredImages(data), DataInfo(size=data.shape[-1], channels=data.shape[1])
    if not isinstance(data, MapStyle):
        raise DataError(f"data is a SOURCE such as 'digits', a tensor or a Dataset, not {type(data).__name__}")
    if not len(data):
        raise DataError("the data set is empty")
    image, _ = split_pair(data[0]) if pairs else split_item(data[0])
    classes = tuple(map(str, getattr(data, "classes", ())))
    channels = len(image) // 2 if pairs else len(image)
    info = DataInfo(size=image.shape[-1], channels=channels, classes=classes)
    return DatasetImages(data, pairs, workers or 1), info


def _check_fits(info: DataInfo, hp: Hparams) -> None:
    size = "load_size" if hp.load_size else "image_size"
    for name, given in ((size, info.size), ("channels", info.channels)):
        wanted = getattr(hp, name, None)
        if wanted is not None and wanted != given:
            raise DataError(f"the data has {name} {given}, the model {wanted}: create it with {name}={given}")
