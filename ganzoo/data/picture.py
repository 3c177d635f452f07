"""From what an item gives, bytes or a picture, to pixels of one size and mode; what cannot be used says why."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import PurePath
from typing import Any, Self
from warnings import catch_warnings, simplefilter

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ganzoo.data.source import Item, content
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.images import MODES

FORMATS = (
    "AVIF",
    "BMP",
    "DIB",
    "GIF",
    "ICO",
    "JPEG",
    "JPEG2000",
    "MPO",
    "PNG",
    "PPM",
    "TIFF",
    "WEBP",
)
"""Those of Pillow's that are pixels and nothing else: no EPS, which would start a program."""
ENLARGED_AT_MOST = 8
"""An image file whose shorter side would have to grow more than this is too small to be of use."""
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class ImageNote:
    """What was found about an image that is used all the same: `animated`, `12 frames, of which the first`."""

    kind: str
    detail: str


@dataclass(frozen=True)
class Preparation:
    """What a model wants of every image, by its hyperparameters: what is stored, and what a batch makes of it.

    Stored are squares of `load_size`; a batch holds random crops of `image_size`, mirrored at random if `flip`.
    """

    image_size: int
    load_size: int
    channels: int
    fit: str = "crop"
    flip: bool = False

    @classmethod
    def of(cls, hp: Hparams, info: DataInfo) -> Self:
        """The model's, and where it leaves something open, the data's own."""
        channels = hp.channels or info.channels
        if channels not in MODES:
            raise DataError(f"channels={channels}: pictures have 1 (grey), 3 (RGB) or 4 (RGBA)")
        size = hp.for_data(info).image_size or info.size
        load_size = hp.load_size or size
        if load_size < size:
            raise DataError(
                f"load_size={load_size} is smaller than image_size={size}, which is cropped from it"
            )
        return cls(size, load_size, channels, hp.resize, hp.flip)

    @property
    def stored(self) -> dict[str, Any]:
        """What the stored pixels depend on."""
        return {"load_size": self.load_size, "channels": self.channels, "fit": self.fit}


@contextmanager
def ignore_pillow_warnings() -> Iterator[None]:
    """Pillow's warnings about odd files are ours to report; around the threads that decode, not inside them."""
    with catch_warnings():
        simplefilter("ignore")
        yield


def decoded(item: Item) -> tuple[Image.Image, list[ImageNote]]:
    """The item's picture, upright, and what is odd about the file. Raises BadImage when there is none to be had."""
    found = content(item)
    if isinstance(found, Image.Image):
        return found, []
    if not found:
        raise BadImage("empty", "the file is empty")
    try:
        return _opened(found)
    except BadImage:
        raise
    except UnidentifiedImageError:
        if PurePath(item.name).suffix.lower() in Image.registered_extensions():
            raise BadImage("corrupt", "its content is no picture, whatever its name says") from None
        raise BadImage("not an image", "no image format that is read here") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as cause:
        raise BadImage("decompression bomb", str(cause)) from None
    except MemoryError:
        raise DataError(f"there is not enough memory to decode {item.name}") from None
    except Exception as cause:  # a damaged file can make a decoder raise anything at all
        kind = "truncated" if "truncated" in str(cause).lower() else "corrupt"
        raise BadImage(kind, str(cause) or type(cause).__name__) from cause


def read_size_and_mode(item: Item) -> tuple[tuple[int, int], str] | None:
    """Width and height, and Pillow's mode, from the head of the file; None when it is no picture."""
    try:
        content = item.read()
        picture = (
            content
            if isinstance(content, Image.Image)
            else Image.open(io.BytesIO(content), formats=_formats())
        )
        return picture.size, picture.mode
    except Exception:  # a damaged file can make a decoder raise anything at all; packing says what is wrong with it
        return None


