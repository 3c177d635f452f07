"""Data sets of torchvision: `torchvision:NAME[:split]`."""

import inspect
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from ganzoo.data.files import measured
from ganzoo.data.source import Item
from ganzoo.errors import DataError, unknown
from ganzoo.hparams import DataInfo
from ganzoo.paths import cache_folder


class TorchVision:
    """A class of `torchvision.datasets` by name, its train part unless said; downloaded into the cache where it can be.

    Files that are already in cache/torchvision, laid out as torchvision wants them, are used as they are.
    """

    licence = None

    def __init__(self, argument: str) -> None:
        from torchvision import datasets  # seconds to import

        name, _, part = argument.partition(":")
        known = [found for found in datasets.__all__ if found not in ("DatasetFolder", "ImageFolder", "VisionDataset")]
        if name not in known:
            raise unknown("data set of torchvision", name, known)
        self.called = f"torchvision:{argument}"
        self._root = cache_folder() / "torchvision"
        self._dataset = self._made(getattr(datasets, name), part)

    @cached_property
    def info(self) -> DataInfo:
        size, channels = measured(self.items())
        return DataInfo(size=size, channels=channels, classes=self._classes)

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        named = tuple(map(str, getattr(self._dataset, "classes", ())))
        targets = [self._target(i) for i in range(len(self._dataset))] if not named else []
        return named or tuple(map(str, range(max((t for t in targets if t is not None), default=-1) + 1)))

    def items(self) -> Sequence[Item]:
        files = [path.stat() for path in self._root.rglob("*") if path.is_file()]
        stamp = f"{self.called} {len(files)} {max((file.st_mtime_ns for file in files), default=0)}"
        items = []
        for i in range(len(self._dataset)):
            target = self._target(i)
            label = self._classes[target] if target is not None and target < len(self._classes) else None
            items.append(Item(f"{i:07}", partial(self._picture, i), label, f"{stamp} {i}"))
        return items

    def _target(self, index: int) -> int | None:
        for name in ("targets", "labels", "_labels"):  # where torchvision keeps them, so that no picture is decoded
            if (targets := getattr(self._dataset, name, None)) is not None and len(targets) == len(self._dataset):
                return int(targets[index]) if np.ndim(targets[index]) == 0 else None
        target = self._dataset[index][1]
        return int(target) if isinstance(target, int | np.integer | Tensor) and np.ndim(target) == 0 else None

    def _picture(self, index: int) -> Image.Image:
        picture: Image.Image = self._dataset[index][0]
        return picture

    def _made(self, kind: Any, part: str) -> Any:
        takes = inspect.signature(kind).parameters
        options: dict[str, Any] = {"root": str(self._root), "download": True}
        if "train" in takes:
            if part not in ("", "train", "test"):
                raise DataError(f"{self.called}: its parts are train and test")
            options["train"] = part != "test"
        elif part:
            options["split" if "split" in takes else "image_set"] = part
        try:
            return kind(**{name: value for name, value in options.items() if name in takes})
        except (OSError, RuntimeError, ValueError, TypeError) as cause:
            reason = " ".join(str(cause).split())
            raise DataError(
                f"{self.called} cannot be had: {reason:.300}; its files can be put into {self._root} by hand"
            ) from cause
