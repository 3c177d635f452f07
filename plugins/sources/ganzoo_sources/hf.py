"""Data sets of the Hugging Face Hub, through `datasets`: `hf:user/name[:split][@revision]`."""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import ganzoo


class HuggingFace:
    """The first column of images of a split (default `train`), and its first column of classes.

    `user/name/config` picks a configuration. The library decides login, cache, endpoint and offline
    mode.
    """

    def __init__(self, argument: str) -> None:
        self.source_text = f"hf:{argument}"
        if not argument or argument[0] in "/:@":
            raise ganzoo.DataError(
                "hf: takes user/name[:split][@revision], as in hf:ylecun/mnist:train"
            )
        try:
            import datasets
        except ImportError:
            raise ganzoo.DataError(
                f"{self.source_text} needs the datasets library: pip install 'ganzoo[hf]'"
            ) from None
        table = self._load(argument)
        self._image = _first_column(table, datasets.Image)
        self._label = _first_column(table, datasets.ClassLabel)
        if self._image is None:
            columns = ", ".join(table.features)
            raise ganzoo.DataError(f"{self.source_text} has no column of images, only {columns}")
        self._classes: tuple[str, ...] = ()
        if self._label:
            self._classes = tuple(table.features[self._label].names)
        self.licence = table.info.license or None
        used = [name for name in (self._image, self._label) if name]
        encoded = datasets.Image(decode=False)
        self._table: Any = table.select_columns(used).cast_column(self._image, encoded)

    def _load(self, argument: str) -> Any:
        from datasets import load_dataset

        name, _, revision = argument.partition("@")
        name, _, split = name.partition(":")
        parts = name.split("/", 2)
        path = "/".join(parts[:2])
        config = "".join(parts[2:]) or None
        try:
            return load_dataset(
                path,
                config,
                split=split or "train",
                revision=revision or None,
            )
        except Exception as cause:  # of datasets, huggingface_hub, pyarrow and of the network
            reason = " ".join(str(cause).split())
            raise ganzoo.DataError(
                f"{self.source_text} could not be loaded: {type(cause).__name__}: {reason:.300}"
            ) from cause

    @cached_property
    def info(self) -> ganzoo.DataInfo:
        size, channels = ganzoo.measured(self.items())
        return ganzoo.DataInfo(size=size, channels=channels, classes=self._classes)

    def items(self) -> Sequence[ganzoo.Item]:
        numbers = self._table[self._label] if self._label else [-1] * len(self._table)
        stamp = self._table._fingerprint
        items = []
        for i, number in enumerate(numbers):
            label = self._classes[number] if number >= 0 else None
            items.append(ganzoo.Item(f"{i:07}", partial(self._read, i), label, f"{stamp} {i}"))
        return items

    def _read(self, index: int) -> bytes:
        image = self._table[index][self._image]
        if image is None:
            raise ganzoo.BadImage("empty", "the row has no image")
        content: bytes | None = image["bytes"]
        if content is not None:
            return content
        try:
            with open(image["path"], "rb") as file:
                return file.read()
        except OSError as cause:
            raise ganzoo.BadImage("unreadable", str(cause)) from None


def _first_column(table: Any, kind: type) -> str | None:
    for name, feature in table.features.items():
        if isinstance(feature, kind):
            return str(name)
    return None
