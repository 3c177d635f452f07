"""Naming what picture files show, with a trained classifier."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ganzoo.data.batches import centred, scaled
from ganzoo.data.files import Folder, hidden, read_file
from ganzoo.data.picture import Preparation, ignore_pillow_warnings, pixels
from ganzoo.data.source import Item
from ganzoo.data.threads import with_progress
from ganzoo.errors import BadImage, DataError, Unsupported
from ganzoo.hparams.hparams import DataInfo
from ganzoo.model.contract import Model
from ganzoo.zoo import load


@dataclass(frozen=True)
class Named:
    """A file, and its likeliest classes with their probabilities, best first; or why it could not be read."""

    file: str
    classes: list[tuple[str, float]]
    skipped: str | None = None


def classify(run: Path, source: Path, *, top: int, device: str = "auto") -> Iterator[Named]:
    """Names what a file, or every image below a folder, shows: prepared as the classifier's training images were.

    Raises DataError for a file that is no picture, and when nothing in the folder is.
    """
    model = load(run, device=device)
    if not model.classifies:
        raise Unsupported(f"{model.display_name} names no classes; it is for {model.task}")
    items = pictures(source)
    found = 0
    chunks = [items[i : i + 64] for i in range(0, len(items), 64)]
    for some in with_progress(iter(chunks), len(chunks), f"classifying {source}"):
        for named in _named(model, some, top):
            if named.skipped and source.is_file():
                raise DataError(f"{source} cannot be classified ({named.skipped})")
            found += not named.skipped
            yield named
    if not found:
        raise DataError(f"{source} has no pictures that can be classified")


def pictures(source: Path) -> list[Item]:
    """A file, or the files below a folder that are not hidden. Raises DataError when there is neither."""
    if source.is_file():
        return [Item(source.name, partial(read_file, source))]
    if not source.is_dir():
        raise DataError(f"there is no file or folder {source}")
    return [
        item for item in Folder(str(source)).items() if not any(map(hidden, item.name.split("/")))
    ]


def _named(model: Model, items: list[Item], top: int) -> list[Named]:
    preparation = Preparation.of(model.hp, DataInfo(size=0, channels=3))
    arrays, skipped = {}, {}
    with ignore_pillow_warnings():
        for item in items:
            try:
                arrays[item] = torch.from_numpy(pixels(item, preparation))
            except BadImage as cause:
                skipped[item] = Named(item.name, [], f"{cause.kind}: {cause}")
    names = model.class_names
    rows = {}
    if arrays:
        images = centred(scaled(torch.stack(list(arrays.values()))), preparation.image_size)
        best = model.classify(images).cpu().topk(min(top, len(names)))
        for item, scores, numbers in zip(
            arrays, best.values.tolist(), best.indices.tolist(), strict=True
        ):
            rows[item] = Named(
                item.name, [(names[n], score) for n, score in zip(numbers, scores, strict=True)]
            )
    return [skipped.get(item) or rows[item] for item in items]
