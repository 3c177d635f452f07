"""From what an item reads, bytes or a picture, to pixels of one size and mode; faults are named."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from operator import lt
from pathlib import PurePath
from typing import Any, Self
from warnings import catch_warnings, simplefilter

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ganzoo.channels import MODES
from ganzoo.data.source import Item, content
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.hparams.size import Size, sides, size_text

FORMATS = "AVIF BMP DIB GIF ICO JPEG JPEG2000 MPO PNG PPM TIFF WEBP"
"""Pillow's formats that are pixels and nothing else: no EPS, which would start a program."""
TRANSPARENT = ("PA", "La", "LA", "RGBa")
ENLARGED_AT_MOST = 8
"""An image file whose shorter side would have to grow by more than this factor is skipped."""
TURNED = range(2, 9)
"""The EXIF orientations of pictures that are not upright."""
NARROW = 2**14
"""Of 16 bits: pictures of 10, 12 or 14 bits, saved as they are, have no higher level."""
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class ImageNote:
    """A remark about an image that is used all the same: `animated`, `12 frames, ...`."""

    kind: str
    detail: str


Noted = tuple[Image.Image, list[ImageNote]]
"""A picture, and the remarks about it."""


@dataclass(frozen=True)
class Preparation:
    """The settings of a model for its images, from its hyperparameters.

    Images of `load_size` are stored; a batch holds random crops of `image_size`, mirrored at
    random if `flip`.
    """

    image_size: Size
    load_size: Size
    channels: int
    fit: str = "crop"
    flip: bool = False

    @classmethod
    def of(cls, hp: Hparams, info: DataInfo) -> Self:
        """The settings of the model; the data fill what it leaves open."""
        channels = hp.channels or info.channels
        if channels not in MODES:
            raise DataError(f"channels={channels}: choose 1 (grey), 3 (RGB) or 4 (RGBA)")
        size = hp.for_data(info).image_size or info.size
        load_size = hp.stored_size(size)
        if any(map(lt, sides(load_size), sides(size))):
            raise DataError(
                f"load_size={_text(load_size)} is smaller than image_size={_text(size)}, "
                "which is cropped from it"
            )
        return cls(size, load_size, channels, hp.resize, hp.flip)


@contextmanager
def ignore_pillow_warnings() -> Iterator[None]:
    """Hides Pillow's warnings about odd files, which are reported otherwise.

    Put it around the threads that decode, not inside them: filters belong to the whole process.
    """
    with catch_warnings():
        simplefilter("ignore")
        yield


def decoded(item: Item) -> Noted:
    """The item's picture, upright, and what is odd about the file. Raises BadImage."""
    data = content(item)
    if isinstance(data, Image.Image):
        return data, []
    if not data:
        raise BadImage("empty", "the file is empty")
    try:
        return _read_picture(data)
    except BadImage:
        raise
    except UnidentifiedImageError:
        ending = PurePath(item.name).suffix.lower()
        if ending in Image.registered_extensions():
            raise BadImage("corrupt", f"no picture, unlike {ending}") from None
        raise BadImage("not an image", "not a format that is read here") from None
    except Image.DecompressionBombError as cause:
        raise BadImage("decompression bomb", str(cause)) from None
    except MemoryError:
        raise DataError(f"not enough memory to decode {item.name}") from None
    except Exception as cause:  # a damaged file can make a decoder raise anything
        reason = str(cause) or type(cause).__name__
        kind = "truncated" if "truncated" in reason.lower() else "corrupt"
        raise BadImage(kind, reason) from cause


def _read_picture(data: bytes) -> Noted:
    notes = []
    picture = _read_head(data)
    limit = Image.MAX_IMAGE_PIXELS
    if limit and picture.width * picture.height > limit:
        size = f"{picture.width}x{picture.height}"
        raise BadImage("decompression bomb", f"{size} is more than {limit:,} pixels")
    # the other frames of an MPO are a phone's extras
    if picture.format != "MPO" and getattr(picture, "is_animated", False):
        frames = getattr(picture, "n_frames", 2)
        detail = f"{frames} frames, of which the first is used"
        notes.append(ImageNote("animated", detail))
    picture.load()
    orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation in TURNED:
        detail = f"upright by its EXIF orientation {orientation}"
        notes.append(ImageNote("turned", detail))
    return upright(picture), notes


