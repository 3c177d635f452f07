"""Scores of a model on data that it was never trained on, and pictures that explain them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import cross_entropy


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
        matrix = torch.zeros(count * count, dtype=torch.long, device=device) if matrix is None else matrix
        matrix += torch.bincount(labels * count + found.argmax(1), minlength=count * count)
        loss += cross_entropy(found, labels, reduction="sum").item()
    assert matrix is not None
    side = round(len(matrix) ** 0.5)
    table = matrix.view(side, side).cpu()
    total = int(table.sum())
    names = classes or tuple(map(str, range(side)))
    scores = {"accuracy": int(table.diagonal().sum()) / total, "cross_entropy": loss / total}
    return Evaluation(scores, {"confusion.png": confusion(table, names)})


def confusion(table: Tensor, classes: Sequence[str]) -> Image.Image:
    """A confusion matrix `(true, predicted)` of counts as a picture: rows are true classes, darker is more of a row.

    Above 40 classes only the shades are drawn, without names and numbers.
    """
    shares = table / table.sum(1, keepdim=True).clamp(min=1)
    if len(classes) > 40:
        shades = Image.fromarray((255 - 255 * shares).round().to(torch.uint8).numpy())
        return shades.resize((800, 800), Image.Resampling.NEAREST if len(classes) < 800 else Image.Resampling.BOX)
    font = ImageFont.load_default(14)
    names = [name if len(name) <= 20 else name[:19] + "..." for name in classes]
    margin = int(max(font.getlength(name) for name in names)) + 30
    cell = max(28, int(font.getlength(str(int(table.max())))) + 12)
    side = margin + cell * len(classes) + 10
    sheet = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(sheet)
    for row, column in torch.cartesian_prod(*[torch.arange(len(classes))] * 2).view(-1, 2).tolist():
        left, top = margin + column * cell, margin + row * cell
        level = float(shares[row, column])
        fill = tuple(round(255 - level * (255 - dark)) for dark in (8, 48, 107))
        draw.rectangle((left, top, left + cell - 2, top + cell - 2), fill=fill)
        if table[row, column]:
            ink, middle = "white" if level > 0.5 else "black", (left + cell / 2 - 1, top + cell / 2 - 1)
            draw.text(middle, str(int(table[row, column])), fill=ink, font=font, anchor="mm")
    for number, name in enumerate(names):
        centre = margin + number * cell + cell / 2
        draw.text((margin - 6, centre), name, fill="black", font=font, anchor="rm")
        sideways = Image.new("RGB", (margin - 26, 18), "white")
        ImageDraw.Draw(sideways).text((0, 9), name, fill="black", font=font, anchor="lm")
        turned = sideways.rotate(90, expand=True)
        sheet.paste(turned, (int(centre) - 9, margin - 4 - turned.height))
    draw.text((margin, 4), "predicted", fill="grey", font=font)
    draw.text((4, margin - 18), "true", fill="grey", font=font)
    return sheet
