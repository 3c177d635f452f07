"""Scores of a model on validation data, and the pictures that explain them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganzoo.errors import PluginError
from ganzoo.images import confusion


@dataclass(frozen=True)
class Evaluation:
    """`scores` by name, `pictures` by file name.

    The first score decides which weights are best; `better` says whether a "higher" or a "lower"
    one is. `by_class` is that score for each class that has images.
    """

    scores: Mapping[str, float]
    pictures: Mapping[str, Image.Image] = field(default_factory=dict)
    by_class: Mapping[str, float] = field(default_factory=dict)
    better: Literal["higher", "lower"] = "higher"

    def __post_init__(self) -> None:
        if self.better not in ("higher", "lower"):
            raise PluginError(f"better={self.better!r}: a score is better 'higher' or 'lower'")


@torch.no_grad()
def classification(
    logits: Callable[[Tensor], Tensor],
    batches: Iterable[tuple[Tensor, Tensor]],
    classes: Sequence[str],
) -> Evaluation:
    """Accuracy in [0, 1], also of each class; mean cross-entropy in nats; the confusion matrix."""
    cells, count, loss = [], 0, 0.0
    for images, labels in batches:
        predicted = logits(images)
        count = predicted.shape[1]
        cells.append(labels * count + predicted.argmax(1))
        loss += cross_entropy(predicted, labels, reduction="sum").item()
    counts = torch.cat(cells).bincount(minlength=count * count)
    table = counts.view(count, count).cpu()
    total = int(table.sum())
    accuracy = int(table.trace()) / total
    scores = {"accuracy": accuracy, "cross_entropy": loss / total}
    names = classes or tuple(map(str, range(count)))
    by_class = {}
    for name, row, right in zip(names, table.sum(1), table.diag(), strict=True):
        if row:
            by_class[name] = int(right) / int(row)
    return Evaluation(scores, {"confusion.png": confusion(table, names)}, by_class)
