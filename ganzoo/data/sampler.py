"""Samplers: which images each batch holds, as a function of (seed, number) and of the process."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ganzoo.seeds import Part, rng


class BatchIndices(NamedTuple):
    """The index of each image of a batch, and its epoch, both `(n,)` on the CPU."""

    indices: Tensor
    epochs: Tensor


@dataclass(eq=False)
class ShuffledSampler:
    """`order[i]` is the i-th batch of an endless sequence.

    Epochs follow each other without a gap: every image comes exactly once in each, in an order that
    depends on (name, seed, epoch); a batch may hold the end of one and the start of the next. Each
    of `ranks` processes gets its own part of every batch. `subset` are the indices of the images
    that take part.
    """

    subset: Tensor
    batch_size: int
    seed: int
    name: str = "order"
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        part = Part.of(self.batch_size, rank=self.rank, ranks=self.ranks)
        self.local = slice(part.start, part.stop)
        """The positions within a batch that this process takes."""
        self._orders: dict[int, Tensor] = {}

    def __getitem__(self, number: int) -> BatchIndices:
        start = number * self.batch_size + self.local.start
        missing = self.local.stop - self.local.start
        epoch, start = divmod(start, len(self.subset))
        indices, epochs = [], []
        while missing > 0:
            part = self._order(epoch)[start : start + missing]
            indices.append(part)
            epochs.append(torch.full_like(part, epoch))
            missing -= len(part)
            epoch, start = epoch + 1, 0
        return BatchIndices(torch.cat(indices), torch.cat(epochs))

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            if len(self._orders) > 1:
                self._orders.clear()
            generator = rng(self.name, self.seed, epoch)
            order = torch.randperm(len(self.subset), generator=generator)
            self._orders[epoch] = self.subset[order]
        return self._orders[epoch]


class SequentialSampler(ShuffledSampler):
    """The same, with every epoch in the images' own order."""

    def _order(self, epoch: int) -> Tensor:
        return self.subset
