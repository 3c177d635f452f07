"""Drawing images from a trained model into files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from ganzoo.errors import UsageError, unknown
from ganzoo.files import writing
from ganzoo.images import grid, save_png, to_pil
from ganzoo.model.contract import Model
from ganzoo.zoo import load


def sample(
    run: Path, *, count: int, seed: int, out: Path, labels: Sequence[str] = (), device: str = "auto"
) -> Iterator[str]:
    """Draws images from a run: one .png of all of them, or a folder with a file of each. Yields what it wrote.

    `labels` are names or numbers of classes, which take turns.
    """
    if out.suffix and out.suffix.lower() != ".png" and not out.is_dir():
        raise UsageError(f"--out {out}: a grid is a .png; anything without an ending is a folder")
    model = load(run, device=device)
    numbers = [class_number(model, label) for label in labels]
    turns = torch.tensor([numbers[i % len(numbers)] for i in range(count)]) if numbers else None
    images = model.sample(count, seed, turns)
    with writing(out):
        if out.suffix.lower() == ".png":
            out.parent.mkdir(parents=True, exist_ok=True)
            save_png(grid(images), out)
            yield f"{out}: {count} images"
            return
        out.mkdir(parents=True, exist_ok=True)
        for i, picture in enumerate(to_pil(images)):
            save_png(picture, out / f"{i:06}.png")
        yield f"{out}: {count} images, 000000.png to {count - 1:06}.png"


def class_number(model: Model, label: str) -> int:
    """The number of a class, by its name or its number. Raises UnknownName, with the closest, for neither."""
    if label in model.classes:
        return model.classes.index(label)
    classes = getattr(model.hp, "classes", None) or 0
    if label.isdecimal() and int(label) < classes:
        return int(label)
    if not classes:
        raise UsageError(f"{model.display_name} draws what it likes: it takes no --label")
    raise unknown("class", label, model.class_names)
