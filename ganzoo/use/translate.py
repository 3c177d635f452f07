"""`ganzoo translate`: picture files of any sizes, translated by a trained model."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ganzoo.data.files import pictures
from ganzoo.data.picture import converted, decoded, ignore_pillow_warnings
from ganzoo.data.source import Item
from ganzoo.data.threads import with_progress
from ganzoo.errors import BadImage, DataError, Unsupported, UsageError
from ganzoo.files import is_inside, writing
from ganzoo.images import MODES, from_pil, save_picture, to_pil
from ganzoo.model.contract import Model
from ganzoo.zoo import load

SAVED = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""Endings that a translation keeps; `.png` is added to other names."""
NO_ALPHA = (".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True)
class Translator:
    """A trained model with the options of the command."""

    model: Model
    direction: str
    channels: int
    max_side: int | None

    def translate(self, item: Item) -> tuple[Image.Image, set[str]]:
        """The translation, and the kinds of notes on the picture, such as `converted`."""
        with ignore_pillow_warnings():
            picture, notes = decoded(item)
            picture, more_notes = converted(picture, self.channels)
        if self.max_side and max(picture.size) > self.max_side:
            picture.thumbnail((self.max_side, self.max_side), Image.Resampling.BICUBIC)
        try:
            images = self.model.translate(from_pil(picture)[None], self.direction)
        except RuntimeError as cause:
            if "memory" not in str(cause):  # torch has a type of error for this on a GPU only
                raise
            size = f"{picture.width}x{picture.height}"
            raise BadImage(
                "too large", f"{size} does not fit into memory: shrink it with --max-side PIXELS"
            ) from cause
        return to_pil(images)[0], {note.kind for note in notes + more_notes}


def translate(
    run: Path,
    source: Path,
    out: Path,
    *,
    direction: str | None,
    max_side: int | None,
    device: str = "auto",
) -> Iterator[str]:
    """Translates a file, or every image below a folder under its own name.

    Yields a line "skipped ..." for each unusable picture, then a summary. Raises DataError if
    the file is not a picture, or nothing in the folder is.
    """
    model = load(run, device=device)
    direction = model.checked_direction(direction)
    channels = getattr(model.hp, "channels", None)
    if channels not in MODES:
        raise Unsupported(
            f"{model.display_name} has no hyperparameter channels, the mode of its pictures"
        )
    translator = Translator(model, direction, channels, max_side)
    try:
        targets = _targets(source, out, channels)
    except OSError as cause:
        raise UsageError(f"{source} cannot be translated into {out}: {cause.strerror}") from None
    done = 0
    notes = Counter[str]()
    for item, target in with_progress(iter(targets), len(targets), f"translating {source}"):
        try:
            picture, kinds = translator.translate(item)
        except BadImage as cause:
            if source.is_file():
                raise DataError(f"{source} cannot be translated ({cause.kind}): {cause}") from None
            yield f"skipped {item.name}, {cause.kind}: {cause}"
            continue
        with writing(target, otherwise="choose another OUT"):
            target.parent.mkdir(parents=True, exist_ok=True)
            save_picture(picture, target)
        notes.update(kinds)
        done += 1
    if not done:
        raise DataError(f"{source} has no pictures that can be translated")
    summary = f"{done} of {len(targets)} translated {direction} into {out}"
    if notes:
        changes = ", ".join(f"{count} {kind} before" for kind, count in notes.items())
        summary += f" ({changes})"
    yield summary


def _targets(source: Path, out: Path, channels: int) -> list[tuple[Item, Path]]:
    """Each picture, and the file for its translation.

    Raises UsageError if that file would replace another picture.
    """
    items = pictures(source)
    if source.is_file():
        return [(items[0], _file_target(source, out, channels))]
    if out.resolve() == source.resolve() or is_inside(out, source):
        raise UsageError(
            f"{out} lies inside {source}, and would take the place of what is translated:"
            " choose another OUT"
        )
    targets = [(item, out / _output_name(item.name, channels)) for item in items]
    counts = Counter(target for _, target in targets)
    for target, count in counts.items():
        if count > 1:
            raise UsageError(
                f"two pictures of {source} would be written into {target}: rename one of them"
            )
    return targets


def _file_target(source: Path, out: Path, channels: int) -> Path:
    """The file for the translation of one picture: OUT, or a file in the folder OUT."""
    is_file_name = out.suffix and not out.is_dir()
    target = out if is_file_name else out / _output_name(source.name, channels)
    if _output_name(target.name, channels) != target.name:
        endings = ", ".join(SAVED)
        raise UsageError(
            f"{target}: such pictures are written as {endings}; JPEG and BMP without alpha"
        )
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target} would take the place of what is translated: choose another OUT")
    return target


def _output_name(name: str, channels: int) -> str:
    """The name of a translation: `.png` is added if the format of the ending cannot hold it."""
    ending = name.lower()
    if not ending.endswith(SAVED) or (channels == 4 and ending.endswith(NO_ALPHA)):
        return f"{name}.png"
    return name
