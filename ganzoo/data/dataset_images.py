"""A map-style `Dataset` as images: each item is made when it is needed, from seeded draws."""

import itertools
import random
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ganzoo.data.dataset_item import (
    LABEL_KEYS,
    Content,
    Split,
    fitted,
    label_of,
    split_item,
    split_pair,
)
from ganzoo.data.files import MEASURED, measured
from ganzoo.data.images import Batch, Images, check_labels, check_range
from ganzoo.data.picture import Preparation
from ganzoo.data.sampler import SequentialSampler, ShuffledSampler
from ganzoo.data.source import Item
from ganzoo.errors import DataError
from ganzoo.seeds import derive_seed, seeded

LabelledItem = tuple[Tensor, int | None]


@dataclass
class DatasetImages(Images):
    """A map-style dataset of images, of (image, label), or with `pairs` of (source, target).

    Its own random transforms draw from (seed, epoch, index), from torch, NumPy and `random` alike.
    With several workers PyTorch's DataLoader makes items in processes, some batches ahead.
    """

    dataset: Any
    preparation: Preparation | None = None
    """How pictures are converted and resized; None: all items are tensors, and stay as they are."""
    labels: Tensor | None = None
    pairs: bool = False
    workers: int = 1
    classes: int | None = None
    """The number of the model's classes, if it has any."""

    def __post_init__(self) -> None:
        self.close()
        # items may be random: there is nothing to hash
        data = self.dataset
        self.fingerprint = f"{type(data).__qualname__} of {len(data)}"

    @property
    def names_labels(self) -> bool:
        """Whether the data set itself has its labels in a tensor or in a list."""
        targets = getattr(self.dataset, "targets", None)
        return isinstance(targets, list | Tensor) or isinstance(self.dataset, TensorDataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        try:
            images, labels = self._stacked(self._items(order, number))
        except DataError:
            self.close()
            raise
        if self.attributes is not None and self.labels is not None:
            labels = self.labels[order[number].indices]  # their conditions
        return images, labels

    def close(self) -> None:
        # the loader ends its processes when it is let go of
        self._loader: Iterator[list[Any]] = iter(())
        self._next: tuple[ShuffledSampler | None, int] = (None, 0)

    def _items(self, order: ShuffledSampler, number: int) -> list[Any]:
        items = _FittedItems(self.dataset, order.seed, self.pairs, self.preparation)
        parallel = self.workers > 1 and not isinstance(order, SequentialSampler)
        if parallel and self._next[0] is not order:
            batches = (_keys(order, i) for i in itertools.count(number))
            loader = DataLoader(
                items,
                batch_sampler=batches,
                num_workers=self.workers,
                collate_fn=list,
                generator=torch.Generator(),
                worker_init_fn=_ignore_interrupt,
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
            raise DataError(f"the data set's images differ in shape: {text}")
        batch = torch.stack(images)
        check_range(batch)
        if set(labels) == {None}:
            return batch, None
        if None in labels:
            raise DataError("some items of the data set have labels, and others none")
        check_labels(labels, self.classes)
        return batch, torch.tensor(labels)


def _ignore_interrupt(worker: int) -> None:
    """A terminal sends Ctrl-C to workers too, whose items the trainer still needs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _keys(order: ShuffledSampler, number: int) -> list[tuple[int, int]]:
    indices, epochs = order[number]
    return list(zip(epochs.tolist(), indices.tolist(), strict=True))


@dataclass
class SeededItems:
    """The items of a data set, each from draws that follow from the seed, the epoch and its index.

    Its own transforms draw from torch, NumPy and `random`, whose states are restored afterwards.
    """

    dataset: Any
    seed: int
    pairs: bool

    def split(self, epoch: int, index: int) -> Split:
        """The images of an item, and its label. Raises DataError for what is none."""
        parts = ("item", self.seed, epoch, index)
        seed = derive_seed(*parts)
        python, numpy = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            with seeded(*parts, device=torch.device("cpu")):
                item = self.dataset[index]
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
        return split_pair(item) if self.pairs else split_item(item)

    def first_image(self, index: int) -> Content:
        """The image of an item, of a pair the source."""
        images, _ = self.split(0, index)
        return images[0]

    def measured(self) -> tuple[int, int]:
        """Size and channels by some of the pictures, as of a folder."""
        total = len(self.dataset)
        numbers = random.Random(0).sample(range(total), min(total, MEASURED))  # noqa: S311
        items = []
        for number in numbers:
            read: Any = partial(self.first_image, number)
            items.append(Item(str(number), read))
        return measured(items)


@dataclass
class _FittedItems(SeededItems, Dataset[LabelledItem | DataError]):
    """Tensors and labels by (epoch, index).

    A DataError is returned, not raised, so that DataLoader workers do not wrap it.
    """

    preparation: Preparation | None

    def __getitem__(self, key: tuple[int, int]) -> LabelledItem | DataError:
        try:
            contents, label = self.split(*key)
            images = [fitted(content, self.preparation) for content in contents]
            shapes = {tuple(image.shape) for image in images}
            if len(shapes) > 1:
                text = " and ".join(map(str, sorted(shapes)))
                raise DataError(f"source and target of a pair differ: {text}")
            return torch.cat(images), label
        except DataError as error:
            return DataError(f"item {key[1]} of the data set: {error}")


def known_labels(data: Any) -> Tensor | None:
    """The labels of all items, if the data set says them without its images; else None.

    They are the second tensor of a TensorDataset, `targets` of torchvision, a column of Hugging
    Face, or in the items of a list.
    """
    labels: Any = getattr(data, "targets", None)
    if isinstance(data, TensorDataset) and len(data.tensors) > 1:
        labels = data.tensors[1]
    elif column := _label_column(data):
        labels = list(data[column])
    elif isinstance(data, list):
        labels = list(map(label_of, data))
    if not isinstance(labels, list | Tensor | np.ndarray) or len(labels) != len(data):
        return None
    return as_numbers(labels)


def known_names(data: Any) -> tuple[str, ...]:
    """The names of its classes, as torchvision or Hugging Face have them; empty if it has none."""
    names = getattr(data, "classes", None)
    if column := _label_column(data):
        names = getattr(data.features[column], "names", None)
    return tuple(map(str, () if names is None else names))


def _label_column(data: Any) -> str | None:
    features = getattr(data, "features", None)
    if isinstance(features, Mapping):
        for name in LABEL_KEYS:
            if name in features:
                return name
    return None


def as_numbers(labels: Any) -> Tensor | None:
    """Integers in one dimension as int64; None for anything else."""
    if isinstance(labels, Tensor):
        labels = labels.cpu()
    try:
        array = np.asarray(labels)
    except ValueError:  # of lists of different lengths
        return None
    if array.ndim != 1 or array.dtype.kind not in "iu":
        return None
    return torch.from_numpy(array.astype(np.int64))
