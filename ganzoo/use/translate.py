"""`ganzoo translate`: picture files of any sizes, translated by a trained model."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

from PIL import Image
from torch import Tensor

from ganzoo.data.files import pictures
from ganzoo.data.picture import converted, decoded, ignore_pillow_warnings
from ganzoo.data.source import Item
from ganzoo.data.threads import with_progress
from ganzoo.errors import BadImage, DataError, OutOfMemory, UsageError
from ganzoo.files import is_inside, writing
from ganzoo.images import from_pil, save_picture, to_pil
from ganzoo.model.contract import Model
from ganzoo.use.record import record
from ganzoo.use.replacing import check_replaceable
from ganzoo.zoo import load_with_config

SAVED = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
"""Endings that a translation keeps; `.png` is added to other names."""
VERB = "ganzoo translate"
"""What the pictures say of their origin."""
NO_ALPHA = (".jpg", ".jpeg", ".bmp")


def translate(
    run: str | Path,
    source: Path,
    out: Path,
    *,
    direction: str | None,
    max_side: int | None,
    seed: int = 0,
    style: Path | None = None,
    use: Mapping[str, str] | None = None,
    device: str = "auto",
) -> Iterator[str]:
    """Translates a file, or every image below a folder under its own name.

    Of a translator with styles, picture i gets style i of the seed, or that of the picture `style`.
    Yields a line "skipped ..." for each unusable picture, then a summary. Earlier translations
    are replaced. Raises UsageError before any is written if another file is in the place of one,
    DataError if the file is not a picture, or nothing in the folder is.
    """
    model, config = load_with_config(run, device=device)
    direction = model.checked_direction(direction)
    settings = model.parsed_use(use or {})
    targets = _free_targets(source, out, model.out_channels or model.hp.channels or 3)
    styles = model.chosen_styles(len(targets), direction, seed, style)
    chosen = seed if model.has_styles and not style else None
    asked = {"direction": direction, "seed": chosen, "style": style and style.name}
    description = record(config, **asked, use=settings)
    notes: list[list[str]] = []
    rows = iter(targets.items())
    progress = with_progress(rows, len(targets), f"translating {source}")
    for number, (target, item) in enumerate(progress):
        own = None if styles is None else styles[number : number + 1]
        translated = partial(model.translations, direction=direction, styles=own, settings=settings)
        try:
            picture, kinds = _translated(model, item, translated, max_side)
        except BadImage as cause:
            if source.is_file():
                raise DataError(f"{source} cannot be translated ({cause.kind}): {cause}") from None
            yield f"skipped {item.name}, {cause.kind}: {cause}"
            continue
        with writing(target, otherwise="choose another OUT"):
            target.parent.mkdir(parents=True, exist_ok=True)
            save_picture(picture, target, software=VERB, description=description)
        notes.append(kinds)
    if not notes:
        raise DataError(f"{source} has no pictures that can be translated")
    summary = f"{len(notes)} of {len(targets)} translated {direction} into {out}"
    yield summary + _in_words(Counter(chain.from_iterable(notes)))


def _in_words(notes: Counter[str]) -> str:
    """` (3 turned before)`, or nothing."""
    counts = [f"{count} {kind} before" for kind, count in notes.items()]
    return f" ({', '.join(counts)})" if counts else ""


def _free_targets(source: Path, out: Path, channels: int) -> dict[Path, Item]:
    """The targets. Raises UsageError if another file is in the place of one."""
    try:
        targets = _targets(source, out, channels)
    except OSError as cause:
        raise UsageError(f"{source} cannot be translated into {out}: {cause.strerror}") from None
    for target in targets:
        check_replaceable(target, VERB, "choose another OUT")
    return targets


def _translated(
    model: Model,
    item: Item,
    translated: Callable[[Tensor], Iterator[Tensor]],
    max_side: int | None,
) -> tuple[Image.Image, list[str]]:
    """The translation, and the kinds of notes on the picture."""
    with ignore_pillow_warnings():
        picture, notes = decoded(item)
        picture, more_notes = converted(picture, model.in_channels or model.hp.channels or 3)
    if max_side and max(picture.size) > max_side:
        picture.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    try:
        [images] = translated(from_pil(picture)[None])
    except OutOfMemory as cause:
        raise BadImage(
            "too large",
            f"{picture.width}x{picture.height} does not fit into memory:"
            " shrink it with --max-side PIXELS",
        ) from cause
    return to_pil(images)[0], [note.kind for note in notes + more_notes]


def _targets(source: Path, out: Path, channels: int) -> dict[Path, Item]:
    """The file for each translation -> the picture.

    Raises UsageError if that file would replace another picture.
    """
    items = pictures(source)
    if source.is_file():
        return {_file_target(source, out, channels): items[0]}
    if out.resolve() == source.resolve() or is_inside(out, source):
        raise UsageError(
            f"{out} lies inside {source},"
            " and would take the place of what is translated: choose another OUT"
        )
    targets: dict[Path, Item] = {}
    for item in items:
        target = out / _output_name(item.name, channels)
        if target in targets:
            raise UsageError(
                f"two pictures of {source} would be written into {target}: rename one of them"
            )
        targets[target] = item
    return targets


def _file_target(source: Path, out: Path, channels: int) -> Path:
    """The file for the translation of one picture: OUT, or a file in the folder OUT."""
    if out.is_dir() or not out.suffix:
        out /= _output_name(source.name, channels)
    if _output_name(out.name, channels) != out.name:
        raise UsageError(
            f"{out}: pictures are written as {', '.join(SAVED)}; JPEG and BMP only without alpha"
        )
    if out.exists() and out.samefile(source):
        raise UsageError(f"{out} would take the place of what is translated: choose another OUT")
    return out


def _output_name(name: str, channels: int) -> str:
    """The name of a translation: `.png` is added if the format of the ending cannot hold it."""
    loses_alpha = channels == 4 and name.lower().endswith(NO_ALPHA)
    if loses_alpha or not name.lower().endswith(SAVED):
        return f"{name}.png"
    return name
