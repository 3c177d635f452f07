"""Images by index: in one tensor or a packed file, or decoded each time in threads."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.pack import verified
from ganzoo.data.picture import Pixels, Preparation
from ganzoo.data.sampler import ShuffledSampler
from ganzoo.data.source import Row
from ganzoo.errors import DataError

RESIDENT = 0.25
"""The share of a GPU's free memory that images may take; more stay in the file or main memory."""
AHEAD = 3
"""Batches that are decoded ahead of the one that is fetched."""


Batch = tuple[Tensor, Tensor | None]
"""Images `(n, channels, height, width)`, and their labels `(n,)` if they have any."""


class Images(ABC):
    """Images of one size that can be fetched by index, from any origin."""

    labels: Tensor | None = None
    """The number of each image's class, `(total,)`, if known without reading the images."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the images or their order change."""

    @abstractmethod
    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        """The images of `order[number]`, uint8 or floats, and their labels, on any device."""

    def move(self, device: torch.device) -> None:  # noqa: B027
        """Moves them to the device for good, if they are in memory and fit."""

    def close(self) -> None:  # noqa: B027  (most have nothing to end)
        """Ends the threads or processes that read ahead; the next `fetch` starts them again."""


@dataclass
class StoredImages(Images):
    """Images in one tensor, in memory or mapped from a file.

    On a GPU that has room for them they move there once.
    """

    images: Tensor = field(repr=False)
    labels: Tensor | None = field(default=None, repr=False)
    known_fingerprint: str = ""
    resident: bool | None = None
    """Whether they live on the device; None: if they fit into RESIDENT of its free memory."""

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        if self.known_fingerprint:
            return self.known_fingerprint
        digest = hashlib.sha256(f"{self.images.dtype} {tuple(self.images.shape)}".encode())
        digest.update(self.images.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        indices = order[number].indices.to(self.images.device, non_blocking=True)
        images = self.images.index_select(0, indices)
        return (
            images,
            None if self.labels is None else self.labels.index_select(0, indices),
        )

    def move(self, device: torch.device) -> None:
        if self.resident is None:
            self.resident = self.images.nbytes <= RESIDENT * _free_memory(device)
        if not self.resident:
            return
        try:
            self.images = self.images.to(device)
        except torch.OutOfMemoryError:
            size = f"{self.images.nbytes:,} bytes"
            raise DataError(
                f"the images, {size}, do not fit into {device}; say --data-cache disk"
            ) from None
        if self.labels is not None:
            self.labels = self.labels.to(device)


@dataclass
class StreamedImages(Images):
    """Images that are decoded each time they are used, in threads, some batches ahead."""

    rows: Sequence[Row] = field(repr=False)
    digests: Sequence[str] = field(repr=False)
    preparation: Preparation
    labels: Tensor | None = field(repr=False)
    fingerprint: str = ""
    workers: int = 1

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.workers)  # its threads start with the first image
        self._decoding: dict[int, Future[Pixels]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        indices = order[number].indices
        futures = [self._begin(index) for index in indices.tolist()]
        for ahead in range(number + 1, number + 1 + AHEAD):
            for index in order[ahead].indices.tolist():
                self._begin(index)
        images = torch.from_numpy(np.stack([future.result() for future in futures]))
        for index in indices.tolist():
            self._decoding.pop(index, None)
        # after a jump in the order, those that were begun before it wait in vain
        while len(self._decoding) > (AHEAD + 1) * order.batch_size:
            oldest = next(iter(self._decoding))
            self._decoding.pop(oldest).cancel()
        return images, None if self.labels is None else self.labels[indices]

    def _begin(self, index: int) -> Future[Pixels]:
        if index not in self._decoding:
            row, digest = self.rows[index], self.digests[index]
            self._decoding[index] = self._pool.submit(verified, row, digest, self.preparation)
        return self._decoding[index]

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self.__post_init__()


def _free_memory(device: torch.device) -> float:
    """Bytes of free memory on the device; on a CPU a mapped file needs no copy."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return 0
