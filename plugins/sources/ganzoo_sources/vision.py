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


class TorchVision:
    """A class of `torchvision.datasets` by name, its train part unless said; downloaded into the cache where it can be.

    Files that are already in cache/torchvision, laid out as torchvision wants them, are used as they are.
    """

    licence = None

    def __init__(self, argument: str) -> None:
        from torchvision import datasets  # seconds to import

        name, _, part = argument.partition(":")
        known = [
            found
            for found in datasets.__all__
            if found not in ("DatasetFolder", "ImageFolder", "VisionDataset")
        ]
        if name not in known:
            raise ganzoo.unknown("data set of torchvision", name, known)
        self.called = f"torchvision:{argument}"
        self._root = ganzoo.cache_folder() / "torchvision"
        self._lock = Lock()
        self._dataset = self._made(getattr(datasets, name), part)

    @cached_property
    def info(self) -> ganzoo.DataInfo:
        size, channels = ganzoo.measured(self.items())
        return ganzoo.DataInfo(size=size, channels=channels, classes=self._classes)

    @cached_property
    def _targets(self) -> list[int | None]:
        """The number of each image's class, where it has one."""
        for name in (
            "targets",
            "labels",
            "_labels",
        ):  # where torchvision keeps them, so that no picture is decoded
            targets = getattr(self._dataset, name, None)
            if targets is not None and len(targets) == len(self._dataset):
                break
        else:
            targets = [self._dataset[i][1] for i in range(len(self._dataset))]
        numbers = [
            int(target) if np.ndim(target) == 0 and not isinstance(target, str) else -1
            for target in targets
        ]
        return [number if number >= 0 else None for number in numbers]

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        most = max((target for target in self._targets if target is not None), default=-1) + 1
        named = [str(name) for name in getattr(self._dataset, "classes", ())]
        if len(named) < most:
            return tuple(map(str, range(most)))
        twice = {name for name in named if named.count(name) > 1}
        return tuple(f"{name} {i}" if name in twice else name for i, name in enumerate(named))

    @cached_property
    def _items(self) -> list[ganzoo.Item]:
        files = [path for path in self._root.rglob("*") if path.is_file()]
        stamp = f"{self.called} {hashlib.sha256(' '.join(sorted(map(_stamp, files))).encode()).hexdigest()}"
        labels = [None if target is None else self._classes[target] for target in self._targets]
        return [
            ganzoo.Item(f"{i:07}", partial(self._picture, i), label, f"{stamp} {i}")
            for i, label in enumerate(labels)
        ]

    def items(self) -> Sequence[ganzoo.Item]:
        return self._items

    def _picture(self, index: int) -> Image.Image:
        try:
            with self._lock:  # its data sets need not be ready for threads
                picture: Image.Image = self._dataset[index][0]
        except Exception as cause:  # whatever a data set's own loader raises
            raise ganzoo.BadImage("corrupt", f"{type(cause).__name__}: {cause}") from cause
        return picture

    def _made(self, kind: Any, part: str) -> Any:
        takes = inspect.signature(kind).parameters
        options: dict[str, Any] = {"root": str(self._root), "download": True}
        if "train" in takes:
            if part not in ("", "train", "test"):
                raise ganzoo.DataError(f"{self.called}: its parts are train and test")
            options["train"] = part != "test"
        elif part:
            options["split" if "split" in takes else "image_set"] = part
        if not part and "split" in takes and takes["split"].default is inspect.Parameter.empty:
            raise ganzoo.DataError(
                f"{self.called} has parts, and none of its own accord: say {self.called}:PART"
            )
        anything = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in takes.values())
        try:
            return kind(
                **{name: value for name, value in options.items() if name in takes or anything}
            )
        except (OSError, RuntimeError, ValueError, TypeError) as cause:
            reason = " ".join(str(cause).split())
            raise ganzoo.DataError(
                f"{self.called} cannot be had: {reason:.300}; its files can be put into {self._root} by hand"
            ) from cause


def _stamp(path: Path) -> str:
    """Changes when the file does."""
    found = path.stat()
    return f"{path.name} {found.st_size} {found.st_mtime_ns}"
