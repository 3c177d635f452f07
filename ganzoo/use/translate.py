"""Translating picture files, of any sizes, with a trained model."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganzoo.data.picture import converted, decoded, ignore_pillow_warnings
from ganzoo.data.source import Item
from ganzoo.data.threads import with_progress
from ganzoo.errors import BadImage, DataError, Unsupported, UsageError
from ganzoo.files import is_inside, writing
from ganzoo.images import MODES, save_picture, to_pil
from ganzoo.model.contract import Model
from ganzoo.use.classify import pictures
from ganzoo.zoo import load

SAVED = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""Endings that a translation keeps; to others `.png` is added."""


def translate(
    run: Path,
    source: Path,
    out: Path,
    *,
    direction: str | None,
    max_side: int | None,
    device: str = "auto",
) -> Iterator[str]:
    """Translates a file, or every image below a folder under its own name. Yields a line for each that it could not.

    Raises DataError for a file that is no picture, and when nothing in the folder is.
    """
    model = load(run, device=device)
    direction = model.checked_direction(direction)
    channels = getattr(model.hp, "channels", None)
    if channels not in MODES:
        raise Unsupported(
            f"{model.display_name} has no hyperparameter channels that says of what mode its pictures are"
        )
    try:
        targets = _targets(source, out, channels)
    except OSError as cause:
        raise UsageError(f"{source} cannot be translated into {out}: {cause.strerror}") from None
    done, notes = 0, Counter[str]()
    for item, target in with_progress(iter(targets), len(targets), f"translating {source}"):
        try:
            picture, found = _translated(model, item, direction, max_side, channels)
        except BadImage as cause:
            if source.is_file():
                raise DataError(f"{source} cannot be translated ({cause.kind}): {cause}") from None
            yield f"skipped {item.name}, {cause.kind}: {cause}"
            continue
        with writing(target, otherwise="choose another OUT"):
            target.parent.mkdir(parents=True, exist_ok=True)
            save_picture(picture, target)
        notes.update(found)
        done += 1
    if not done:
        raise DataError(f"{source} has no pictures that can be translated")
    before = (
        f" ({', '.join(f'{count} {kind} before' for kind, count in notes.items())})"
        if notes
        else ""
    )
    yield f"{done} of {len(targets)} translated {direction} into {out}{before}"


def _targets(source: Path, out: Path, channels: int) -> list[tuple[Item, Path]]:
    """What is translated, and into which file. Raises UsageError when a file would take the place of another."""
    if source.is_file():
        target = out if out.suffix and not out.is_dir() else out / _named(source.name, channels)
        if _named(target.name, channels) != target.name:
            raise UsageError(
                f"{target}: such pictures are written as {', '.join(SAVED)}; JPEG and BMP without alpha"
            )
        if target.exists() and target.samefile(source):
            raise UsageError(
                f"{target} would take the place of what is translated: choose another OUT"
            )
        return [(item, target) for item in pictures(source)]
    items = pictures(source)
    if out.resolve() == source.resolve() or is_inside(out, source):
        raise UsageError(
            f"{out} lies inside {source}, and would take the place of what is translated: choose another"
        )
    targets = [(item, out / _named(item.name, channels)) for item in items]
    if twice := next(
        (path for path, count in Counter(path for _, path in targets).items() if count > 1), None
    ):
        raise UsageError(
            f"two pictures of {source} would be written into {twice}: rename one of them"
        )
    return targets


def _named(name: str, channels: int) -> str:
    """The name of the translation; `.png` is added where the ending is of no format that can hold it."""
    kept = name.lower().endswith(SAVED) and not (
        channels == 4 and name.lower().endswith((".jpg", ".jpeg", ".bmp"))
    )
    return name if kept else f"{name}.png"


def _translated(
    model: Model, item: Item, direction: str, max_side: int | None, channels: int
) -> tuple[Image.Image, set[str]]:
    with ignore_pillow_warnings():
        picture, notes = decoded(item)
        picture, more = converted(picture, channels)
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
        raise BadImage(
            "too large", f"{size} does not fit into memory; --max-side PIXELS shrinks it first"
        ) from cause
    return to_pil(made)[0], {note.kind for note in notes + more}