def upright(picture: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation says; the same object if that says nothing."""
    if picture.getexif().get(ExifTags.Base.Orientation) not in TURNED:
        return picture
    result = ImageOps.exif_transpose(picture)
    result.format = picture.format
    return result


def _read_head(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=_formats())


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS.split() if name in Image.OPEN)


def read_size_and_mode(item: Item) -> tuple[tuple[int, int], str] | None:
    """Width and height, and Pillow's mode, from the head of the file; None for a bad image."""
    try:
        data = item.read()
        picture = data if isinstance(data, Image.Image) else _read_head(data)
        return picture.size, picture.mode
    # a decoder can raise anything; packing says what is wrong
    except Exception:
        return None


def converted(picture: Image.Image, channels: int) -> Noted:
    """The picture in grey, RGB or RGBA of 8 bits, by Pillow's own `convert`, with a note about it.

    Of 16 bits the upper 8 are kept, as Pillow does for colours; its `convert` clips grey ones.
    """
    mode, before = MODES[channels], picture.mode
    if before == mode:
        return picture, []
    notes = [ImageNote("converted", f"{before} to {mode}")]
    if before.startswith("I;16") or (before == "I" and picture.format == "PPM"):
        levels = np.asarray(picture)
        low, high = levels.min(), levels.max()
        if high < NARROW:
            detail = (
                f"16 bits, and its levels are {low:,} to {high:,} of 65,535: it is nearly black; "
                "multiply them, or save it with 8 bits"
            )
            notes.append(ImageNote("narrow range", detail))
        upper = levels >> 8
        picture = Image.fromarray(upper.astype(np.uint8))
    elif before in ("I", "F", "LAB"):
        reason = f"mode {before} has an unknown range; save it with 8 bits"
        raise BadImage("unsupported", reason)
    elif before in TRANSPARENT or (before == "P" and "transparency" in picture.info):
        picture = picture.convert("RGBA")
    elif before not in ("1", "L", "P", "RGB", "RGBA"):
        picture = picture.convert("RGB")
    if picture.mode != mode:
        picture = picture.convert(mode)
    return picture, notes


def fitting(picture: Image.Image, preparation: Preparation) -> Noted:
    """The picture in its own size and the wanted mode, if it is large enough."""
    size, text = preparation.load_size, _text(preparation.load_size)
    height, width = sides(size)
    growth = max(height / picture.height, width / picture.width)
    own = f"{picture.width}x{picture.height}"
    # pictures that a source draws have no format, and may be small
    if growth > ENLARGED_AT_MOST and picture.format:
        name = "image_size" if size == preparation.image_size else "load_size"
        raise BadImage("too small", f"{own} would grow more than eightfold to {name}={text}")
    result, notes = converted(picture, preparation.channels)
    if growth > 1:
        notes.insert(0, ImageNote("enlarged", f"{own} to {text}"))
    return result, notes


def pixels(item: Item, preparation: Preparation) -> Pixels:
    """`(channels, height, width)` of load_size, uint8, antialiased where it shrinks.

    Raises BadImage.
    """
    picture, _ = decoded(item)
    return picture_pixels(picture, preparation)


def picture_pixels(picture: Image.Image, preparation: Preparation) -> Pixels:
    """The same, of a picture that is decoded."""
    picture, _ = fitting(picture, preparation)
    fitted = resized(picture, preparation.load_size, preparation.fit)
    array = np.atleast_3d(np.asarray(fitted))
    return np.ascontiguousarray(array.transpose(2, 0, 1))


def resized(picture: Image.Image, size: Size, fit: str) -> Image.Image:
    """The picture in this size: `crop` takes its middle, `stretch` keeps all, `pad` adds black.

    Bicubic with antialiasing; a picture that shrinks fourfold or more is first averaged over whole
    pixels (Pillow's `reducing_gap=2`), which halves the time and changes levels by less than one on
    average.
    """
    width, height = picture.size
    rows, columns = sides(size)
    if (width, height) == (columns, rows):
        return picture
    bicubic = Image.Resampling.BICUBIC
    if fit == "pad":
        scale = min(columns / width, rows / height)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        whole = Image.new(picture.mode, (columns, rows))
        corner = (columns - inner[0]) // 2, (rows - inner[1]) // 2
        shrunk = picture.resize(inner, bicubic, reducing_gap=2.0)
        whole.paste(shrunk, corner)
        return whole
    box = _middle(width, height, columns / rows) if fit == "crop" else None
    return picture.resize((columns, rows), bicubic, box, reducing_gap=2.0)


def _middle(width: int, height: int, aspect: float) -> tuple[float, float, float, float]:
    """The largest box of this width to height in the middle."""
    inner_width, inner_height = min(width, height * aspect), min(height, width / aspect)
    left, top = (width - inner_width) / 2, (height - inner_height) / 2
    return left, top, left + inner_width, top + inner_height


def _text(size: Size) -> str:
    return str(size) if isinstance(size, int) else size_text(size)
