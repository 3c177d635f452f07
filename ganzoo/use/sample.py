"""`ganzoo sample`: draws images with a trained model into files."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, cycle, islice
from math import ceil, isqrt
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from ganzoo.data.threads import with_progress
from ganzoo.errors import UsageError
from ganzoo.files import new_folder, writing
from ganzoo.hparams.size import sides
from ganzoo.images import MARGIN, save_png, sheet, to_pil
from ganzoo.model.contract import Model
from ganzoo.use.record import RECORD, record
from ganzoo.use.replacing import check_replaceable, is_own_folder
from ganzoo.zoo import load_with_config

T = TypeVar("T")
VERB = "ganzoo sample"
"""What the pictures say of their origin."""
LARGEST_GRID = 2**27
"""Pixels of a grid: 16,000 images of 64x64, or 110 of 1024x1024."""


def sample(
    run: str | Path,
    *,
    count: int,
    seed: int,
    out: Path,
    labels: Sequence[str] = (),
    wheres: Sequence[Mapping[str, str]] = (),
    prompts: Sequence[str] = (),
    use: Mapping[str, str] | None = None,
    columns: int | None = None,
    device: str = "auto",
) -> str:
    """Draws images: into one .png, or each into a file of a folder. Returns a line for the user.

    `labels` are names or numbers of classes, drawn in turn; so are `wheres`, what is asked of an
    image by attribute, and `prompts`. `use` are settings of use, as texts. A folder is written
    batch by batch: memory does not grow with `count`. What an earlier call wrote is replaced;
    raises UsageError if anything else is there, or if there are too many images for one .png.
    """
    is_png = _checked_out(out, columns)
    columns = columns or isqrt(count - 1) + 1
    model, config = load_with_config(run, device=device)
    settings = model.parsed_use(use or {})
    if is_png:
        _check_fits(model, count, columns)
    in_turn: dict[str, Any] = {
        "labels": _in_turn(labels, count),
        "where": _in_turn(wheres, count),
        "prompt": _in_turn(prompts, count),
    }
    # a plugin's own need not know the others
    asked = {name: values for name, values in in_turn.items() if values}
    batches = model.sample_batches(count, seed=seed, **asked, **settings)
    description = record(
        config,
        seed=seed,
        labels=labels,
        where=wheres,
        prompt=prompts,
        use=settings,
    )
    drawn = chain.from_iterable(map(to_pil, batches))
    pictures = with_progress(drawn, count, f"drawing {out}")
    if is_png:
        _write_grid(pictures, columns, out, description)
        return f"{out}: {count:,} images"
    _write_folder(pictures, out, description)
    return f"{out}: {count:,} images, 000000.png to {count - 1:06}.png"


def _checked_out(out: Path, columns: int | None) -> bool:
    """Whether it is one picture, not a folder. Raises UsageError for a place that is taken."""
    is_png = out.suffix.lower() == ".png"
    if out.suffix and not is_png and not out.is_dir():
        raise UsageError(f"--out {out}: a grid is a .png; a name without an ending is a folder")
    if is_png:
        check_replaceable(out, VERB, "choose another file with --out")
    elif columns:
        raise UsageError(f"--columns is for a grid, and --out {out} is a folder")
    return is_png


def _check_fits(model: Model, count: int, columns: int) -> None:
    """Raises UsageError if a grid of so many images is too large."""
    height, width = sides(model.hp.image_size or 0)
    pixels = columns * ceil(count / columns) * (height + MARGIN) * (width + MARGIN)
    if pixels > LARGEST_GRID:
        raise UsageError(
            f"{count:,} images of {height}x{width} are too many for one .png: "
            "--out FOLDER writes a file for each"
        )


def _in_turn(values: Sequence[T], count: int) -> list[T] | None:
    return list(islice(cycle(values), count)) or None


def _write_grid(pictures: Iterator[Image.Image], columns: int, out: Path, description: str) -> None:
    picture = sheet(list(pictures), columns)
    with writing(out, otherwise="choose another file with --out"):
        out.parent.mkdir(parents=True, exist_ok=True)
        save_png(picture, out, software=VERB, description=description)


def _write_folder(pictures: Iterator[Image.Image], out: Path, description: str) -> None:
    """Writes the folder, complete or not at all."""
    must_be_free = not is_own_folder(out, VERB)
    with new_folder(out, must_be_free=must_be_free) as folder:
        for number, picture in enumerate(pictures):
            save_png(picture, folder / f"{number:06}.png", software=VERB)
        (folder / RECORD).write_text(description + "\n", "utf-8")
