"""Data sets of the Hugging Face Hub, through `datasets`: `hf:user/name[:split][@revision]`."""

import re
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from textwrap import shorten
from typing import Any

import ganzoo
from ganzoo import BadImage, DataError, DataInfo, Item

ARGUMENT = r"([^/:@]+(?:/[^/:@]+)?)(?:/([^:@]+))?(?::([^@]*))?(?:@(.*))?"
"""Path, configuration, split and revision."""


class HuggingFace:
    """The first column of images of a split (default `train`), and its first column of classes.

    Its columns of texts, numbers and truth values are the attributes of the images.

    `user/name/config` picks a configuration. The library decides login, cache, endpoint and offline
    mode.
    """

    def __init__(self, argument: str) -> None:
        text = f"hf:{argument}"
        match = re.fullmatch(ARGUMENT, argument)
        if not match:
            raise DataError("hf: takes user/name[:split][@revision]")
        path, config, split, revision = match.groups()
        try:
            import datasets
        except ImportError:
            raise DataError(
                f"{text} needs the datasets library: pip install 'ganzoo[hf]'"
            ) from None
        try:
            with ganzoo.cache_if_unreachable():
                table = datasets.load_dataset(
                    path,
                    config,
                    split=split or "train",
                    revision=revision or None,
                )
        except ganzoo.HubError as cause:
            raise DataError(f"{text} could not be loaded: {cause}") from cause
        # of datasets, huggingface_hub, pyarrow and of the network
        except Exception as cause:
            reason = f"{type(cause).__name__}: {cause}"
            raise DataError(f"{text} could not be loaded: {shorten(reason, 300)}") from cause
        self._image = _first_column(table, datasets.Image)
        self._label = _first_column(table, datasets.ClassLabel)
        if not self._image:
            columns = ", ".join(table.features)
            raise DataError(f"{text} has no column of images, only {columns}")
        self._classes: tuple[str, ...] = ()
        used = [self._image]
        if self._label:
            self._classes = tuple(table.features[self._label].names)
            used.append(self._label)
        self.licence = table.info.license or None
        plain = []
        for name, feature in table.features.items():
            if isinstance(feature, datasets.Value) and "binary" not in feature.dtype:
                plain.append(name)
        self._plain = table.select_columns(plain)
        encoded = datasets.Image(decode=False)
        table = table.select_columns(used)
        self._table = table.cast_column(self._image, encoded)

    @cached_property
    def info(self) -> DataInfo:
        size, channels = ganzoo.measured(self.items())
        return DataInfo(
            size=size,
            channels=channels,
            classes=self._classes,
        )

    def items(self) -> Sequence[Item]:
        numbers = [-1] * len(self._table)
        if self._label:
            numbers = self._table[self._label]
        columns = {name: self._plain[name] for name in self._plain.features}
        items = []
        for i, number in enumerate(numbers):
            label = self._classes[number] if number >= 0 else None
            stamp = f"{self._table._fingerprint} {i}"
            read = partial(self._read, i)
            known = {name: _text(column[i]) for name, column in columns.items()}
            attributes = {name: text for name, text in known.items() if text}
            items.append(Item(f"{i:07}", read, label, stamp, attributes))
        return items

    def _read(self, index: int) -> bytes:
        image = self._table[index][self._image]
        if image is None:
            raise BadImage("empty", "the row has no image")
        try:
            content: bytes | None = image["bytes"]
            if content is None:
                content = Path(image["path"]).read_bytes()
            return content
        except OSError as cause:
            raise BadImage("unreadable", str(cause)) from None


def _text(value: Any) -> str:
    """Truth values as yes and no; empty for a missing value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _first_column(table: Any, kind: type) -> str:
    for name, feature in table.features.items():
        if isinstance(feature, kind):
            return str(name)
    return ""
