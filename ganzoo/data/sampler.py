"""Samplers: which images each batch holds, as a function of (seed, number) and of the process."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ganzoo.seeds import rng


class BatchIndices(NamedTuple):
    """The index of each image of a batch, and its epoch, both `(n,)` on the CPU."""

    indices: Tensor
    epochs: Tensor


@dataclass(eq=False)
class ShuffledSampler:
    """`order[i]` is the i-th batch of an endless sequence.

    Epochs follow each other without a gap: every image comes exactly once in each, in an order that
    depends on (name, seed, epoch); a batch may hold the end of one and the start of the next. Each
    of `ranks` processes gets its own part of every batch. `chosen` are the indices of the images
    that take part.
    """

    chosen: Tensor
    batch_size: int
    seed: int
    name: str = "order"
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        self.local = torch.arange(self.batch_size).tensor_split(self.ranks)[self.rank]
        """The positions within a batch that this process takes."""
        self._orders: dict[int, Tensor] = {}

    def __getitem__(self, number: int) -> BatchIndices:
        total = len(self.chosen)
        positions = number * self.batch_size + self.local
        epochs = positions // total
        parts = []
        for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):
            inside = positions[epochs == epoch] - epoch * total
            parts.append(self._order(epoch)[inside])
        return BatchIndices(self.chosen[torch.cat(parts)], epochs)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            if len(self._orders) > 1:
                self._orders.clear()
            generator = rng(self.name, self.seed, epoch)
            self._orders[epoch] = torch.randperm(len(self.chosen), generator=generator)
        return self._orders[epoch]


class SequentialSampler(ShuffledSampler):
    """The same, with every epoch in the images' own order."""

    def _order(self, epoch: int) -> Tensor:
        return torch.arange(len(self.chosen))
