"""`ganzoo classify`: the classes of picture files, by a trained classifier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import torch

from ganzoo.data.files import pictures
from ganzoo.data.picture import Preparation, ignore_pillow_warnings
from ganzoo.data.source import Item
from ganzoo.data.threads import with_progress
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import DataInfo
from ganzoo.model.arguments import prepared
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
    run: str | Path,
    source: Path,
    *,
    top: int,
    device: str = "auto",
) -> Iterator[Classified]:
    """Classifies a file, or every image below a folder, prepared as the training images were.

    Raises DataError if the file is not a picture, or nothing in the folder is.
    """
    items = pictures(source)
    results = _classified(load(run, device=device), items, top)
    any_usable = False
    for result in with_progress(results, len(items), f"classifying {source}"):
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
        images = {}
        skipped = {}
        with ignore_pillow_warnings():
            for item in chunk:
                try:
                    images[item] = prepared(item, preparation)
                except BadImage as cause:
                    skipped[item] = f"{cause.kind}: {cause}"
        scores = {}
        if images:
            rows = model.classify(torch.stack([*images.values()]))
            scores = dict(zip(images, rows.tolist(), strict=True))
        for item in chunk:
            classes = zip(model.class_names, scores.get(item, []), strict=False)
            best = sorted(classes, key=itemgetter(1), reverse=True)
            yield Classified(item.name, best[:top], skipped.get(item))
