"""Data sets of the Hugging Face Hub, through the `datasets` library: `hf:user/name[:split][@revision]`."""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import ganzoo


class HuggingFace:
    """The first column of images of a split (`train` unless said), labelled by its first column of classes.

    `user/name/config` picks a configuration. Login, cache, endpoint and offline mode are those of the library.
    """

    def __init__(self, argument: str) -> None:
        self.called = f"hf:{argument}"
        name, _, revision = argument.partition("@")
        name, _, split = name.partition(":")
        user, _, rest = name.partition("/")
        dataset, _, config = rest.partition("/")
        if not user:
            raise ganzoo.DataError(
                "hf: takes user/name[:split][@revision], as in hf:ylecun/mnist:train"
            )
        try:
            import datasets
        except ImportError:
            raise ganzoo.DataError(
                f"{self.called} needs the datasets library: pip install 'ganzoo[hf]'"
            ) from None
        path = f"{user}/{dataset}" if dataset else user
        try:
            table = datasets.load_dataset(
                path, config or None, split=split or "train", revision=revision or None
            )
        except (
            Exception
        ) as cause:  # errors of datasets, huggingface_hub, pyarrow and of the network
            reason = " ".join(str(cause).split())
            raise ganzoo.DataError(
                f"{self.called} cannot be had: {type(cause).__name__}: {reason:.300}"
            ) from cause
        features = table.features
        self._image = next(
            (name for name, kind in features.items() if isinstance(kind, datasets.Image)), None
        )
        self._label = next(
            (name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)), None
        )
        if self._image is None:
            raise ganzoo.DataError(
                f"{self.called} has no column of images, but {', '.join(features)}"
            )
        columns = [self._image, self._label] if self._label else [self._image]
        self._table: Any = table.select_columns(columns).cast_column(
            self._image, datasets.Image(decode=False)
        )
        self._classes = tuple(features[self._label].names) if self._label else ()
        self.licence = table.info.license or None

    @cached_property
    def info(self) -> ganzoo.DataInfo:
        size, channels = ganzoo.measured(self.items())
        return ganzoo.DataInfo(size=size, channels=channels, classes=self._classes)

    def items(self) -> Sequence[ganzoo.Item]:
        labels: list[str | None] = [None] * len(self._table)
        if self._label:
            labels = [
                self._classes[number] if number >= 0 else None
                for number in self._table[self._label]
            ]
        stamp = self._table._fingerprint
        return [
            ganzoo.Item(f"{i:07}", partial(self._read, i), label, f"{stamp} {i}")
            for i, label in enumerate(labels)
        ]

    def _read(self, index: int) -> bytes:
        image = self._table[index][self._image]
        if image is None:
            raise ganzoo.BadImage("empty", "the row has no image")
        if image["bytes"] is not None:
            content: bytes = image["bytes"]
            return content
        try:
            with open(image["path"], "rb") as file:
                return file.read()
        except OSError as cause:
            raise ganzoo.BadImage("unreadable", str(cause)) from None
