"""open_data: from a SOURCE, a tensor or a Dataset to Data, in a model's view, size and channels."""

import hashlib
import logging
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from ganzoo.data.attributes import TEXT, Attributes
from ganzoo.data.images import Images, StoredImages, StreamedImages
from ganzoo.data.pack import Manifest, Packing, Skipped, json_digest, reasons
from ganzoo.data.picture import NARROW, Preparation
from ganzoo.data.source import HasAnySize, Row, Source, open_source
from ganzoo.data.threads import default_workers
from ganzoo.data.views import Conditioned, view_of
from ganzoo.errors import DataError, PluginError, UsageError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.hparams.size import sides

logger = logging.getLogger(__name__)

CACHES: dict[str, tuple[bool | None, bool | None]] = {
    "auto": (None, None),
    "device": (True, True),
    "disk": (True, False),
    "none": (False, False),
}
"""Whether prepared images are kept in the cache, and whether on the device; None: if it has room.

With `none` they are decoded in every epoch.
"""
ENCODED = 10_000
"""Images whose attributes become conditions at a time."""


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
        """Changes when the images, their order or the attributes that are used change."""
        fingerprints = [part.fingerprint for part in self.parts]
        for part in self.parts:
            if part.attributes is not None:
                sets = [sorted(attributes.items()) for attributes in part.attributes]
                fingerprints.append(json_digest(sets))
        if len(fingerprints) == 1:
            return fingerprints[0]
        return hashlib.sha256(" ".join(fingerprints).encode()).hexdigest()

    @property
    def class_numbers(self) -> Tensor | None:
        """The number of each image's class; None without classes, or if they are not known."""
        first = self.parts[0]
        return first.labels if first.attributes is None else None

    def encode(self, condition: Callable[[Sequence[Mapping[str, str]]], Tensor]) -> None:
        """Makes the condition of each image from its attributes. Raises PluginError for others."""
        for part in self.parts:
            if part.attributes is None:
                continue
            conditions = []
            for start in range(0, len(part), ENCODED):
                some = part.attributes[start : start + ENCODED]
                encoded: Any = condition(some)
                if not isinstance(encoded, Tensor) or len(encoded) != len(some):
                    raise PluginError(
                        f"condition(requests) gives {encoded!s:.60} for {len(some)} requests; "
                        "it must be a tensor with a row for each"
                    )
                conditions.append(encoded.detach().cpu())
            device = part.labels.device if part.labels is not None else "cpu"
            part.labels = torch.cat(conditions).to(device)

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
    """Opens a SOURCE ("digits", a folder, a zip), or images in Python, for a model.

    These are a tensor or an array, alone or as (images, labels), or a Dataset or a list of
    anything that `split_item` reads; its pictures are resized as those of a folder are. Two
    domains, or sources and targets of pairs, are a tuple of two; two SOURCES may be a list. The
    images of a SOURCE are prepared once: `cache` says where they are kept (`auto`, `device`,
    `disk`, `none`), `workers` how many threads prepare them, `strict` that an unusable file is an
    error. uint8 is scaled to [-1, 1]; floats must be in [-1, 1]. Raises DataError if the data are
    not what the model needs.
    """
    if isinstance(data, Data):
        return data
    if cache not in CACHES:
        raise UsageError(f"no cache {cache!r}; choose from {', '.join(CACHES)}")
    names = _source_names(data)
    if names:
        opened = OpenedSources.of(names, view)
        size = max(sides(Preparation.of(hp, opened.info).load_size))
        threads = workers or default_workers()
        return _prepare(opened.at_size(size, view), hp, threads, cache, strict)
    kind = view_of(view)
    sets = kind.data_sets(data)
    kind.check_count([type(one).__name__ for one in sets])
    parts, info = kind.in_memory(sets, hp, workers or 1)
    preparation = Preparation.of(hp, info)
    info = replace(info, size=preparation.image_size, channels=preparation.channels)
    if parts[0].attributes is not None:
        info = replace(info, attributes=_attributes(parts[0].attributes, "the data"))
    return Data(parts, info, preparation)


