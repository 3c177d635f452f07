"""Batches: an endless sequence of them, each a function of (seed, number) alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.images import Batch, Images
from ganzoo.data.open import Data
from ganzoo.data.sampler import SequentialSampler, ShuffledSampler
from ganzoo.data.views import view_of
from ganzoo.errors import DataError
from ganzoo.hparams.size import Size, sides
from ganzoo.seeds import rng


@dataclass
class Batches:
    """`batches[i]` is the i-th batch on the device, in the form of `view`.

    Each domain has an order of its own. Crops and mirrorings are drawn for the whole batch, of
    which each of `ranks` processes takes its part; `batch_size` is that of all processes together.
    `subset` are the indices of the images that take part; None: all of them.
    """

    data: Data
    view: Any
    batch_size: int
    seed: int
    device: torch.device
    subset: Tensor | None = None
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        self._view = view_of(self.view)
        for part in self.data.parts:
            part.move(self.device)
        if self.ranks > self.batch_size:
            raise DataError(
                f"a batch of {self.batch_size} cannot be split among {self.ranks} processes"
            )

    def __getitem__(self, number: int) -> Any:
        parts = range(len(self.data.parts))
        return self._view.batch([self._varied(part, number) for part in parts])

    def one_epoch(self) -> Iterator[Any]:
        """Every image once, in its own order, its middle and not mirrored: to measure scores."""
        orders = self._samplers(SequentialSampler)
        size = self.data.preparation.image_size
        longest = max(len(order.subset) for order in orders)
        for number in range(ceil(longest / self.batch_size)):
            batches: list[Batch] = []
            for part, order in zip(self.data.parts, orders, strict=True):
                images, labels = self._fetch(part, order, number)
                # the last batch starts over
                count = (order[number].epochs == 0).sum()
                images = centred(images[:count], size)
                if labels is not None:
                    labels = labels[:count]
                batches.append((scaled(images), labels))
            yield self._view.batch(batches)

    @property
    def total(self) -> int:
        """The number of images."""
        return len(self.data if self.subset is None else self.subset)

    def preview_batch(self, count: int = 8) -> Any:
        """The first batches as one, of at least `count` images."""
        numbers = range(ceil(count / self.batch_size))
        batches = [self[number] for number in numbers]
        if isinstance(batches[0], Tensor):
            return torch.cat(batches)
        return type(batches[0])(*map(torch.cat, zip(*batches, strict=True)))

    @cached_property
    def orders(self) -> list[ShuffledSampler]:
        """The order of each part of the data."""
        return self._samplers(ShuffledSampler)

    def _samplers(self, kind: type[ShuffledSampler]) -> list[ShuffledSampler]:
        samplers = []
        for number, part in enumerate(self.data.parts):
            subset = self.subset
            if subset is None:
                subset = torch.arange(len(part))
            name = f"order{number}" if number else "order"
            sampler = kind(
                subset,
                self.batch_size,
                self.seed,
                name,
                self.rank,
                self.ranks,
            )
            samplers.append(sampler)
        return samplers

    def _fetch(self, part: Images, order: ShuffledSampler, number: int) -> Batch:
        images, labels = part.fetch(order, number)
        if self.device.type == "cuda" and images.device.type == "cpu":
            images = images.pin_memory()  # so that the GPU does not wait for it
        images = images.to(self.device, non_blocking=True)
        return images, None if labels is None else labels.to(self.device)

    def _varied(self, part: int, number: int) -> Batch:
        """`(n, channels, image_size, image_size)` in [-1, 1], and labels.

        Images are cropped and mirrored at random.
        """
        order = self.orders[part]
        images, labels = self._fetch(self.data.parts[part], order, number)
        preparation = self.data.preparation
        size = preparation.image_size
        smaller = size != preparation.load_size
        if smaller or preparation.flip:
            generator = rng("crop", self.seed, number, part)
            draws = torch.rand(3, self.batch_size, generator=generator)
            rows, columns, mirrored = draws[:, order.local]
            if smaller:
                images = cropped(images, rows, columns, size)
            if preparation.flip:
                images = flipped(images, mirrored)
        return scaled(images), labels


def cropped(images: Tensor, rows: Tensor, columns: Tensor, size: Size) -> Tensor:
    """`(n, channels, *sides(size))`: a part of each image.

    Uniform draws `(n,)` in [0, 1), on the CPU, decide its place.
    """
    height, width = images.shape[-2:]
    tall, wide = sides(size)
    # slices cost a twentieth of gathering by index, and the draws make no GPU wait
    tops = (rows * (height - tall + 1)).int().tolist()
    lefts = (columns * (width - wide + 1)).int().tolist()
    crops = []
    for image, top, left in zip(images, tops, lefts, strict=True):
        crops.append(image[:, top : top + tall, left : left + wide])
    return torch.stack(crops)


def centred(images: Tensor, size: Size) -> Tensor:
    """The middle of each image."""
    height, width = images.shape[-2:]
    tall, wide = sides(size)
    top, left = (height - tall) // 2, (width - wide) // 2
    return images[..., top : top + tall, left : left + wide]


def flipped(images: Tensor, draws: Tensor) -> Tensor:
    """Mirrored left to right where a uniform draw of `(n,)` is below one half."""
    mirrored = (draws < 0.5).to(images.device, non_blocking=True)
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def scaled(images: Tensor) -> Tensor:
    """uint8 0..255 -> floats -1..1; floats as they are."""
    if images.dtype == torch.uint8:
        return images.float().div_(127.5).sub_(1)
    return images.float()
