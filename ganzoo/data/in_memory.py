"""Images passed in from Python: a tensor, or a map-style `Dataset` with its own transforms."""

import itertools
import logging
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ganzoo.data.images import Batch, Images, StoredImages
from ganzoo.data.sampler import SequentialSampler, ShuffledSampler
from ganzoo.errors import DataError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.images import levels
from ganzoo.seeds import derive_seed, seeded

logger = logging.getLogger(__name__)

LabelledItem = tuple[Tensor, int | None]


@runtime_checkable
class MapStyle(Protocol):
    """A map-style dataset, as `torch.utils.data` names it."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def open_in_memory(
    data: object, hp: Hparams, workers: int, *, pairs: bool = False
) -> tuple[Images, DataInfo]:
    """A tensor or a Dataset as images; with `pairs`, a Dataset of (source, target).

    Raises DataError for anything else.
    """
    if isinstance(data, Tensor) and not pairs:
        images: Images = _stored(data, hp)
        sample = data[0]
        classes: tuple[str, ...] = ()
    elif isinstance(data, MapStyle) and not isinstance(data, Mapping):
        if not len(data):
            raise DataError("the data set is empty")
        sample, _ = (split_pair if pairs else split_item)(data[0])
        warn_of_unit_range(sample)
        classes = tuple(map(str, getattr(data, "classes", ())))
        count = hp.classes or len(classes) or None
        images = DatasetImages(data, pairs, workers, count)
    else:
        raise DataError(
            f"data is a SOURCE such as 'digits', a tensor or a Dataset, not {type(data).__name__}"
        )
    channels = len(sample) // 2 if pairs else len(sample)
    return images, DataInfo(size=sample.shape[-1], channels=channels, classes=classes)


def _stored(images: Tensor, hp: Hparams) -> StoredImages:
    if images.ndim != 4 or not len(images):
        shape = tuple(images.shape)
        raise DataError(f"images are (n, channels, height, width), n at least 1, not {shape}")
    check_range(images)
    warn_of_unit_range(images)
    height, width = images.shape[-2:]
    if height != width and (hp.image_size or hp.load_size):
        raise DataError(f"the images are {width} wide and {height} high: the model wants squares")
    return StoredImages(images if images.dtype == torch.uint8 else images.float())


def join_pairs(sources: Images, targets: Images) -> Images:
    """Sources and targets, two tensors of equal shape, as images with the channels of both."""
    if not isinstance(sources, StoredImages) or not isinstance(targets, StoredImages):
        raise DataError(
            "pairs in Python are two tensors of equal shape, or one Dataset of (source, target)"
        )
    first, second = sources.images, targets.images
    if first.shape != second.shape or first.dtype != second.dtype:
        raise DataError(
            "pairs have equal shapes and types, "
            f"not {tuple(first.shape)} {first.dtype} and {tuple(second.shape)} {second.dtype}"
        )
    return StoredImages(torch.cat([first, second], dim=1))


@dataclass
class DatasetImages(Images):
    """A map-style dataset of images, of (image, label), or with `pairs` of (source, target).

    Its own random transforms draw from (seed, epoch, index), from torch, NumPy and `random` alike.
    With several workers PyTorch's DataLoader makes items in processes, some batches ahead.
    """

    dataset: MapStyle
    pairs: bool = False
    workers: int = 1
    classes: int | None = None
    """The number of the model's classes, if it has any."""

    def __post_init__(self) -> None:
        """Takes labels from `targets`, as torchvision has them, or from a TensorDataset.

        Other data sets say the label of each item only with its image.
        """
        self.close()
        # items may be random: there is nothing to hash
        self.fingerprint = f"{type(self.dataset).__qualname__} of {len(self)}"
        targets = getattr(self.dataset, "targets", None)
        if isinstance(self.dataset, TensorDataset) and len(self.dataset.tensors) > 1:
            targets = self.dataset.tensors[1]
        if isinstance(targets, list | Tensor) and len(targets) == len(self):
            labels = torch.as_tensor(targets)
            if labels.ndim == 1 and not labels.is_floating_point():
                self.labels = labels

    def __len__(self) -> int:
        return len(self.dataset)

    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        try:
            return self._stacked(self._items(order, number))
        except DataError:
            self.close()
            raise

    def close(self) -> None:
        # the loader ends its processes when it is let go of
        self._loader: Iterator[list[Any]] = iter(())
        self._next: tuple[ShuffledSampler | None, int] = (None, 0)

    def _items(self, order: ShuffledSampler, number: int) -> list[Any]:
        items = _SeededItems(self.dataset, order.seed, self.pairs)
        parallel = self.workers > 1 and not isinstance(order, SequentialSampler)
        if parallel and self._next[0] is not order:
            loader = DataLoader(
                items,
                batch_sampler=(_keys(order, i) for i in itertools.count(number)),
                num_workers=self.workers,
                collate_fn=list,
                generator=torch.Generator(),
            )
            self._loader, self._next = iter(loader), (order, number)
        if self._next == (order, number):
            self._next = (order, number + 1)
            return next(self._loader)
        # out of turn: a look at an earlier batch
        return list(map(items.__getitem__, _keys(order, number)))

    def _stacked(self, items: list[Any]) -> Batch:
        for item in items:
            if isinstance(item, DataError):
                raise item
        images, labels = zip(*items, strict=True)
        shapes = {tuple(image.shape) for image in images}
        if len(shapes) > 1:
            text = ", ".join(map(str, sorted(shapes)))
            raise DataError(f"the data set's images differ in shape ({text}): resize them")
        batch = torch.stack(images)
        check_range(batch)
        if set(labels) == {None}:
            return batch, None
        if None in labels:
            raise DataError("some items of the data set have labels, and others none")
        check_labels(labels, self.classes)
        return batch, torch.tensor(labels)