def data_info(data: object, hp: Hparams, view: Any) -> DataInfo:
    """What a model learns from the data of `open_data` before it is made; prepares no SOURCE."""
    names = _source_names(data)
    if not names:
        return open_data(data, hp, view).info
    info = OpenedSources.of(names, view).info
    preparation = Preparation.of(hp, info)
    return replace(info, size=preparation.image_size, channels=preparation.channels)


def _source_names(data: object) -> list[str]:
    """The SOURCEs, if that is what the data are."""
    names: Any = [data]
    if isinstance(data, tuple) or (isinstance(data, list) and len(data) == 2):
        names = data
    if all(isinstance(name, str | Path) for name in names):
        return list(map(str, names))
    return []


@dataclass
class OpenedSources:
    """One or two sources: the rows of each part in the view of a model, and their own info."""

    names: Sequence[str]
    source_text: str
    sources: list[Source]
    parts: list[Sequence[Row]]
    info: DataInfo
    """The size is that of the first source; of grey and colour, colour wins."""

    @classmethod
    def of(cls, names: Sequence[str], view: Any) -> Self:
        """Raises DataError if a source could not be loaded, is empty, or lacks the view."""
        kind = view_of(view)
        kind.check_count(names)
        sources = list(map(open_source, names))
        text = " and ".join(names)
        parts = kind.rows(sources, text)
        if not all(parts):
            raise DataError(f"the data source {text} has no images")
        infos = [source.info for source in sources]
        for name, info in zip(names, infos, strict=True):
            if not isinstance(info, DataInfo):
                raise PluginError(f"{name}: its info is not a ganzoo.DataInfo")
        channels = max(info.channels for info in infos)
        classes = infos[0].classes if kind.has_classes else ()
        attributes = None
        if view is Conditioned:
            attributes = _attributes([first.attributes for first, *_ in parts[0]], text)
        info = replace(infos[0], channels=channels, classes=classes, attributes=attributes)
        return cls(names, text, sources, parts, info)

    def at_size(self, size: int, view: Any) -> Self:
        """The same with images of `size` pixels a side, of those sources that can draw any."""
        if not any(isinstance(source, HasAnySize) for source in self.sources):
            return self  # to list the images again may take long
        sources: list[Source] = []
        for source in self.sources:
            sources.append(source.at_size(size) if isinstance(source, HasAnySize) else source)
        parts = view_of(view).rows(sources, self.source_text)
        return replace(self, sources=sources, parts=parts)

    @property
    def licence(self) -> str | None:
        licences = {getattr(source, "licence", None) for source in self.sources}
        return "; ".join(sorted(filter(None, licences))) or None


def _prepare(
    opened: OpenedSources,
    hp: Hparams,
    workers: int,
    cache: str,
    strict: bool,
) -> Data:
    preparation = Preparation.of(hp, opened.info)
    stored, resident = CACHES[cache]
    text, classes = opened.source_text, opened.info.classes
    parts: list[Images] = []
    skipped: list[Skipped] = []
    for rows, domain in zip(opened.parts, "AB", strict=False):
        packing = Packing(
            rows=rows,
            labels=_labels(rows, classes),
            preparation=preparation,
            source_text=text,
            workers=workers,
            stored=stored,
        )
        manifest, folder = packing.packed()
        one_of_two = len(opened.parts) > 1
        place = f"domain {domain} of {text}" if one_of_two else text
        _check_enough(manifest, hp, place)
        if manifest.stored:
            images = manifest.images(folder)
            _warn_of_darkness(images, place, opened.names)
            part = StoredImages(images, manifest.label_tensor, resident)
            part.fingerprint = manifest.fingerprint
            parts.append(part)
        else:
            parts.append(StreamedImages(packing, manifest))
        if opened.info.attributes:
            parts[-1].attributes = [rows[number][0].attributes for number in manifest.rows]
        skipped += manifest.skipped
    _report(opened, skipped, strict)
    unused = set(range(len(classes))) - set(manifest.labels)
    if unused:
        names = ", ".join(classes[number] for number in sorted(unused))
        logger.warning(f"no usable image of the class {names} in {text}")
    channels = preparation.channels
    if opened.info.channels == 1 < channels:
        logger.warning(f"{text} is grey, the model has {channels} channels: channels=1 would do")
    size = preparation.image_size
    info = replace(opened.info, size=size, channels=channels)
    first, *others = opened.names
    name = [first, *others] if others else first
    return Data(tuple(parts), info, preparation, name, opened.licence)


