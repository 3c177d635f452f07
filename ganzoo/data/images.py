"""Images by index: in one tensor or a packed file, or decoded each time in threads."""

import hashlib
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.pack import Manifest, Packing, verified
from ganzoo.data.picture import Pixels
from ganzoo.data.sampler import ShuffledSampler
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

    fingerprint: str
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
    resident: bool | None = None
    """Whether they live on the device; None: if they fit into RESIDENT of its free memory."""

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # it can be set as well
        digest = hashlib.sha256(f"{self.images.dtype} {tuple(self.images.shape)}".encode())
        digest.update(self.images.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        indices = order[number].indices
        indices = indices.to(self.images.device, non_blocking=True)
        labels = self.labels
        if labels is not None:
            labels = labels.index_select(0, indices)
        return self.images.index_select(0, indices), labels

    def move(self, device: torch.device) -> None:
        size = self.images.nbytes
        if self.resident is None:
            self.resident = size <= RESIDENT * _free_memory(device)
        if not self.resident:
            return
        try:
            self.images = self.images.to(device)
        except torch.OutOfMemoryError:
            raise DataError(
                f"the images, {size:,} bytes, do not fit into {device}; say --data-cache disk"
            ) from None
        if self.labels is not None:
            self.labels = self.labels.to(device)


class StreamedImages(Images):
    """Images that are decoded each time they are used, in threads, some batches ahead."""

    def __init__(self, packing: Packing, manifest: Manifest) -> None:
        self.labels, self.fingerprint = manifest.label_tensor, manifest.fingerprint
        self._packing, self._manifest = packing, manifest
        self._start()

    def _start(self) -> None:
        self._pool = ThreadPoolExecutor(self._packing.workers)  # threads start with the first image
        self._decoding: dict[tuple[ShuffledSampler, int], list[Future[Pixels]]] = {}

    def __len__(self) -> int:
        return len(self._manifest.rows)

    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        for ahead in range(number, number + 1 + AHEAD):
            if (order, ahead) not in self._decoding:
                indices = order[ahead].indices.tolist()
                self._decoding[order, ahead] = list(map(self._begin, indices))
        decoded = [future.result() for future in self._decoding.pop((order, number))]
        # after a jump in the order, those that were begun before it wait in vain
        while len(self._decoding) > AHEAD:
            oldest = next(iter(self._decoding))
            for future in self._decoding.pop(oldest):
                future.cancel()
        labels = self.labels
        if labels is not None:
            labels = labels[order[number].indices]
        return torch.from_numpy(np.stack(decoded)), labels

    def _begin(self, index: int) -> Future[Pixels]:
        row = self._packing.rows[self._manifest.rows[index]]
        digest = self._manifest.digests[index]
        return self._pool.submit(verified, row, digest, self._packing.preparation)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._start()


def _free_memory(device: torch.device) -> float:
    """Bytes of free memory on the device; on a CPU a mapped file needs no copy."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return 0
