"""`ganzoo classify`: the classes of picture files, by a trained classifier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.batches import centred, scaled
from ganzoo.data.files import pictures
from ganzoo.data.picture import Preparation, ignore_pillow_warnings, pixels
from ganzoo.data.source import Item
from ganzoo.data.threads import with_progress
from ganzoo.errors import BadImage, DataError, Unsupported
from ganzoo.hparams.hparams import DataInfo
from ganzoo.model.contract import Model
from ganzoo.zoo import load

CHUNK = 64
"""Images that are in memory at once."""


@dataclass(frozen=True)
class Classified:
    """A file and its likeliest classes with their probabilities, best first.

    `skipped` is the reason if the file could not be read.
    """

    file: str
    classes: list[tuple[str, float]]
    skipped: str | None = None


def classify(
    run: Path,
    source: Path,
    *,
    top: int,
    device: str = "auto",
) -> Iterator[Classified]:
    """Classifies a file, or every image below a folder, prepared as the training images were.

    Raises DataError if the file is not a picture, or nothing in the folder is.
    """
    model = load(run, device=device)
    if not model.classifies:
        name = model.display_name
        raise Unsupported(f"{name} is not a classifier; it is for {model.task}")
    items = pictures(source)
    results = _classified(model, items, top)
    any_usable = False
    title = f"classifying {source}"
    for result in with_progress(results, len(items), title):
        if not result.skipped:
            any_usable = True
        elif source.is_file():
            raise DataError(f"{source} cannot be classified ({result.skipped})")
        yield result
    if not any_usable:
        raise DataError(f"{source} has no pictures that can be classified")


def _classified(
    model: Model,
    items: Sequence[Item],
    top: int,
) -> Iterator[Classified]:
    preparation = Preparation.of(model.hp, DataInfo(size=0, channels=3))
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        arrays = []
        skipped = {}
        with ignore_pillow_warnings():
            for item in chunk:
                try:
                    arrays.append(torch.from_numpy(pixels(item, preparation)))
                except BadImage as cause:
                    reason = f"{cause.kind}: {cause}"
                    skipped[item] = Classified(item.name, [], reason)
        rows = _best_classes(model, arrays, preparation.image_size, top)
        for item in chunk:
            yield skipped.get(item) or Classified(item.name, next(rows))


def _best_classes(
    model: Model,
    arrays: list[Tensor],
    size: int,
    top: int,
) -> Iterator[list[tuple[str, float]]]:
    if not arrays:
        return
    images = centred(scaled(torch.stack(arrays)), size)
    for scores in model.classify(images).tolist():
        classes = zip(model.class_names, scores, strict=True)
        yield sorted(classes, key=itemgetter(1), reverse=True)[:top]
