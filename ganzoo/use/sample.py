"""`ganzoo sample`: draws images with a trained model into files."""

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import torch

from ganzoo.errors import UsageError
from ganzoo.files import writing
from ganzoo.images import grid, save_png, to_pil
from ganzoo.zoo import load


def sample(
    run: str | Path,
    *,
    count: int,
    seed: int,
    out: Path,
    labels: Sequence[str] = (),
    device: str = "auto",
) -> str:
    """Draws images: into one .png, or each into a file of a folder. Returns a line for the user.

    `labels` are names or numbers of classes, drawn in turn. A folder is written batch by batch:
    memory does not grow with `count`.
    """
    is_png = out.suffix.lower() == ".png"
    if out.suffix and not is_png and not out.is_dir():
        raise UsageError(f"--out {out}: a grid is a .png; a name without an ending is a folder")
    model = load(run, device=device)
    turns = list(islice(cycle(labels), count)) or None
    batches = model.sample_batches(count, seed, turns)
    with writing(out):
        folder = out.parent if is_png else out
        folder.mkdir(parents=True, exist_ok=True)
        if is_png:
            save_png(grid(torch.cat(list(batches))), out)
            return f"{out}: {count} images"
        number = 0
        for images in batches:
            for picture in to_pil(images):
                save_png(picture, out / f"{number:06}.png")
                number += 1
    return f"{out}: {count} images, 000000.png to {count - 1:06}.png"
