"""Data sets of torchvision: `torchvision:NAME[:split]`."""

import hashlib
import inspect
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from textwrap import shorten
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

import ganzoo
from ganzoo import BadImage, DataError, DataInfo, Item

LABELS = ("targets", "labels", "_labels")
"""The attributes in which torchvision keeps labels: with them no picture is decoded for its own."""
PLACES = ("raw_folder", "base_folder", "_base_folder", "filename", "root")
"""The attributes in which torchvision keeps the place of a data set's own files."""


class TorchVision:
    """A class of `torchvision.datasets` by name, by default its train part.

    It is downloaded into cache/torchvision if it can be; files that are already there, laid out as
    torchvision wants them, are used as they are.
    """

    licence = None

    def __init__(self, argument: str) -> None:
        from torchvision import datasets  # seconds to import

        name, _, part = argument.partition(":")
        known = {*datasets.__all__} - {
            "DatasetFolder",
            "ImageFolder",
            "VisionDataset",
        }
        if name not in known:
            raise ganzoo.unknown("data set of torchvision", name, known)
        self.source_text = f"torchvision:{argument}"
        self._root = ganzoo.cache_folder() / "torchvision"
        self._lock = Lock()
        self._dataset = self._load(getattr(datasets, name), part)

    def _load(self, kind: Any, part: str) -> Any:
        text = self.source_text
        parameters = inspect.signature(kind).parameters
        options = {"root": str(self._root), "download": True}
        split = parameters.get("split")
        if "train" in parameters:
            if part not in ("", "train", "test"):
                raise DataError(f"{text}: choose from the parts train and test")
            options["train"] = part != "test"
        elif part:
            options["split" if split else "image_set"] = part
        elif split and split.default is split.empty:
            raise DataError(f"{text} has no default split: write {text}:PART")
        kinds = {one.kind for one in parameters.values()}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            options = {name: options[name] for name in options.keys() & parameters}
        try:
            return kind(**options)
        except (OSError, RuntimeError, ValueError, TypeError) as cause:
            raise DataError(
                f"{text} could not be loaded: {shorten(str(cause), 300)}; its files "
                f"can be put into {self._root} by hand"
            ) from cause

    @cached_property
    def info(self) -> DataInfo:
        size, channels = ganzoo.measured(self._items)
        return DataInfo(
            size=size,
            channels=channels,
            classes=self._classes,
        )

    @cached_property
    def _targets(self) -> list[int]:
        """The number of each image's class, -1 for none."""
        size = len(self._dataset)
        for name in LABELS:
            targets = getattr(self._dataset, name, None)
            if targets is not None and len(targets) == size:
                break
        else:
            targets = [self._dataset[i][1] for i in range(size)]
        numbers = []
        for target in targets:
            is_number = np.ndim(target) == 0 and not isinstance(target, str)
            numbers.append(int(target) if is_number else -1)
        return numbers

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        numbers = range(max(self._targets, default=-1) + 1)
        names = list(map(str, getattr(self._dataset, "classes", ())))
        if len(names) < len(numbers):
            return tuple(map(str, numbers))
        unique = []
        for number, name in enumerate(names):
            twice = names.count(name) > 1
            unique.append(f"{name} {number}" if twice else name)
        return tuple(unique)

    @cached_property
    def _items(self) -> list[Item]:
        common = f"{self.source_text} {self._stamp()}"
        items = []
        for i, target in enumerate(self._targets):
            label = self._classes[target] if target >= 0 else None
            stamp = f"{common} {i}"
            read = partial(self._picture, i)
            items.append(Item(f"{i:07}", read, label, stamp))
        return items

    def items(self) -> Sequence[Item]:
        return self._items

    def _stamp(self) -> str:
        """Changes when a file of this data set does; of any in the cache if its own are unknown."""
        places = []
        for name in PLACES:
            value = getattr(self._dataset, name, None)
            if isinstance(value, str | Path):
                places.append(self._root / value)
        place = next(filter(Path.exists, places), self._root)
        stamps = []
        for path in filter(Path.is_file, [place, *place.rglob("*")]):
            status = path.stat()
            stamps.append(f"{path.name} {status.st_size} {status.st_mtime_ns}")
        text = " ".join(sorted(stamps))
        return hashlib.sha256(text.encode()).hexdigest()

    def _picture(self, index: int) -> Image.Image:
        try:
            with self._lock:  # its data sets need not be ready for threads
                picture: Image.Image = self._dataset[index][0]
        except Exception as cause:  # of a data set's own loader
            reason = f"{type(cause).__name__}: {cause}"
            raise BadImage("corrupt", reason) from cause
        return picture
