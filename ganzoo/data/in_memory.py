"""Images passed in from Python: a tensor, or a map-style `Dataset` with its own transforms."""

import itertools
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
Opened = tuple[Images, DataInfo]


@runtime_checkable
class MapStyle(Protocol):
    """A map-style dataset, as `torch.utils.data` names it."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def open_in_memory(data: object, hp: Hparams, workers: int, *, pairs: bool = False) -> Opened:
    """A tensor or a Dataset as images; with `pairs`, a Dataset of (source, target).

    Raises DataError for anything else.
    """
    if isinstance(data, Tensor):
        if pairs:
            raise DataError("the model wants pairs: pass a tuple of two tensors, (source, target)")
        return _open_tensor(data, hp)
    if isinstance(data, MapStyle) and not isinstance(data, Mapping):
        return _open_dataset(data, hp, workers, pairs)
    raise DataError(
        f"data is a SOURCE such as 'digits', a tensor or a Dataset, not {type(data).__name__}"
    )


def _open_tensor(data: Tensor, hp: Hparams) -> Opened:
    shape = tuple(data.shape)
    if data.ndim != 4 or not len(data):
        raise DataError(f"images are (n, channels, height, width), n at least 1, not {shape}")
    check_range(data)
    warn_of_unit_range(data)
    _, channels, height, width = shape
    if height != width and (hp.image_size or hp.load_size):
        raise DataError(f"the images are {width} wide and {height} high: the model wants squares")
    if data.dtype != torch.uint8:
        data = data.float()
    return StoredImages(data), DataInfo(size=width, channels=channels)


def _open_dataset(data: MapStyle, hp: Hparams, workers: int, pairs: bool) -> Opened:
    if not len(data):
        raise DataError("the data set is empty")
    split = split_pair if pairs else split_item
    image, _ = split(data[0])
    warn_of_unit_range(image)
    channels = len(image) // 2 if pairs else len(image)
    classes = tuple(map(str, getattr(data, "classes", ())))
    count = hp.classes or len(classes) or None
    info = DataInfo(size=image.shape[-1], channels=channels, classes=classes)
    return DatasetImages(data, pairs, workers, count), info


def check_fits(info: DataInfo, hp: Hparams) -> None:
    """Raises DataError if the images have not the size and the channels of the model."""
    size = "load_size" if hp.load_size else "image_size"
    for name, value in ((size, info.size), ("channels", info.channels)):
        wanted = getattr(hp, name, None)
        if wanted is not None and wanted != value:
            raise DataError(
                f"the data has {name} {value}, the model {wanted}: create it with {name}={value}"
            )


def check_alike(info: DataInfo, other: DataInfo) -> None:
    """Raises DataError if two data sets differ in size or channels."""
    first, second = (f"{one.channels} channels of {one.size}x{one.size}" for one in (info, other))
    if first != second:
        raise DataError(f"the two data sets differ: {first}, and {second}")


def join_pairs(sources: Images, targets: Images) -> Images:
    """Sources and targets, two tensors of equal shape, as images with the channels of both."""
    if not (isinstance(sources, StoredImages) and isinstance(targets, StoredImages)):
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
    _loader: Iterator[list[Any]] | None = field(default=None, repr=False)
    _next: int = field(default=-1, repr=False)
    _order: ShuffledSampler | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Takes labels from `targets`, as torchvision has them, or from a TensorDataset.

        Other data sets say the label of each item only with its image.
        """
        targets = getattr(self.dataset, "targets", None)
        if isinstance(self.dataset, TensorDataset) and len(self.dataset.tensors) > 1:
            targets = self.dataset.tensors[1]
        if isinstance(targets, list | Tensor) and len(targets) == len(self):
            labels = torch.as_tensor(targets)
            if labels.ndim == 1 and not labels.is_floating_point():
                self.labels = labels

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def fingerprint(self) -> str:
        # items may be random: there is nothing to hash
        return f"{type(self.dataset).__qualname__} of {len(self)}"

    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        try:
            return self._stacked(self._items(order, number))
        except DataError:
            self.close()
            raise

    def close(self) -> None:
        self._loader = self._order = None  # the loader ends its processes when it is let go of

    def _items(self, order: ShuffledSampler, number: int) -> list[Any]:
        parallel = self.workers > 1 and not isinstance(order, SequentialSampler)
        if parallel and self._order is not order:
            self._loader = self._from(order, number)
            self._next = number
            self._order = order
        if self._loader is not None and self._order is order and self._next == number:
            self._next += 1
            return next(self._loader)
        # out of turn: a look at an earlier batch
        items = _SeededItems(self.dataset, order.seed, self.pairs)
        return [items[key] for key in _keys(order, number)]

    def _from(self, order: ShuffledSampler, number: int) -> Iterator[list[Any]]:
        batches = (_keys(order, i) for i in itertools.count(number))
        loader = DataLoader(
            _SeededItems(self.dataset, order.seed, self.pairs),
            batch_sampler=batches,
            num_workers=self.workers,
            collate_fn=list,
            generator=torch.Generator(),
        )
        return iter(loader)

    def _stacked(self, items: list[Any]) -> Batch:
        for item in items:
            if isinstance(item, DataError):
                raise item
        images, all_labels = zip(*items, strict=True)
        labels = [label for label in all_labels if label is not None]
        shapes = {tuple(image.shape) for image in images}
        if len(shapes) > 1:
            text = ", ".join(map(str, sorted(shapes)))
            raise DataError(f"the data set's images differ in shape ({text}): resize them")
        batch = torch.stack(images)
        check_range(batch)
        if labels and len(labels) < len(items):
            raise DataError("some items of the data set have labels, and others none")
        check_labels(labels, self.classes)
        return batch, torch.tensor(labels) if labels else None


def _keys(order: ShuffledSampler, number: int) -> list[tuple[int, int]]:
    indices, epochs = order[number]
    return list(zip(epochs.tolist(), indices.tolist(), strict=True))


@dataclass
class _SeededItems(Dataset[LabelledItem | DataError]):
    """Items by (epoch, index).

    A DataError is returned, not raised, so that DataLoader workers do not wrap it.
    """

    dataset: MapStyle
    seed: int
    pairs: bool

    def __getitem__(self, key: tuple[int, int]) -> LabelledItem | DataError:
        epoch, index = key
        with _all_seeded("item", self.seed, epoch, index):
            item = self.dataset[index]
        try:
            return split_pair(item) if self.pairs else split_item(item)
        except DataError as error:
            return error


@contextmanager
def _all_seeded(*parts: int | str) -> Iterator[None]:
    """Seeds the generators of torch, NumPy and Python by the parts; restores them at the end."""
    python, numpy = random.getstate(), np.random.get_state()
    seed = derive_seed(*parts)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        with seeded(*parts, device=torch.device("cpu")):
            yield
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
        raise DataError(f"an item of a data set of pairs is (source, target), not {item!r:.80}")
    source, _ = split_item(item[0])
    target, _ = split_item(item[1])
    if source.shape != target.shape:
        shapes = f"{tuple(source.shape)} and {tuple(target.shape)}"
        raise DataError(f"source and target of a pair differ: {shapes}")
    return torch.cat([source, target]), None


def check_labels(labels: Sequence[int], classes: int | None) -> None:
    """Raises DataError unless each is the number of one of the model's classes."""
    if not classes:
        return
    for label in labels:
        if not 0 <= label < classes:
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
    low, high = (extreme.item() for extreme in torch.aminmax(images))
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
