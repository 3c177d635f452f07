"""Data that Python passes in: tensors and Datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.mapstyle import DatasetImages, MapStyle, checked_range, split_item, split_pair
from ganzoo.data.picture import Preparation
from ganzoo.data.reading import Images, StoredImages
from ganzoo.data.views import Domains, Pair
from ganzoo.errors import DataError
from ganzoo.hparams import DataInfo, Hparams

Given = tuple[tuple[Images, ...], DataInfo, Preparation]


def from_python(given: Sequence[object], hp: Hparams, view: Any, workers: int | None) -> Given:
    """One tensor or Dataset, or two, as the parts of the data for a view. Raises DataError for what does not fit."""
    if len(given) > 2 or (len(given) == 2 and view not in (Domains, Pair)):
        raise DataError(f"the model takes one data set, not {len(given)}")
    if view is Domains and len(given) != 2:
        raise DataError("the model wants two domains: pass a tuple of two, (a, b)")
    opened = [_images(one, hp, view is Pair and len(given) == 1, workers) for one in given]
    info = opened[0][1]
    for _, other in opened[1:]:
        if (other.size, other.channels) != (info.size, info.channels):
            here, there = (f"{one.channels} channels of {one.size}x{one.size}" for one in (info, other))
            raise DataError(f"the two differ: {here}, and {there}")
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
    return parts, replace(info, size=preparation.image_size), preparation


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
    if not isinstance(data, MapStyle) or isinstance(data, Mapping):
        raise DataError(f"data is a SOURCE such as 'digits', a tensor or a Dataset, not {type(data).__name__}")
    if not len(data):
        raise DataError("the data set is empty")
    image, _ = split_pair(data[0]) if pairs else split_item(data[0])
    classes = tuple(map(str, getattr(data, "classes", ())))
    channels = len(image) // 2 if pairs else len(image)
    info = DataInfo(size=image.shape[-1], channels=channels, classes=classes)
    count = getattr(hp, "classes", None) or len(classes) or None
    return DatasetImages(data, pairs, workers or 1, count), info


def _check_fits(info: DataInfo, hp: Hparams) -> None:
    size = "load_size" if hp.load_size else "image_size"
    for name, given in ((size, info.size), ("channels", info.channels)):
        wanted = getattr(hp, name, None)
        if wanted is not None and wanted != given:
            raise DataError(f"the data has {name} {given}, the model {wanted}: create it with {name}={given}")
