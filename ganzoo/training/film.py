"""The film of a training: the pictures of its timeline as one animated WebP."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from ganzoo.errors import StateError

SIDE = 512
"""The longer side of the film, in pixels."""
LARGEST = 2 * 2**20
"""Bytes. A film that would be larger is made smaller."""
SHOWN = 250
"""Milliseconds that a picture is shown."""
SHOWN_LAST = 3000


def film(pictures: Iterable[Path]) -> bytes:
    """An animated WebP of one picture or more, which starts again at its end.

    Raises StateError for a picture that cannot be read.
    """
    frames = [_read(path) for path in pictures]
    side = SIDE
    encoded = _encoded(frames, side)
    while len(encoded) > LARGEST:
        side = side * 3 // 4
        encoded = _encoded(frames, side)
    return encoded


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture
    except OSError as cause:
        way_out = "delete it, and run the same command again"
        raise StateError(f"{path} is damaged: {way_out}") from cause


def _encoded(frames: list[Image.Image], side: int) -> bytes:
    last = frames[-1]
    if max(last.size) > side:
        last = ImageOps.contain(last, (side, side))
    scaled = []
    for frame in frames:
        # all frames of a film have one size and one mode
        scaled.append(frame.convert(last.mode).resize(last.size))
    durations = [SHOWN] * len(frames)
    durations[-1] = SHOWN_LAST
    file = BytesIO()
    scaled[0].save(
        file,
        "WEBP",
        save_all=True,
        append_images=scaled[1:],
        duration=durations,
        loop=0,
        quality=80,
    )
    return file.getvalue()
