"""Data: images that can be fetched by index, whatever they came from."""

import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.source import Item, open_source
from ganzoo.errors import DataError
from ganzoo.hparams import DataInfo, Hparams
from ganzoo.images import MODES


class Data(ABC):
    """What batches are made of: a length, what it is, and images by index.

    `name` is the SOURCE it was opened from, so that a run can open it again; None for what Python passed in.
    """

    info: DataInfo
    name: str | None
    licence: str | None

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the images or their order change."""

    @abstractmethod
    def fetch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """Images `(n, channels, height, width)` in [-1, 1] and labels `(n,)`, on the device."""


@dataclass
class TensorData(Data):
    """Images in one tensor: uint8, or floats in [-1, 1]. They move to the device once."""

    images: Tensor
    info: DataInfo
    labels: Tensor | None = None
    name: str | None = None
    licence: str | None = None

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.images.dtype} {tuple(self.images.shape)}".encode())
        for tensor in (self.images, self.labels):
            if tensor is not None:
                digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def fetch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor | None]:
        if self.images.device != device:
            self.images = self.images.to(device)
            self.labels = None if self.labels is None else self.labels.to(device)
        chosen = indices.to(device, non_blocking=True)
        return scaled(self.images[chosen]), None if self.labels is None else self.labels[chosen]


@runtime_checkable
class MapStyle(Protocol):
    """What `torch.utils.data` calls a map-style dataset."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@dataclass
class DatasetData(Data):
    """A map-style dataset; an item is an image, or (image, label)."""

    dataset: MapStyle
    info: DataInfo
    name: str | None = None
    licence: str | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def fingerprint(self) -> str:
        return f"{type(self.dataset).__qualname__} of {len(self)}"  # its items may be random: nothing to hash

    def fetch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor | None]:
        items = [split_item(self.dataset[i]) for i in indices.tolist()]
        if len(shapes := {tuple(image.shape) for image, _ in items}) > 1:
            raise DataError(
                f"the data set's images differ in shape ({', '.join(map(str, sorted(shapes)))}): resize them"
            )
        images = torch.stack([image for image, _ in items])
        checked_range(images)
        labels = [label for _, label in items if label is not None]
        return (
            scaled(images.to(device, non_blocking=True)),
            torch.tensor(labels, device=device) if labels else None,
        )


def as_data(data: object, hp: Hparams, *, workers: int = 1) -> Data:
    """A SOURCE ("digits"), a tensor or a Dataset -> Data in the size and channels that the hyperparameters say.

    uint8 is scaled to [-1, 1]; floats are taken as being in [-1, 1] and refused (DataError) when they are not.
    """
    if isinstance(data, str):
        source = open_source(data)
        size = getattr(hp, "image_size", None) or source.info.size
        channels = getattr(hp, "channels", None) or source.info.channels
        if channels not in MODES:
            raise DataError(f"channels={channels}: pictures have 1 (grey), 3 (RGB) or 4 (RGBA)")
        info = replace(source.info, size=size, channels=channels)
        prepared = _prepared(source.items(), info, workers)
        prepared.name, prepared.licence = data, source.licence
        return prepared
    found: Data
    if isinstance(data, Data):
        found = data
    elif isinstance(data, Tensor):
        if data.ndim != 4 or not len(data):
            raise DataError(f"images are (n, channels, height, width), n at least 1, not {tuple(data.shape)}")
        checked_range(data)
        if hasattr(hp, "image_size") and data.shape[-1] != data.shape[-2]:
            raise DataError(f"the images are {data.shape[-1]} wide and {data.shape[-2]} high: the model wants squares")
        data = data if data.dtype == torch.uint8 else data.float()
        found = TensorData(data, DataInfo(size=data.shape[-1], channels=data.shape[1]))
    elif isinstance(data, MapStyle):
        if not len(data):
            raise DataError("the data set is empty")
        image, _ = split_item(data[0])
        classes = tuple(map(str, getattr(data, "classes", ())))
        found = DatasetData(data, DataInfo(size=image.shape[-1], channels=image.shape[0], classes=classes))
    else:
        raise DataError(f"data is a SOURCE such as 'digits', a tensor or a Dataset, not {type(data).__name__}")
    _check_fits(found, hp)
    return found


def _check_fits(data: Data, hp: Hparams) -> None:
    for field, given in (("image_size", data.info.size), ("channels", data.info.channels)):
        wanted = getattr(hp, field, None)
        if wanted is not None and wanted != given:
            raise DataError(f"the data has {field} {given}, the model {wanted}: create it with {field}={given}")


def _prepared(items: Sequence[Item], info: DataInfo, workers: int) -> TensorData:
    """Every item decoded, converted and resized once, in parallel, as one uint8 tensor."""

    def prepare(item: Item) -> np.ndarray[Any, Any]:
        try:
            picture = item.decode().convert(MODES[info.channels])
        except (OSError, ValueError, SyntaxError) as cause:
            raise DataError(f"the image {item.name} cannot be read: {cause}") from None
        if picture.size != (info.size, info.size):
            picture = picture.resize((info.size, info.size), Image.Resampling.BICUBIC)
        return np.asarray(picture)

    with ThreadPoolExecutor(workers) as pool:  # Pillow decodes and resizes without holding the interpreter
        images = torch.from_numpy(np.stack(list(pool.map(prepare, items))))
    numbers = {name: number for number, name in enumerate(info.classes)}
    if strange := next((item for item in items if item.label is not None and item.label not in numbers), None):
        raise DataError(f"the image {strange.name} is labelled {strange.label!r}, which is none of the classes")
    labels = [numbers[item.label] for item in items if item.label is not None]
    images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()
    return TensorData(images, info, torch.tensor(labels) if len(labels) == len(items) else None)


def split_item(item: Any) -> tuple[Tensor, int | None]:
    """An item of a Dataset -> image `(channels, height, width)` and label; a Pillow picture becomes uint8."""
    image, label = (*item, None)[:2] if isinstance(item, tuple | list) else (item, None)
    if isinstance(image, Image.Image):
        array = np.asarray(image)
        image = torch.from_numpy(array.copy() if array.ndim == 3 else array[..., None].copy()).permute(2, 0, 1)
    if not isinstance(image, Tensor) or image.ndim != 3:
        raise DataError(f"a data set's item is an image (channels, height, width), or (image, label), not {item!r:.80}")
    return image, None if label is None else int(label)


def checked_range(images: Tensor) -> None:
    """Refuses floats outside [-1, 1] and warns of what looks like [0, 1]."""
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise DataError(f"images are uint8 or floats in [-1, 1], not {images.dtype}")
    low, high = (extreme.item() for extreme in torch.aminmax(images))
    if not (low >= -1 and high <= 1):
        raise DataError(
            f"images of floats are in [-1, 1], and these reach from {low:g} to {high:g}: scale them, or pass uint8"
        )
    if low >= 0:
        warnings.warn("the images are all in [0, 1]; ganzoo takes floats as [-1, 1]: pass x * 2 - 1", stacklevel=3)


def scaled(images: Tensor) -> Tensor:
    """uint8 0..255 -> floats -1..1; floats as they are."""
    return images.float().div_(127.5).sub_(1) if images.dtype == torch.uint8 else images.float()
