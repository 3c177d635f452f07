"""Images by index: in one tensor or a packed file, or decoded each time in threads."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

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
    """The number of each image's class, `(total,)`, if known without reading the images.

    For a model with conditions, the condition of each image, `(total, ...)`.
    """
    attributes: Sequence[Mapping[str, str]] | None = None
    """What is known of each image, for a model with conditions."""

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
        images = self.images
        head = f"{images.dtype} {tuple(images.shape)}"
        digest = hashlib.sha256(head.encode())
        digest.update(images.cpu().contiguous().numpy().data)
        if self.labels is not None:
            digest.update(self.labels.cpu().numpy().data)
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
        self.labels = manifest.label_tensor
        self.fingerprint = manifest.fingerprint
        self._packing, self._manifest = packing, manifest
        self._start()

    def _start(self) -> None:
        # its threads start with the first image
        self._pool = ThreadPoolExecutor(self._packing.workers)
        self._decoding: dict[Any, list[Future[Pixels]]] = {}

    def __len__(self) -> int:
        return len(self._manifest.rows)

    def fetch(self, order: ShuffledSampler, number: int) -> Batch:
        for ahead in range(number, number + 1 + AHEAD):
            if (order, ahead) not in self._decoding:
                indices = order[ahead].indices.tolist()
                self._decoding[order, ahead] = list(map(self._begin, indices))
        futures = self._decoding.pop((order, number))
        decoded = [future.result() for future in futures]
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
        packing, manifest = self._packing, self._manifest
        row = packing.rows[manifest.rows[index]]
        digest = manifest.digests[index]
        return self._pool.submit(verified, row, digest, packing.preparation)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._start()


def check_labels(labels: Iterable[int], classes: int | None) -> None:
    """Raises DataError unless each is the number of one of the model's classes."""
    for label in labels:
        if classes and not 0 <= label < classes:
            raise DataError(
                f"an image has the label {label}, and the model's classes are 0 to {classes - 1}"
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
            f"images of floats are in [-1, 1], not {low:g} to {high:g}: scale them, or pass uint8"
        )


def _free_memory(device: torch.device) -> float:
    """Bytes of free memory on the device; on a CPU a mapped file needs no copy."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        used = torch.mps.driver_allocated_memory()
        return torch.mps.recommended_max_memory() - used
    return 0
