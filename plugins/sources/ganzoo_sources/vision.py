"""Data sets of torchvision: `torchvision:NAME[:split]`."""

import hashlib
import inspect
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

import ganzoo

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
        parameters = inspect.signature(kind).parameters
        options: dict[str, Any] = {
            "root": str(self._root),
            "download": True,
        }
        if "train" in parameters:
            if part not in ("", "train", "test"):
                raise ganzoo.DataError(f"{self.source_text}: choose from the parts train and test")
            options["train"] = part != "test"
        elif part:
            options["split" if "split" in parameters else "image_set"] = part
        elif "split" in parameters and parameters["split"].default is inspect.Parameter.empty:
            raise ganzoo.DataError(
                f"{self.source_text} has no default split: write {self.source_text}:PART"
            )
        if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
            options = {name: value for name, value in options.items() if name in parameters}
        try:
            return kind(**options)
        except (OSError, RuntimeError, ValueError, TypeError) as cause:
            reason = " ".join(str(cause).split())
            raise ganzoo.DataError(
                f"{self.source_text} could not be loaded: {reason:.300}; "
                f"its files can be put into {self._root} by hand"
            ) from cause

    @cached_property
    def info(self) -> ganzoo.DataInfo:
        size, channels = ganzoo.measured(self.items())
        return ganzoo.DataInfo(size=size, channels=channels, classes=self._classes)

    @cached_property
    def _targets(self) -> list[int]:
        """The number of each image's class, -1 for none."""
        size = len(self._dataset)
        lists = [getattr(self._dataset, name, None) for name in LABELS]
        fitting = [labels for labels in lists if labels is not None and len(labels) == size]
        targets = fitting[0] if fitting else [self._dataset[i][1] for i in range(size)]
        numbers = []
        for target in targets:
            is_number = np.ndim(target) == 0 and not isinstance(target, str)
            numbers.append(int(target) if is_number else -1)
        return numbers

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        count = max(self._targets, default=-1) + 1
        names = list(map(str, getattr(self._dataset, "classes", ())))
        if len(names) < count:
            names = list(map(str, range(count)))
        unique = [f"{name} {i}" if names.count(name) > 1 else name for i, name in enumerate(names)]
        return tuple(unique)

    @cached_property
    def _items(self) -> list[ganzoo.Item]:
        stamp = f"{self.source_text} {self._stamp()}"
        items = []
        for i, target in enumerate(self._targets):
            label = self._classes[target] if target >= 0 else None
            items.append(
                ganzoo.Item(
                    f"{i:07}",
                    partial(self._picture, i),
                    label,
                    f"{stamp} {i}",
                )
            )
        return items

    def items(self) -> Sequence[ganzoo.Item]:
        return self._items

    def _stamp(self) -> str:
        """Changes when a file of this data set does; of any in the cache if its own are unknown."""
        place = self._root
        for name in PLACES:
            value = getattr(self._dataset, name, None)
            if isinstance(value, str | Path) and (self._root / value).exists():
                place = self._root / value
                break
        stamps = []
        for path in [place, *place.rglob("*")]:
            if path.is_file():
                status = path.stat()
                stamps.append(f"{path.name} {status.st_size} {status.st_mtime_ns}")
        return hashlib.sha256(" ".join(sorted(stamps)).encode()).hexdigest()

    def _picture(self, index: int) -> Image.Image:
        try:
            with self._lock:  # its data sets need not be ready for threads
                picture: Image.Image = self._dataset[index][0]
        except Exception as cause:  # a data set's own loader may raise anything
            raise ganzoo.BadImage("corrupt", f"{type(cause).__name__}: {cause}") from cause
        return picture
