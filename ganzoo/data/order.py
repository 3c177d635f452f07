"""Order: which images each batch holds, as a function of (seed, number) and of which process asks."""

from typing import NamedTuple

import torch
from torch import Tensor

from ganzoo.device import generator


class Places(NamedTuple):
    """What a batch holds: the index of each image, and in which epoch it is met, both `(n,)` on the CPU."""

    indices: Tensor
    epochs: Tensor


class Order:
    """`order[i]` is the i-th batch of an endless sequence.

    Epochs follow each other without a gap: every image comes exactly once in each, in an order that depends on
    (name, seed, epoch); a batch may hold the end of one and the start of the next. Of `ranks` processes each gets its
    own part of every batch.
    """

    def __init__(self, total: int, batch_size: int, seed: int, *, name: str = "order", rank: int = 0, ranks: int = 1):
        self.total, self.batch_size, self.seed, self.name = total, batch_size, seed, name
        self.mine = torch.arange(batch_size).tensor_split(ranks)[rank]
        """The positions within a batch that this process takes."""
        self._orders: dict[int, Tensor] = {}

    def __getitem__(self, number: int) -> Places:
        positions = number * self.batch_size + self.mine
        epochs = positions // self.total
        parts = [
            self._order(epoch)[positions[epochs == epoch] - epoch * self.total]
            for epoch in range(int(epochs[0]), int(epochs[-1]) + 1)
        ]
        return Places(torch.cat(parts), epochs)

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            if len(self._orders) > 1:
                self._orders.clear()
            self._orders[epoch] = torch.randperm(self.total, generator=generator(self.name, self.seed, epoch))
        return self._orders[epoch]
