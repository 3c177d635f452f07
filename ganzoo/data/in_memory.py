"""Images passed in from Python: arrays and tensors, or a map-style `Dataset` of any items."""

import logging
from collections.abc import Mapping, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ganzoo.data.dataset_images import (
    DatasetImages,
    SeededItems,
    as_numbers,
    known_labels,
    known_names,
)
from ganzoo.data.dataset_item import tensor_of
from ganzoo.data.images import Images, StoredImages, check_range
from ganzoo.data.picture import Preparation
from ganzoo.errors import DataError
from ganzoo.hparams.fields import text_of
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.hparams.size import size_of

logger = logging.getLogger(__name__)


def open_in_memory(
    data: Any, hp: Hparams, workers: int, *, pairs: bool = False
) -> tuple[Images, DataInfo]:
    """Images in a tensor, an array or a Dataset, alone or as (images, labels).

    With `pairs`, a Dataset of (source, target). Raises DataError for anything else, and for
    images that are not what the model needs.
    """
    if isinstance(data, DataLoader):
        raise DataError("a DataLoader makes batches of its own: pass loader.dataset")
    labels = None
    if has_labels(data):
        data, labels = data[0], _labels(*data)
    if isinstance(data, Tensor | np.ndarray) and not pairs:
        return _stored(tensor_of(data, 4), labels, hp)
    if labels is not None:
        if not isinstance(data, list):
            raise DataError("labels go with a tensor, an array or a list of images")
        data = list(zip(data, labels.tolist(), strict=True))
    if _is_map_style(data):
        return _opened_dataset(data, hp, workers, pairs)
    raise DataError(
        "data is a SOURCE such as 'digits', a tensor, an array or a Dataset, "
        f"not {type(data).__name__}"
    )


def has_labels(data: object) -> bool:
    """Whether it is (images, labels): a list of numbers, or one dimension of them, comes second."""
    if not isinstance(data, tuple) or len(data) != 2:
        return False
    labels = data[1]
    if isinstance(labels, list):
        return all(np.isscalar(label) for label in labels)
    return isinstance(labels, Tensor | np.ndarray) and labels.ndim == 1


def _labels(images: Any, labels: Any) -> Tensor:
    """The labels as int64. Raises DataError unless each image has one, the number of its class."""
    numbers = as_numbers(labels)
    if numbers is None or not len(numbers) or numbers.min() < 0:
        raise DataError("labels are the numbers of classes: integers from 0, one for each image")
    if len(images) != len(numbers):
        raise DataError(f"there are {len(images)} images and {len(numbers)} labels")
    return numbers


def _is_map_style(data: Any) -> bool:
    if isinstance(data, Mapping):
        return False
    return isinstance(data, Sized) and hasattr(data, "__getitem__")


def _stored(
    images: Tensor,
    labels: Tensor | None,
    hp: Hparams,
) -> tuple[Images, DataInfo]:
    if images.ndim != 4 or not len(images):
        shape = tuple(images.shape)
        raise DataError(f"images are (n, channels, height, width), not {shape}")
    check_range(images)
    warn_of_unit_range(images)
    if images.dtype != torch.uint8:
        images = images.float()
    classes = _class_names((), labels, hp)
    size = size_of(*images.shape[-2:])
    info = DataInfo(size=size, channels=images.shape[1], classes=classes)
    _check_fits(info, hp)
    return StoredImages(images, labels), info


def _class_names(
    names: tuple[str, ...],
    labels: Tensor | None,
    hp: Hparams,
) -> tuple[str, ...]:
    """The names, or else the numbers up to the highest label, if the model leaves them open."""
    if names or labels is None or hp.classes:
        return names
    return tuple(map(str, range(int(labels.max()) + 1)))


def _check_fits(info: DataInfo, hp: Hparams) -> None:
    """Raises DataError if images that are not resized have another size than the model's."""
    wanted = Preparation.of(hp, info)
    size = "load_size" if hp.load_size else "image_size"
    for name, value, model in (
        (size, info.size, wanted.load_size),
        ("channels", info.channels, wanted.channels),
    ):
        if value != model:
            raise DataError(
                f"the data has {name} {text_of(value)}, the model {text_of(model)}: "
                f"create it with {name}={text_of(value)}, or pass a list of uint8, which is resized"
            )


def _opened_dataset(
    data: Any,
    hp: Hparams,
    workers: int,
    pairs: bool,
) -> tuple[Images, DataInfo]:
    if not len(data):
        raise DataError("the data set is empty")
    items = SeededItems(data, hp.seed, pairs)
    first, labels = items.first_image(0), None if pairs else known_labels(data)
    if isinstance(first, Tensor):
        warn_of_unit_range(first)
        size, channels = size_of(*first.shape[-2:]), len(first)
    else:
        size, channels = items.measured()
    classes = _class_names(known_names(data), labels, hp)
    info = DataInfo(size=size, channels=channels, classes=classes)
    preparation = Preparation.of(hp, info)
    takes_any_size = not hp.image_size and not hp.load_size and preparation.load_size == size
    stays = isinstance(first, Tensor) and takes_any_size
    if stays or (isinstance(first, Tensor) and first.is_floating_point()):
        _check_fits(info, hp)
    images = DatasetImages(
        data,
        None if stays else preparation,
        labels=labels,
        pairs=pairs,
        workers=workers,
        classes=hp.classes or len(classes) or None,
    )
    return images, info


def join_pairs(sources: Images, targets: Images) -> Images:
    """Sources and targets, two tensors of equal shape, as images with the channels of both."""
    if not isinstance(sources, StoredImages) or not isinstance(targets, StoredImages):
        raise DataError("pairs are two tensors of equal shape, or one Dataset of (source, target)")
    first, second = sources.images, targets.images
    if first.shape != second.shape or first.dtype != second.dtype:
        kinds = [f"{tuple(one.shape)} {one.dtype}" for one in (first, second)]
        raise DataError(f"pairs have equal shapes and types, not {' and '.join(kinds)}")
    return StoredImages(torch.cat([first, second], dim=1))


def warn_of_unit_range(images: Tensor) -> None:
    """Logs a warning about floats that look like [0, 1]."""
    if images.is_floating_point() and images.min() >= 0:
        logger.warning("floats are in [-1, 1], and these all in [0, 1]: pass x * 2 - 1")