def _opened(content: bytes) -> tuple[Image.Image, list[ImageNote]]:
    notes = []
    picture: Image.Image = Image.open(io.BytesIO(content), formats=_formats())
    most = Image.MAX_IMAGE_PIXELS
    if most and picture.width * picture.height > most:
        raise BadImage(
            "decompression bomb", f"{picture.width}x{picture.height} is more than {most:,} pixels"
        )
    if picture.format != "MPO" and getattr(
        picture, "is_animated", False
    ):  # an MPO's others are a phone's extras
        notes.append(
            ImageNote(
                "animated", f"{getattr(picture, 'n_frames', 2)} frames, of which the first is used"
            )
        )
    picture.load()
    turned = picture.getexif().get(ExifTags.Base.Orientation, 1)
    if turned in range(2, 9):
        picture, kept = ImageOps.exif_transpose(picture), picture.format
        picture.format = kept
        notes.append(ImageNote("turned", f"upright by its EXIF orientation {turned}"))
    return picture, notes


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def converted(picture: Image.Image, channels: int) -> tuple[Image.Image, list[ImageNote]]:
    """The picture in grey, RGB or RGBA of 8 bits, as Pillow's own `convert` gives it, and what that meant.

    Of 16 bits the upper 8 are kept, which is what Pillow does for colours; its `convert` clips grey ones instead.
    """
    mode, before = MODES[channels], picture.mode
    if before == mode:
        return picture, []
    if before.startswith("I;16") or (before == "I" and picture.format == "PPM"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    elif before in ("I", "F", "LAB"):
        raise BadImage(
            "unsupported",
            f"pixels of mode {before} have no range that is known; save it with 8 bits",
        )
    elif before == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    elif before not in ("1", "L", "P", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if before in ("PA", "La", "LA", "RGBa") else "RGB")
    note = ImageNote("converted", f"{before} to {mode}")
    return (picture if picture.mode == mode else picture.convert(mode)), [note]


def checked_and_converted(
    picture: Image.Image, channels: int, size: int
) -> tuple[Image.Image, list[ImageNote]]:
    """The picture in its own size and the mode that is wanted, if it is large enough to be shown at `size`."""
    notes, shorter = [], min(picture.size)
    if shorter * ENLARGED_AT_MOST < size and picture.format:  # a source's own pictures have none
        raise BadImage(
            "too small",
            f"{picture.width}x{picture.height} would grow more than eightfold to {size}",
        )
    if shorter < size:
        notes.append(ImageNote("enlarged", f"{picture.width}x{picture.height} to {size}"))
    picture, more = converted(picture, channels)
    return picture, notes + more


def pixels(item: Item, preparation: Preparation) -> Pixels:
    """`(channels, load_size, load_size)` uint8, antialiased where it shrinks. Raises BadImage."""
    picture, _ = decoded(item)
    picture, _ = checked_and_converted(picture, preparation.channels, preparation.load_size)
    array = np.asarray(resized(picture, preparation.load_size, preparation.fit))
    return np.ascontiguousarray(array[None] if array.ndim == 2 else array.transpose(2, 0, 1))


def resized(picture: Image.Image, size: int, fit: str) -> Image.Image:
    """A square of this size: `crop` takes the middle square, `stretch` keeps all, `pad` adds black.

    Bicubic with antialiasing; what shrinks fourfold or more is first averaged over whole pixels (Pillow's
    `reducing_gap=2`), which halves the time and changes levels by less than one on average.
    """
    width, height = picture.size
    if width == height == size:
        return picture
    shrink = partial(picture.resize, resample=Image.Resampling.BICUBIC, reducing_gap=2.0)
    if fit == "stretch":
        return shrink((size, size))
    if fit == "pad":
        scale = size / max(width, height)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        square = Image.new(picture.mode, (size, size))
        square.paste(shrink(inner), ((size - inner[0]) // 2, (size - inner[1]) // 2))
        return square
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return shrink((size, size), box=(left, top, left + side, top + side))
