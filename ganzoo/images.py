"""Pictures from tensors in [-1, 1], and back."""

import errno
from collections.abc import Sequence
from contextlib import nullcontext
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ExifTags, Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

from ganzoo.channels import MODES as MODES
from ganzoo.errors import DataError
from ganzoo.files import replace_file

MARGIN = 2
"""Pixels between the images of a grid."""
DARK = (8, 48, 107)
"""The colour of the largest share in a confusion matrix."""


def to_pil(images: Tensor) -> list[Image.Image]:
    """`(n, channels, height, width)` or one image without n, in [-1, 1] -> n pictures of 8 bits.

    One channel is grey, three are RGB, four RGBA. -1 becomes 0, and 1 becomes 255; values outside
    are clipped. uint8 is taken as it is. Raises DataError for anything else.
    """
    if not isinstance(images, Tensor):
        raise DataError(f"to_pil takes a tensor of images, not {type(images).__name__}")
    if images.ndim == 3:
        images = images[None]
    shape = tuple(images.shape)
    if images.ndim != 4 or shape[1] not in MODES:
        expected = "(n, 1, 3 or 4 channels, height, width)"
        raise DataError(f"images are {expected}, not {shape}")
    if images.dtype != torch.uint8:
        # (x + 1) * 127.5 rounded to the nearest of 256 levels
        scaled = (images.detach().float() + 1) * 127.5
        images = scaled.round().clamp(0, 255)
    pixels = images.to("cpu", torch.uint8)
    arrays = pixels.permute(0, 2, 3, 1).numpy()
    if shape[1] == 1:
        arrays = arrays[..., 0]
    return [Image.fromarray(array) for array in arrays]


def from_pil(picture: Image.Image) -> Tensor:
    """A picture -> `(channels, height, width)` in [-1, 1]: the inverse of `to_pil`.

    Raises DataError unless its mode is L, RGB or RGBA.
    """
    if not isinstance(picture, Image.Image):
        raise DataError(f"from_pil takes one picture of Pillow, not {type(picture).__name__}")
    return levels(picture).float().div_(127.5).sub_(1)


def levels(picture: Image.Image) -> Tensor:
    """The same, as uint8 from 0 to 255."""
    if picture.mode not in MODES.values():
        modes = ", ".join(MODES.values())
        raise DataError(f"mode {picture.mode}: convert the picture to one of {modes}")
    array = np.atleast_3d(np.array(picture))
    return torch.from_numpy(array).permute(2, 0, 1)


def grid(images: Tensor, columns: int = 8) -> Image.Image:
    """`(n, channels, height, width)` in [-1, 1] -> one picture, row by row, on white."""
    return sheet(to_pil(images), columns)


def sheet(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size and mode as one picture, row by row, on white."""
    first, n = pictures[0], len(pictures)
    columns = min(columns, n)
    rows = ceil(n / columns)
    across, down = first.width + MARGIN, first.height + MARGIN
    size = columns * across + MARGIN, rows * down + MARGIN
    result = Image.new(first.mode, size, "white")
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        corner = MARGIN + column * across, MARGIN + row * down
        result.paste(picture, corner)
    return result


def enlarged(
    picture: Image.Image,
    at_least: int = 512,
) -> Image.Image:
    """The picture, magnified by a whole factor: pixels stay pixels, and a person can see them."""
    factor = ceil(at_least / max(picture.size))
    return ImageOps.scale(picture, factor, Image.Resampling.NEAREST)


def save_png(
    picture: Image.Image,
    path: Path,
    *,
    software: str | None = None,
    description: str | None = None,
) -> None:
    """Writes a PNG, whatever the name says; like `save_picture`."""
    save_picture(picture, path, "PNG", software=software, description=description)


def save_picture(
    picture: Image.Image,
    path: Path,
    form: str | None = None,
    *,
    software: str | None = None,
    description: str | None = None,
) -> None:
    """Writes a picture in the format of its name, or in `form`, complete or not at all.

    `software` and `description` are what the file says of its origin (EXIF); BMP cannot. Raises
    OSError if it cannot be written.
    """
    file = BytesIO()
    known = Image.registered_extensions()
    form = form or known.get(path.suffix.lower())
    options: dict[str, Any] = {"quality": 95}
    if software:
        options["exif"] = Image.Exif()
        options["exif"][ExifTags.Base.Software] = software
        if description:
            options["exif"][ExifTags.Base.ImageDescription] = description
    try:
        picture.save(file, form, **options)
    # too large for the format, says the encoder
    except ValueError as cause:
        size = f"{picture.width}x{picture.height}"
        text = f"no {path.suffix} of {size}: {cause}"
        raise OSError(errno.EINVAL, text) from cause
    replace_file(path, file.getvalue(), nullcontext)


def software_of(path: Path) -> str | None:
    """What a file that `save_picture` wrote says of its origin; None for any other file."""
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP", "TIFF")) as picture:
            return picture.getexif().get(ExifTags.Base.Software)
    # anything may lie there
    except Exception:
        return None


def confusion(
    table: Tensor,
    classes: Sequence[str],
) -> Image.Image:
    """A confusion matrix `(true, predicted)` of counts as a picture: the darker, the more of a row.

    Right of a row stands its share that is right. Above 40 classes only the shades are drawn,
    without names and numbers.
    """
    shares = table / table.sum(1, keepdim=True).clamp(min=1)
    grey = (255 - 255 * shares).round().to(torch.uint8)
    picture = Image.fromarray(grey.numpy())
    shades = ImageOps.colorize(picture, DARK, "white")
    if len(classes) > 40:
        return shades.resize((800, 800), Image.Resampling.BOX)
    font = ImageFont.load_default(14)
    names = [name[:20] for name in classes]
    margin = 30 + int(max(map(font.getlength, names)))
    digits = len(str(int(table.max())))
    cell = max(28, 12 + 8 * digits)
    shades = ImageOps.scale(shades, cell, Image.Resampling.NEAREST)
    side = margin + shades.width + 10
    sheet = Image.new("RGB", (side + 40, side), "white")
    sheet.paste(shades, (margin, margin))
    draw = ImageDraw.Draw(sheet)
    draw.font = font
    middles = [margin + cell * (i + 0.5) for i in range(len(names))]
    for row, column in table.nonzero().tolist():
        ink = "white" if shares[row, column] > 0.5 else "black"
        place = middles[column], middles[row]
        count = str(int(table[row, column]))
        draw.text(place, count, fill=ink, anchor="mm")
    for row, (middle, name) in enumerate(zip(middles, names, strict=True)):
        draw.text((4, middle), name, fill="black", anchor="lm")
        if table[row].any():
            draw.text((side, middle), f"{shares[row, row]:.0%}", fill="grey", anchor="lm")
    # the names of the columns are those of the rows, turned
    rows = sheet.crop((0, margin, margin, side))
    sheet.paste(rows.rotate(90, expand=True), (margin, 0))
    draw.text((margin, 4), "predicted", fill="grey")
    draw.text((4, margin - 18), "true", fill="grey")
    return sheet
