"""Scores of a model on data that it was never trained on, and pictures that explain them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganzoo.images import confusion


@dataclass(frozen=True)
class Evaluation:
    """`scores` by name, of which the first decides what is best (more is better); `pictures` by their file's name."""

    scores: Mapping[str, float]
    pictures: Mapping[str, Image.Image] = field(default_factory=dict)


@torch.no_grad()
def classification(
    logits: Callable[[Tensor], Tensor],
    batches: Iterable[tuple[Tensor, Tensor]],
    classes: Sequence[str],
    device: torch.device,
) -> Evaluation:
    """Accuracy in [0, 1], mean cross-entropy in nats, and the confusion matrix, over labelled batches."""
    matrix: Tensor | None = None
    loss = 0.0
    for images, labels in batches:
        found = logits(images)
        count = found.shape[1]
        matrix = (
            torch.zeros(count * count, dtype=torch.long, device=device)
            if matrix is None
            else matrix
        )
        matrix += torch.bincount(labels * count + found.argmax(1), minlength=count * count)
        loss += cross_entropy(found, labels, reduction="sum").item()
    assert matrix is not None
    side = round(len(matrix) ** 0.5)
    table = matrix.view(side, side).cpu()
    total = int(table.sum())
    names = classes or tuple(map(str, range(side)))
    scores = {"accuracy": int(table.diagonal().sum()) / total, "cross_entropy": loss / total}
    return Evaluation(scores, {"confusion.png": confusion(table, names)})
