"""Batches: an endless sequence of them, each a function of (seed, number) alone."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.dataset import Data
from ganzoo.data.views import Labelled
from ganzoo.device import generator, seeded
from ganzoo.errors import DataError


@dataclass
class Batches:
    """`batches[i]` is the i-th batch on the device, in the form of `view`.

    Epochs follow each other without a gap: every image comes exactly once in each, in an order that depends on
    (seed, epoch); a batch may hold the end of one and the start of the next.
    """

    data: Data
    view: Any
    batch_size: int
    seed: int
    device: torch.device
    _orders: dict[int, Tensor] = field(default_factory=dict, repr=False)

    def __getitem__(self, number: int) -> Any:
        with seeded("items", self.seed, number, device=self.device):  # a Dataset's own transforms may draw
            images, labels = self.data.fetch(self.indices(number), self.device)
        if self.view is Tensor:
            return images
        if self.view is not Labelled:
            raise DataError(f"no data source gives batches of {self.view!r}; a view is torch.Tensor or ganzoo.Labelled")
        if labels is None:
            raise DataError("the model wants labels, and the data has none: give each image a class")
        return Labelled(images, labels)

    def indices(self, number: int) -> Tensor:
        """Which images the batch holds, `(batch_size,)`."""
        total = len(self.data)
        position, end = number * self.batch_size, (number + 1) * self.batch_size
        parts = []
        while position < end:
            epoch, offset = divmod(position, total)
            part = self._order(epoch)[offset : offset + end - position]
            parts.append(part)
            position += len(part)
        return torch.cat(parts)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            if len(self._orders) > 1:
                self._orders.clear()
            self._orders[epoch] = torch.randperm(len(self.data), generator=generator("order", self.seed, epoch))
        return self._orders[epoch]
