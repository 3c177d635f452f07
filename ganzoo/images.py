"""Pictures from tensors in [-1, 1], and back."""

import errno
from collections.abc import Sequence
from contextlib import nullcontext
from io import BytesIO
from math import ceil
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganzoo.channels import MODES as MODES
from ganzoo.files import replace_file


def to_pil(images: Tensor) -> list[Image.Image]:
    """`(n, channels, height, width)` or `(channels, height, width)` in [-1, 1] -> n pictures of 8 bits.

    One channel is grey, three are RGB, four RGBA. Values outside are clipped; -1 is 0, and 1 is 255.
    """
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4 or images.shape[1] not in MODES:
        raise ValueError(
            f"images are (n, 1, 3 or 4 channels, height, width), not {tuple(images.shape)}"
        )
    # (x + 1) * 127.5 rounded to the nearest of 256 levels
    levels = images.detach().float().add(1).mul(127.5).round().clamp(0, 255).to("cpu", torch.uint8)
    mode = MODES[images.shape[1]]
    arrays = levels.permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(array[..., 0] if mode == "L" else array, mode=None) for array in arrays]


def from_pil(picture: Image.Image) -> Tensor:
    """A picture -> `(channels, height, width)` in [-1, 1]: the inverse of `to_pil`.

    Raises ValueError unless its mode is L, RGB or RGBA.
    """
    return levels(picture).float().div_(127.5).sub_(1)


def levels(picture: Image.Image) -> Tensor:
    """The same, as uint8 from 0 to 255."""
    if picture.mode not in MODES.values():
        modes = ", ".join(MODES.values())
        raise ValueError(f"a picture has the mode {picture.mode}; convert it to one of {modes}")
    array = np.array(picture)
    if array.ndim == 2:
        array = array[..., None]
    return torch.from_numpy(array).permute(2, 0, 1)


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
    return picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.NEAREST
    )


def save_png(picture: Image.Image, path: Path) -> None:
    """Writes a PNG, whatever the name says; like `save_picture`."""
    save_picture(picture, path, "PNG")


def save_picture(picture: Image.Image, path: Path, form: str | None = None) -> None:
    """Writes a picture in the format of its name, or in `form`, complete or not at all.

    Raises OSError if it cannot be written.
    """
    file = BytesIO()
    form = form or Image.registered_extensions().get(path.suffix.lower())
    try:
        picture.save(file, form, quality=95)
    except ValueError as cause:  # too large for the format, says the encoder
        size = f"{picture.width}x{picture.height}"
        raise OSError(errno.EINVAL, f"no {path.suffix} of {size}: {cause}") from cause
    replace_file(path, file.getvalue(), nullcontext)


def confusion(table: Tensor, classes: Sequence[str]) -> Image.Image:
    """A confusion matrix `(true, predicted)` of counts as a picture: rows are true classes, darker is more of a row.

    Above 40 classes only the shades are drawn, without names and numbers.
    """
    shares = table / table.sum(1, keepdim=True).clamp(min=1)
    if len(classes) > 40:
        shades = Image.fromarray((255 - 255 * shares).round().to(torch.uint8).numpy())
        return shades.resize(
            (800, 800), Image.Resampling.NEAREST if len(classes) < 800 else Image.Resampling.BOX
        )
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
            ink, middle = (
                "white" if level > 0.5 else "black",
                (left + cell / 2 - 1, top + cell / 2 - 1),
            )
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
