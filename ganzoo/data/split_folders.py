"""train/ and val/ in a folder or a zip: one is trained on, the other is validation data."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from PIL import Image

from ganzoo.data.files import top_level
from ganzoo.data.picture import FORMATS
from ganzoo.data.source import name_and_argument

logger = logging.getLogger(__name__)

VALIDATION = ("val", "valid", "validation")
TEST = "test"


@dataclass(frozen=True)
class SplitFolders:
    """The folders of a SOURCE by their names: `train`, which is always there, and the others.

    `validation` is None if there is none, or it has no classes and `train` has. `left_out` is not
    used at all.
    """

    source: str
    train: str
    validation: str | None = None
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: str) -> Self | None:
        """None for a SOURCE that has other folders at its top, or pictures beside them."""
        kind, place = name_and_argument(source)
        if kind not in ("folder", "zip"):
            return None
        folders, files = top_level(place)
        names = {name.lower(): name for name in folders}
        validation = [name for name in VALIDATION if name in names]
        known = {"train", TEST, *validation}
        if "train" not in names or len(validation) > 1 or len(names) < len(folders):
            return None
        if names.keys() - known or any(map(_is_picture, files)):
            return None
        others = [names[name] for name in (*validation, TEST) if name in names]
        train = names["train"]
        held_out = None
        if others and (_folders(place, others[0]) or not _folders(place, train)):
            held_out = others.pop(0)
        return cls(source, train, held_out, tuple(others))

    def path(self, folder: str) -> str:
        """A folder as a SOURCE of its own."""
        return f"{self.source.rstrip('/')}/{folder}"

    def log(self, *, validates: bool) -> None:
        """Says what is used, and for what."""
        text = f"{self.source}: {self.train}/ is trained on"
        left_out = self.left_out
        if self.validation and validates:
            text += f", {self.validation}/ is validation data"
        elif self.validation:
            left_out = (self.validation, *left_out)
        elif not left_out:
            text += ", with the classes inside"
        for folder in left_out:
            text += f", {folder}/ is left out"
        logger.info(text)


def divided(
    data: object,
    validation: object,
    *,
    validates: bool,
) -> tuple[object, object]:
    """Data and validation data: those that are passed, or the folders train/ and val/ in them.

    `validates` says whether the model has scores; without them no validation data are used.
    """
    texts = source_texts(data)
    splits = [SplitFolders.of(text) for text in texts]
    present = [split for split in splits if split]
    if not present:
        return data, validation
    held_out = [split.path(split.validation) for split in present if split.validation]
    validates = validates and validation is None and len(held_out) == len(texts)
    trained = []
    for text, split in zip(texts, splits, strict=True):
        trained.append(split.path(split.train) if split else text)
    for split in present:
        split.log(validates=validates)
    return tuple(trained), tuple(held_out) if validates else validation


def source_texts(data: object) -> list[str]:
    """The SOURCES among the data; none if it is no text and no path."""
    parts = data if isinstance(data, tuple | list) else [data]
    return [str(part) for part in parts if isinstance(part, str | Path)]


def _folders(place: str, folder: str) -> Sequence[str]:
    """The folders inside of a folder: the classes."""
    return top_level(f"{place.rstrip('/')}/{folder}")[0]


def _is_picture(name: str) -> bool:
    return Image.registered_extensions().get(Path(name).suffix.lower(), "") in FORMATS.split()
