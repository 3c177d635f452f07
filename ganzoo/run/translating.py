"""Translating picture files, of any sizes, with a trained model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganzoo.data.files import Folder
from ganzoo.data.picture import converted, decoded, quiet
from ganzoo.data.source import Item
from ganzoo.data.threads import shown
from ganzoo.errors import BadImage, DataError, UsageError
from ganzoo.files import writing
from ganzoo.images import save_picture, to_pil
from ganzoo.model import Model
from ganzoo.zoo import load

SAVED = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""Endings that a translation keeps; to others `.png` is added."""


def translate(
    run: Path, source: Path, out: Path, *, direction: str | None, max_side: int | None, device: str = "auto"
) -> Iterator[str]:
    """Translates a file, or every image below a folder under its own name. Yields a line for each that it could not.

    Raises DataError for a file that is no picture, and when nothing in the folder is.
    """
    model = load(run, device=device)
    direction = model.checked_direction(direction)
    if not source.exists():
        raise DataError(f"there is no file or folder {source}")
    single = source.is_file()
    items = [Item(source.name, source.read_bytes)] if single else list(Folder(str(source)).items())
    done = 0
    for item in shown(iter(items), len(items), f"translating {source}"):
        target = out if single and not out.is_dir() and out.suffix else out / _named(item.name, model)
        if target.suffix.lower() not in SAVED:
            raise UsageError(f"{target}: pictures are written as {', '.join(SAVED)}")
        if target.exists() and target.samefile(source if single else source / item.name):
            raise UsageError(f"{target} would take the place of what is translated: choose another OUT")
        try:
            picture = _translated(model, item, direction, max_side)
        except BadImage as cause:
            if single:
                raise DataError(f"{source} cannot be translated ({cause.kind}): {cause}") from None
            yield f"skipped {item.name}, {cause.kind}: {cause}"
            continue
        with writing(target, otherwise="choose another OUT"):
            target.parent.mkdir(parents=True, exist_ok=True)
            save_picture(picture, target)
        done += 1
    if not done:
        raise DataError(f"{source} has no pictures that can be translated")
    yield f"{done} of {len(items)} translated {direction} into {out}" if not single else f"{target}: {direction}"


def _named(name: str, model: Model) -> str:
    transparent = getattr(model.hp, "channels", 3) == 4
    kept = name.lower().endswith(SAVED) and not (transparent and name.lower().endswith((".jpg", ".jpeg", ".bmp")))
    return name if kept else f"{name}.png"


def _translated(model: Model, item: Item, direction: str, max_side: int | None) -> Image.Image:
    with quiet():
        picture, _ = decoded(item)
        picture, _ = converted(picture, getattr(model.hp, "channels", 3))
    if max_side and max(picture.size) > max_side:
        picture.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    pixels = np.asarray(picture)
    array = torch.from_numpy(pixels.copy() if pixels.ndim == 3 else pixels[..., None].copy())
    try:
        made = model.translate(array.permute(2, 0, 1)[None].float() / 127.5 - 1, direction)
    except RuntimeError as cause:
        if "memory" not in str(cause):  # torch has a type of error for this on a GPU only
            raise
        size = f"{picture.width}x{picture.height}"
        raise BadImage("too large", f"{size} does not fit into memory; --max-side PIXELS shrinks it first") from cause
    return to_pil(made)[0]