def _keys(order: ShuffledSampler, number: int) -> list[tuple[int, int]]:
    indices, epochs = order[number]
    return list(zip(epochs.tolist(), indices.tolist(), strict=True))


@dataclass
class _SeededItems(Dataset[LabelledItem | DataError]):
    """Items by (epoch, index).

    The dataset's own transforms draw from seeded generators, which are restored afterwards. A
    DataError is returned, not raised, so that DataLoader workers do not wrap it.
    """

    dataset: MapStyle
    seed: int
    pairs: bool

    def __getitem__(self, key: tuple[int, int]) -> LabelledItem | DataError:
        _, index = key
        parts = ("item", self.seed, *key)
        seed = derive_seed(*parts)
        python, numpy = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            with seeded(*parts, device=torch.device("cpu")):
                item = self.dataset[index]
            return split_pair(item) if self.pairs else split_item(item)
        except DataError as error:
            return error
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def split_item(item: Any) -> LabelledItem:
    """An item of a Dataset -> image `(channels, height, width)` and label.

    A Pillow picture becomes uint8.
    """
    image, label = item, None
    if isinstance(item, tuple | list):
        image, label = (*item, None)[:2]
    if isinstance(image, Image.Image):
        try:
            image = levels(image)
        except ValueError as cause:
            raise DataError(f"the data set: {cause}") from None
    if not isinstance(image, Tensor) or image.ndim != 3:
        raise DataError(
            "a data set's item is an image (channels, height, width), or (image, label), "
            f"not {item!r:.80}"
        )
    try:
        return image, None if label is None else int(label)
    except (TypeError, ValueError):
        raise DataError(
            f"the label of a data set's item is the number of its class, not {label!r:.80}"
        ) from None


def split_pair(item: Any) -> LabelledItem:
    """An item of a Dataset of pairs -> `(2 * channels, height, width)`.

    The source's channels come first, then the target's.
    """
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(
            f"an item of a data set of pairs is (source, target), not {type(item).__name__}; "
            "for pairs of tensors pass a tuple of two, (sources, targets)"
        )
    (source, _), (target, _) = map(split_item, item)
    if source.shape != target.shape:
        shapes = f"{tuple(source.shape)} and {tuple(target.shape)}"
        raise DataError(f"source and target of a pair differ: {shapes}")
    return torch.cat([source, target]), None


def check_labels(labels: Iterable[int], classes: int | None) -> None:
    """Raises DataError unless each is the number of one of the model's classes."""
    for label in labels:
        if classes and not 0 <= label < classes:
            raise DataError(
                f"an image has the label {label}, "
                f"and the model has {classes} classes: 0 to {classes - 1}"
            )


def check_range(images: Tensor) -> None:
    """Raises DataError unless they are uint8, or floats in [-1, 1]."""
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise DataError(f"images are uint8 or floats in [-1, 1], not {images.dtype}")
    low, high = torch.aminmax(images)
    if not (low >= -1 and high <= 1):
        raise DataError(
            "images of floats are in [-1, 1], "
            f"and these reach from {low:g} to {high:g}: scale them, or pass uint8"
        )


def warn_of_unit_range(images: Tensor) -> None:
    """Logs a warning about floats that look like [0, 1]."""
    if images.is_floating_point() and images.min() >= 0:
        logger.warning(
            "the images are all in [0, 1]; ganzoo takes floats as [-1, 1]: pass x * 2 - 1"
        )
