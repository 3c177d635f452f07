"""DataSummary: what a model may learn of its data before the first step."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.data.batches import Batches

LARGEST = 10_000
"""Images whose mean is taken."""


@dataclass(frozen=True)
class DataSummary:
    """The number of images that are trained on, and of those of each class, by its name.

    `class_counts` is empty if the data have no classes, or if they are not known before each image
    is read.
    """

    images: int
    class_counts: Mapping[str, int]
    batches: Batches

    @classmethod
    def of(cls, batches: Batches) -> "DataSummary":
        data = batches.data
        labels, names = data.class_numbers, data.info.classes
        counts: dict[str, int] = {}
        if labels is not None and names:
            if batches.subset is not None:
                labels = labels[batches.subset.to(labels.device)]
            numbers = labels.bincount(minlength=len(names)).tolist()
            counts = dict(zip(names, numbers, strict=True))
        return cls(batches.total, counts, batches)

    @torch.no_grad()
    def mean(self) -> Tensor:
        """The mean picture `(channels, height, width)` in [-1, 1] of the first 10,000 images.

        Of two domains or of pairs, those of the first.
        """
        total, count = None, 0
        for batch in self.batches.one_epoch():
            images = batch if isinstance(batch, Tensor) else batch[0]
            part = images.double().sum(0)
            total = part if total is None else total + part
            count += len(images)
            if count >= LARGEST:
                break
        assert total is not None
        return (total / count).float()
