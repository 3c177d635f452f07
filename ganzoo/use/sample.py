"""`ganzoo sample`: draws images with a trained model into files."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.threads import with_progress
from ganzoo.errors import UsageError, unknown
from ganzoo.files import writing
from ganzoo.images import grid, save_png, to_pil
from ganzoo.model.contract import Model
from ganzoo.zoo import load


def sample(
    run: Path, *, count: int, seed: int, out: Path, labels: Sequence[str] = (), device: str = "auto"
) -> str:
    """Draws images: into one .png, or each into a file of a folder. Returns a line for the user.

    `labels` are names or numbers of classes, drawn in turn. A folder is written batch by batch:
    memory does not grow with `count`.
    """
    is_png = out.suffix.lower() == ".png"
    if out.suffix and not is_png and not out.is_dir():
        raise UsageError(f"--out {out}: a grid is a .png; a name without an ending is a folder")
    model = load(run, device=device)
    batches = model.sample_batches(count, seed, _labels(model, labels, count))
    if is_png:
        sheet = grid(torch.cat(list(batches)))
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            save_png(sheet, out)
        return f"{out}: {count} images"
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        for i, picture in enumerate(with_progress(_pictures(batches), count, f"drawing {out}")):
            save_png(picture, out / f"{i:06}.png")
    return f"{out}: {count} images, 000000.png to {count - 1:06}.png"


def _pictures(batches: Iterable[Tensor]) -> Iterator[Image.Image]:
    for images in batches:
        yield from to_pil(images)


def _labels(model: Model, labels: Sequence[str], count: int) -> Tensor | None:
    if not labels:
        return None
    numbers = torch.tensor([class_number(model, label) for label in labels])
    return numbers[torch.arange(count) % len(numbers)]


def class_number(model: Model, label: str) -> int:
    """The number of a class, from its name or its number.

    Raises UnknownName, with the closest name, if there is no such class.
    """
    if label in model.classes:
        return model.classes.index(label)
    classes = getattr(model.hp, "classes", None) or 0
    if label.isdecimal() and int(label) < classes:
        return int(label)
    if not classes:
        raise UsageError(f"{model.display_name} is unconditional: it takes no --label")
    raise unknown("class", label, model.class_names)
