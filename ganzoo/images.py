"""Tensors in [-1, 1] as pictures."""

import errno
from math import ceil
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def to_pil(images: Tensor) -> list[Image.Image]:
    """`(n, channels, height, width)` or `(channels, height, width)` in [-1, 1] -> n pictures of 8 bits.

    One channel is grey, three are RGB, four RGBA. Values outside are clipped; -1 is 0, and 1 is 255.
    """
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4 or images.shape[1] not in MODES:
        raise ValueError(f"images are (n, 1, 3 or 4 channels, height, width), not {tuple(images.shape)}")
    # (x + 1) * 127.5 rounded to the nearest of 256 levels
    levels = images.detach().float().add(1).mul(127.5).round().clamp(0, 255).to("cpu", torch.uint8)
    mode = MODES[images.shape[1]]
    arrays = levels.permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(array[..., 0] if mode == "L" else array, mode=None) for array in arrays]


def grid(images: Tensor, columns: int = 8, *, margin: int = 2) -> Image.Image:
    """`(n, channels, height, width)` in [-1, 1] -> one picture, row by row, on white."""
    n, _, height, width = images.shape
    columns = max(1, min(columns, n))
    pictures = to_pil(images)
    size = (columns * (width + margin) + margin, ceil(n / columns) * (height + margin) + margin)
    sheet = Image.new(MODES[images.shape[1]], size, "white")
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        sheet.paste(picture, (margin + column * (width + margin), margin + row * (height + margin)))
    return sheet


def enlarged(picture: Image.Image, at_least: int = 512) -> Image.Image:
    """The picture, magnified by a whole factor so that pixels stay pixels and a person can see them."""
    factor = ceil(at_least / max(picture.size))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def save_png(picture: Image.Image, path: Path) -> None:
    """A PNG, whatever the name; like `save_picture`."""
    save_picture(picture, path, "PNG")


def save_picture(picture: Image.Image, path: Path, form: str | None = None) -> None:
    """In the format that the name says, or this one; written aside and renamed: nobody meets half a picture."""
    aside = path.with_name(f".tmp-{path.name}")
    try:
        try:
            picture.save(aside, format=form, quality=95)
        except ValueError as cause:  # what an encoder says of a picture that is too large for its format
            raise OSError(errno.EINVAL, f"no {path.suffix} of {picture.width}x{picture.height}: {cause}") from cause
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
