"""Batches: an endless sequence of them, each a function of (seed, number) alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.open import Data
from ganzoo.data.sampler import SequentialSampler, ShuffledSampler
from ganzoo.data.views import Domains, Labelled, Pair, check_view
from ganzoo.errors import DataError
from ganzoo.seeds import rng


@dataclass
class Batches:
    """`batches[i]` is the i-th batch on the device, in the form of `view`.

    Each domain has an order of its own. Crops and mirrorings are drawn for the whole batch, of which each of `ranks`
    processes takes its part; `batch_size` is that of all processes together. `chosen` are the indices of the images,
    where not all of them take part.
    """

    data: Data
    view: Any
    batch_size: int
    seed: int
    device: torch.device
    chosen: Tensor | None = None
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        check_view(self.view)
        if self.ranks > self.batch_size:
            raise DataError(
                f"a batch of {self.batch_size} cannot be split among {self.ranks} processes"
            )

    def __getitem__(self, number: int) -> Any:
        return self._viewed(
            [self._varied(part, order, number) for part, order in enumerate(self.orders)]
        )

    def one_epoch(self) -> Iterator[Any]:
        """Every image once, in turn, its middle and not mirrored: what scores are measured on."""
        orders = [self._order(SequentialSampler, part) for part in range(len(self.data.parts))]
        for number in range(-(-max(len(order.chosen) for order in orders) // self.batch_size)):
            found = []
            for part, order in enumerate(orders):
                images, labels = self.data.parts[part].fetch(order, number, self.device)
                fresh = int((order[number].epochs == 0).sum())  # the last batch goes round
                images = centred(images[:fresh], self.data.preparation.image_size)
                found.append((scaled(images), None if labels is None else labels[:fresh]))
            yield self._viewed(found)

    def _viewed(self, images: Sequence[tuple[Tensor, Tensor | None]]) -> Any:
        if self.view is Domains:
            return Domains(images[0][0], images[1][0])
        pixels, labels = images[0]
        if self.view is Pair:
            return Pair(*pixels.chunk(2, dim=1))
        if self.view is Tensor:
            return pixels
        if labels is None:
            raise DataError(
                "the model wants labels, and the data has none: give each image a class"
            )
        return Labelled(pixels, labels)

    @property
    def total(self) -> int:
        """How many images there are."""
        return len(self.data) if self.chosen is None else len(self.chosen)

    def preview_batch(self, count: int) -> Any:
        """The first batches as one, of at least `count` images."""
        batches = [self[number] for number in range(-(-count // self.batch_size))]
        if isinstance(batches[0], Tensor):
            return torch.cat(batches)
        return type(batches[0])(*map(torch.cat, zip(*batches, strict=True)))

    @cached_property
    def orders(self) -> list[ShuffledSampler]:
        """The order of each part of the data."""
        return [self._order(ShuffledSampler, part) for part in range(len(self.data.parts))]

    def _order(self, kind: type[ShuffledSampler], part: int) -> ShuffledSampler:
        chosen = torch.arange(len(self.data.parts[part])) if self.chosen is None else self.chosen
        name = f"order{part or ''}"
        return kind(chosen, self.batch_size, self.seed, name=name, rank=self.rank, ranks=self.ranks)

    def _varied(
        self, part: int, order: ShuffledSampler, number: int
    ) -> tuple[Tensor, Tensor | None]:
        """`(n, channels, image_size, image_size)` in [-1, 1], cropped and mirrored at random, and labels."""
        wanted = self.data.preparation
        images, labels = self.data.parts[part].fetch(order, number, self.device)
        if wanted.load_size > wanted.image_size or wanted.flip:
            rows, columns, mirrored = torch.rand(
                3, self.batch_size, generator=rng("crop", self.seed, number, part)
            ).unbind()
            mine = order.mine
            if wanted.load_size > wanted.image_size:
                images = cropped(images, rows[mine], columns[mine], wanted.image_size)
            if wanted.flip:
                images = flipped(images, mirrored[mine])
        return scaled(images), labels


def cropped(images: Tensor, rows: Tensor, columns: Tensor, size: int) -> Tensor:
    """`(n, channels, size, size)`: a square of each image, at a place that uniform draws `(n,)` in [0, 1) decide."""
    n, channels, height, width = images.shape
    top = (rows * (height - size + 1)).long()[:, None] + torch.arange(size)
    left = (columns * (width - size + 1)).long()[:, None] + torch.arange(size)
    top, left = (indices.to(images.device, non_blocking=True) for indices in (top, left))
    images = images.take_along_dim(top[:, None, :, None].expand(n, channels, size, width), 2)
    return images.take_along_dim(left[:, None, None, :].expand(n, channels, size, size), 3)


def centred(images: Tensor, size: int) -> Tensor:
    """The middle of each image."""
    top, left = ((side - size) // 2 for side in images.shape[-2:])
    return images[..., top : top + size, left : left + size]


def flipped(images: Tensor, draws: Tensor) -> Tensor:
    """Mirrored left to right where a uniform draw of `(n,)` is below one half."""
    mirrored = (draws < 0.5).to(images.device, non_blocking=True)
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def scaled(images: Tensor) -> Tensor:
    """uint8 0..255 -> floats -1..1; floats as they are."""
    return images.float().div_(127.5).sub_(1) if images.dtype == torch.uint8 else images.float()
