"""Images by index: from a tensor or a packed file, decoded anew in threads, or from a Dataset."""

import hashlib
import itertools
import random
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ganzoo.data.order import Order
from ganzoo.data.pack import stacked
from ganzoo.data.picture import Pixels, Preparation
from ganzoo.data.views import Row
from ganzoo.device import derive_seed, seeded
from ganzoo.errors import BadImage, DataError

RESIDENT = 0.25
"""The share of a GPU's free memory that images may take; what needs more stays in the file or in main memory."""
AHEAD = 3
"""Batches that are decoded ahead of the one that is asked for."""


class Images(ABC):
    """Images of one size that can be fetched by index, whatever they came from."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the images or their order change."""

    @abstractmethod
    def fetch(self, order: Order, number: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """The images of `order[number]`, `(n, channels, height, width)`, uint8 or floats, and labels `(n,)`."""


@dataclass
class StoredImages(Images):
    """Images in one tensor, in memory or mapped from a file; on a GPU that has room for them they move there once."""

    images: Tensor = field(repr=False)
    labels: Tensor | None = field(default=None, repr=False)
    known_fingerprint: str = ""
    resident: bool | None = None
    """Whether they live on the device; None: when they fit into RESIDENT of its free memory."""

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        if self.known_fingerprint:
            return self.known_fingerprint
        digest = hashlib.sha256(f"{self.images.dtype} {tuple(self.images.shape)}".encode())
        for tensor in (self.images, self.labels):
            if tensor is not None:
                digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def fetch(self, order: Order, number: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
        if self.resident is None:
            self.resident = self.images.nbytes <= RESIDENT * _free(device)
        if self.resident and self.images.device != device:
            self.images = self.images.to(device)
            self.labels = None if self.labels is None else self.labels.to(device)
        indices = order[number].indices
        chosen = indices.to(self.images.device, non_blocking=True)
        images = self.images.index_select(0, chosen)
        labels = None if self.labels is None else self.labels.index_select(0, chosen.to(self.labels.device)).to(device)
        return _moved(images, device), labels


@dataclass
class StreamedImages(Images):
    """Images that are decoded each time they are used, in threads, some batches ahead."""

    rows: Sequence[Row] = field(repr=False)
    preparation: Preparation
    labels: Tensor | None = field(repr=False)
    known_fingerprint: str
    workers: int = 1
    _pool: ThreadPoolExecutor | None = field(default=None, repr=False)
    _decoding: dict[int, Future[Pixels]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def fingerprint(self) -> str:
        return self.known_fingerprint

    def fetch(self, order: Order, number: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
        indices = order[number].indices
        futures = [self._begin(index) for index in indices.tolist()]
        for ahead in range(number + 1, number + 1 + AHEAD):
            for index in order[ahead].indices.tolist():
                self._begin(index)
        images = torch.from_numpy(np.stack([future.result() for future in futures]))
        for index in indices.tolist():
            self._decoding.pop(index, None)
        while len(self._decoding) > (AHEAD + 1) * order.batch_size:  # what was begun for a place that was left
            self._decoding.pop(next(iter(self._decoding))).cancel()
        return _moved(images, device), None if self.labels is None else self.labels[indices].to(device)

    def _begin(self, index: int) -> Future[Pixels]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers)
        if index not in self._decoding:
            self._decoding[index] = self._pool.submit(self._decoded, index)
        return self._decoding[index]

    def _decoded(self, index: int) -> Pixels:
        row = self.rows[index]
        try:
            return stacked(row, self.preparation)[0]
        except BadImage as cause:
            raise DataError(
                f"{row[0].name} could be read when the training began, and now is {cause.kind}: {cause}"
            ) from cause


@runtime_checkable
class MapStyle(Protocol):
    """What `torch.utils.data` calls a map-style dataset."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@dataclass
class DatasetImages(Images):
    """A map-style dataset; an item is an image, or (image, label); or (source, target), where pairs are wanted.

    Its own random transforms draw from (seed, epoch, index), whichever of torch, NumPy and `random` they use. With
    several workers items are made in processes by PyTorch's DataLoader, some batches ahead.
    """

    dataset: MapStyle
    pairs: bool = False
    workers: int = 1
    _loader: Iterator[list[Any]] | None = field(default=None, repr=False)
    _next: int = field(default=-1, repr=False)

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def fingerprint(self) -> str:
        return f"{type(self.dataset).__qualname__} of {len(self)}"  # its items may be random: nothing to hash

    def fetch(self, order: Order, number: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
        items = self._items(order, number)
        if len(shapes := {tuple(image.shape) for image, _ in items}) > 1:
            raise DataError(
                f"the data set's images differ in shape ({', '.join(map(str, sorted(shapes)))}): resize them"
            )
        images = torch.stack([image for image, _ in items])
        checked_range(images)
        labels = [label for _, label in items if label is not None]
        return _moved(images, device), torch.tensor(labels, device=device) if labels else None

    def _items(self, order: Order, number: int) -> list[tuple[Tensor, int | None]]:
        if self.workers > 1 and self._loader is None:
            self._loader, self._next = self._from(order, number), number
        if self._loader is not None and number == self._next:
            self._next += 1
            return next(self._loader)
        seeded_items = _SeededItems(self.dataset, order.seed, self.pairs)  # out of turn: a look at an earlier batch
        return [seeded_items[key] for key in _keys(order, number)]

    def _from(self, order: Order, number: int) -> Iterator[list[Any]]:
        batches = (_keys(order, i) for i in itertools.count(number))
        dataset = _SeededItems(self.dataset, order.seed, self.pairs)
        return iter(
            DataLoader(
                dataset, batch_sampler=batches, num_workers=self.workers, collate_fn=list, generator=torch.Generator()
            )
        )


def _keys(order: Order, number: int) -> list[tuple[int, int]]:
    indices, epochs = order[number]
    return list(zip(epochs.tolist(), indices.tolist(), strict=True))


class _SeededItems(Dataset[tuple[Tensor, int | None]]):
    def __init__(self, dataset: MapStyle, seed: int, pairs: bool) -> None:
        self.dataset, self.seed, self.pairs = dataset, seed, pairs

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, int | None]:
        epoch, index = key
        with _all_seeded("item", self.seed, epoch, index):
            item = self.dataset[index]
        return split_pair(item) if self.pairs else split_item(item)


@contextmanager
def _all_seeded(*parts: int | str) -> Iterator[None]:
    """Inside, the generators of torch, NumPy and Python are seeded by the parts; afterwards they are as they were."""
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


def split_item(item: Any) -> tuple[Tensor, int | None]:
    """An item of a Dataset -> image `(channels, height, width)` and label; a Pillow picture becomes uint8."""
    image, label = (*item, None)[:2] if isinstance(item, tuple | list) else (item, None)
    if isinstance(image, Image.Image):
        array = np.asarray(image)
        image = torch.from_numpy(array.copy() if array.ndim == 3 else array[..., None].copy()).permute(2, 0, 1)
    if not isinstance(image, Tensor) or image.ndim != 3:
        raise DataError(f"a data set's item is an image (channels, height, width), or (image, label), not {item!r:.80}")
    return image, None if label is None else int(label)


def split_pair(item: Any) -> tuple[Tensor, None]:
    """An item of a Dataset of pairs -> `(2 * channels, height, width)`: the source's channels, then the target's."""
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(f"where pairs are wanted, an item is (source, target), not {item!r:.80}")
    return torch.cat([split_item(part)[0] for part in item]), None


def checked_range(images: Tensor) -> None:
    """Refuses floats outside [-1, 1] and warns of what looks like [0, 1]."""
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise DataError(f"images are uint8 or floats in [-1, 1], not {images.dtype}")
    low, high = (extreme.item() for extreme in torch.aminmax(images))
    if not (low >= -1 and high <= 1):
        raise DataError(
            f"images of floats are in [-1, 1], and these reach from {low:g} to {high:g}: scale them, or pass uint8"
        )
    if low >= 0:
        warnings.warn("the images are all in [0, 1]; ganzoo takes floats as [-1, 1]: pass x * 2 - 1", stacklevel=3)


def _moved(images: Tensor, device: torch.device) -> Tensor:
    """To the device, without waiting where the memory can be pinned."""
    if images.device == device:
        return images
    return (images.pin_memory() if device.type == "cuda" else images).to(device, non_blocking=True)


def _free(device: torch.device) -> float:
    """Bytes of memory that the device has left; on a CPU a mapped file needs no copy."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return 0
