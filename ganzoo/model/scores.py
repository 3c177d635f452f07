"""Scores of a model on validation data, and the pictures that explain them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganzoo.images import confusion


@dataclass(frozen=True)
class Evaluation:
    """`scores` by name, `pictures` by file name.

    The first score decides which weights are best; more is better.
    """

    scores: Mapping[str, float]
    pictures: Mapping[str, Image.Image] = field(default_factory=dict)


@torch.no_grad()
def classification(
    logits: Callable[[Tensor], Tensor],
    batches: Iterable[tuple[Tensor, Tensor]],
    classes: Sequence[str],
    device: torch.device,
) -> Evaluation:
    """Accuracy in [0, 1], mean cross-entropy in nats, and the confusion matrix."""
    matrix = torch.zeros(0, dtype=torch.long, device=device)
    count, loss = 0, 0.0
    for images, labels in batches:
        predicted = logits(images)
        if not count:
            count = predicted.shape[1]
            matrix = matrix.new_zeros(count * count)
        cells = labels * count + predicted.argmax(1)
        matrix += torch.bincount(cells, minlength=count * count)
        loss += cross_entropy(predicted, labels, reduction="sum").item()
    table = matrix.view(count, count).cpu()
    total = int(table.sum())
    accuracy = int(table.diagonal().sum()) / total
    names = classes or tuple(map(str, range(count)))
    scores = {"accuracy": accuracy, "cross_entropy": loss / total}
    return Evaluation(scores, {"confusion.png": confusion(table, names)})