def _attributes(images: Sequence[Mapping[str, str]], text: str) -> Attributes:
    """The attributes of the images. Raises DataError if nothing is known of any."""
    attributes = Attributes.of(images)
    if not attributes.kinds and not any(TEXT in image for image in images):
        raise DataError(
            f"the model wants attributes, and {text} has none: put a metadata.csv beside the "
            "images, with the columns file_name and, say, hair"
        )
    return attributes


def _labels(rows: Sequence[Row], classes: Sequence[str]) -> list[int]:
    """The number of each row's class, -1 for none."""
    numbers: dict[str | None, int] = {None: -1}
    for number, name in enumerate(classes):
        numbers[name] = number
    labels = []
    for item, *_ in rows:
        label = item.label if classes else None
        if label not in numbers:
            raise DataError(f"the image {item.name} has the unknown class {label!r}")
        labels.append(numbers[label])
    return labels


def _check_enough(manifest: Manifest, hp: Hparams, place: str) -> None:
    needed = max(2, hp.batch_size)
    count = len(manifest.rows)
    if count >= needed:
        return
    way_out = f"give at least {needed}"
    if count >= 2:
        way_out += f", or set batch_size={count}"
        largest_class = max(Counter(manifest.labels).values())
        if hp.validation and largest_class < 2:
            way_out += " and validation=0, as no class has two"
    message = (
        f"{place} has too few images that can be used, "
        f"{count}{reasons(manifest.skipped)}: {way_out}"
    )
    if manifest.skipped:
        first = manifest.skipped[0]
        message += f"; {first.name} is not used: {first.kind}, {first.detail}"
    raise DataError(message)


def _warn_of_darkness(images: Tensor, place: str, names: Sequence[str]) -> None:
    """Logs a warning about images that look like 12 bits in files of 16."""
    first = images[:64]
    brightest = int(first.max())
    if brightest < NARROW >> 8:
        logger.warning(
            f"the images of {place} are nearly black: of the first {len(first)}, the brightest "
            f"level is {brightest} of 255; ganzoo data check {shlex.join(names)} may say why"
        )


def _report(
    opened: OpenedSources,
    skipped: Sequence[Skipped],
    strict: bool,
) -> None:
    """Logs a warning about skipped files; raises DataError instead if `strict`."""
    if not skipped:
        return
    total = sum(map(len, opened.parts))
    first = skipped[0]
    message = (
        f"cannot use {len(skipped):,} of {total:,} files of "
        f"{opened.source_text}{reasons(skipped)}, the first {first.name}: "
        f"{first.kind}, {first.detail}; "
        f"ganzoo data check {shlex.join(opened.names)} --model NAME names them"
    )
    if strict:
        raise DataError(message)
    logger.warning(message)


def source_text(data: Data) -> str:
    """The name of the data in messages."""
    if data.name is None:
        return "the data passed in from Python"
    if isinstance(data.name, str):
        return data.name
    return " and ".join(data.name)


def data_config(data: Data) -> dict[str, Any]:
    """The entry of the data in config.json."""
    return {
        "source": data.name,
        "images": len(data),
        "fingerprint": data.fingerprint,
        "licence": data.licence,
    }
