"""Images of a `torch.utils.data.Dataset`, with its own transforms."""

import itertools
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ganzoo.data.images import Images, StoredImages, moved
from ganzoo.data.picture import Preparation
from ganzoo.data.sampler import SequentialSampler, ShuffledSampler
from ganzoo.data.views import Domains, Pair
from ganzoo.errors import DataError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.images import MODES
from ganzoo.seeds import derive_seed, seeded


@runtime_checkable
class MapStyle(Protocol):
    """What `torch.utils.data` calls a map-style dataset."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@dataclass
class DatasetImages(Images):
    """A map-style dataset; an item is an image, or (image, label); or (source, target), where pairs are wanted.

    Its own random transforms draw from (seed, epoch, index), whichever of torch, NumPy and `random` they use. With
    several workers items are made in processes by PyTorch's DataLoader, some batches ahead.
    """

    dataset: MapStyle
    pairs: bool = False
    workers: int = 1
    classes: int | None = None
    """How many the model has, if it has any."""
    _loader: Iterator[list[Any]] | None = field(default=None, repr=False)
    _next: int = field(default=-1, repr=False)
    _order: ShuffledSampler | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Labels by torchvision's convention, or a TensorDataset's; of another Dataset they are known item by item."""
        known = getattr(self.dataset, "targets", None)
        if isinstance(self.dataset, TensorDataset) and len(self.dataset.tensors) > 1:
            known = self.dataset.tensors[1]
        labels = (
            torch.as_tensor(known)
            if isinstance(known, list | Tensor) and len(known) == len(self)
            else None
        )
        if labels is not None and labels.ndim == 1 and not labels.is_floating_point():
            self.labels = labels

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def fingerprint(self) -> str:
        return f"{type(self.dataset).__qualname__} of {len(self)}"  # its items may be random: nothing to hash

    def fetch(
        self, order: ShuffledSampler, number: int, device: torch.device
    ) -> tuple[Tensor, Tensor | None]:
        try:
            return self._stacked(self._items(order, number), device)
        except DataError:
            self._loader = self._order = (
                None  # its processes end now, not whenever somebody lets go of the error
            )
            raise

    def _stacked(self, items: list[Any], device: torch.device) -> tuple[Tensor, Tensor | None]:
        if error := next((item for item in items if isinstance(item, DataError)), None):
            raise error
        if len(shapes := {tuple(image.shape) for image, _ in items}) > 1:
            raise DataError(
                f"the data set's images differ in shape ({', '.join(map(str, sorted(shapes)))}): resize them"
            )
        images = torch.stack([image for image, _ in items])
        checked_range(images)
        labels = [label for _, label in items if label is not None]
        if labels and len(labels) < len(items):
            raise DataError("some items of the data set have labels, and others none")
        check_labels(labels, self.classes)
        return moved(images, device), torch.tensor(labels, device=device) if labels else None

    def _items(self, order: ShuffledSampler, number: int) -> list[Any]:
        if (
            self.workers > 1
            and self._order is not order
            and not isinstance(order, SequentialSampler)
        ):
            self._loader, self._next, self._order = self._from(order, number), number, order
        if self._loader is not None and self._order is order and number == self._next:
            self._next += 1
            return next(self._loader)
        seeded_items = _SeededItems(
            self.dataset, order.seed, self.pairs
        )  # out of turn: a look at an earlier batch
        return [seeded_items[key] for key in _keys(order, number)]

    def _from(self, order: ShuffledSampler, number: int) -> Iterator[list[Any]]:
        batches = (_keys(order, i) for i in itertools.count(number))
        dataset = _SeededItems(self.dataset, order.seed, self.pairs)
        return iter(
            DataLoader(
                dataset,
                batch_sampler=batches,
                num_workers=self.workers,
                collate_fn=list,
                generator=torch.Generator(),
            )
        )


def check_labels(labels: Sequence[int], classes: int | None) -> None:
    """Raises DataError unless each is the number of one of the model's classes."""
    if (
        classes
        and (wrong := next((label for label in labels if not 0 <= label < classes), None))
        is not None
    ):
        raise DataError(
            f"an image has the label {wrong}, and the model has {classes} classes: 0 to {classes - 1}"
        )


def _keys(order: ShuffledSampler, number: int) -> list[tuple[int, int]]:
    indices, epochs = order[number]
    return list(zip(epochs.tolist(), indices.tolist(), strict=True))


class _SeededItems(Dataset[tuple[Tensor, int | None] | DataError]):
    """Items by (epoch, index); an error is an item, so that it comes out of a worker as what it is."""

    def __init__(self, dataset: MapStyle, seed: int, pairs: bool) -> None:
        self.dataset, self.seed, self.pairs = dataset, seed, pairs

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, int | None] | DataError:
        epoch, index = key
        with _all_seeded("item", self.seed, epoch, index):
            item = self.dataset[index]
        try:
            return split_pair(item) if self.pairs else split_item(item)
        except DataError as error:
            return error


@contextmanager
def _all_seeded(*parts: int | str) -> Iterator[None]:
    """Inside, the generators of torch, NumPy and Python are seeded by the parts; afterwards they are as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    seed = derive_seed(*parts)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        with seeded(*parts, device=torch.device("cpu")):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def split_item(item: Any) -> tuple[Tensor, int | None]:
    """An item of a Dataset -> image `(channels, height, width)` and label; a Pillow picture becomes uint8."""
    image, label = (*item, None)[:2] if isinstance(item, tuple | list) else (item, None)
    if isinstance(image, Image.Image):
        if image.mode not in MODES.values():
            raise DataError(
                f'a picture of the data set has the mode {image.mode}: convert it, .convert("RGB")'
            )
        array = np.asarray(image)
        image = torch.from_numpy(
            array.copy() if array.ndim == 3 else array[..., None].copy()
        ).permute(2, 0, 1)
    if not isinstance(image, Tensor) or image.ndim != 3:
        raise DataError(
            f"a data set's item is an image (channels, height, width), or (image, label), not {item!r:.80}"
        )
    try:
        return image, None if label is None else int(label)
    except (TypeError, ValueError):
        raise DataError(
            f"the label of a data set's item is the number of its class, not {label!r:.80}"
        ) from None


def split_pair(item: Any) -> tuple[Tensor, None]:
    """An item of a Dataset of pairs -> `(2 * channels, height, width)`: the source's channels, then the target's."""
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(f"where pairs are wanted, an item is (source, target), not {item!r:.80}")
    source, target = (split_item(part)[0] for part in item)
    if source.shape != target.shape:
        raise DataError(
            f"source and target of a pair differ: {tuple(source.shape)} and {tuple(target.shape)}"
        )
    return torch.cat([source, target]), None


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
        warnings.warn(
            "the images are all in [0, 1]; ganzoo takes floats as [-1, 1]: pass x * 2 - 1",
            stacklevel=3,
        )


Given = tuple[tuple[Images, ...], DataInfo, Preparation]


def from_python(given: Sequence[object], hp: Hparams, view: Any, workers: int | None) -> Given:
    """One tensor or Dataset, or two, as the parts of the data for a view. Raises DataError for what does not fit."""
    if len(given) > 2 or (len(given) == 2 and view not in (Domains, Pair)):
        raise DataError(f"the model takes one data set, not {len(given)}")
    if view is Domains and len(given) != 2:
        raise DataError("the model wants two domains: pass a tuple of two, (a, b)")
    opened = [_images_of(one, hp, view is Pair and len(given) == 1, workers) for one in given]
    info = opened[0][1]
    for _, other in opened[1:]:
        if (other.size, other.channels) != (info.size, info.channels):
            here, there = (
                f"{one.channels} channels of {one.size}x{one.size}" for one in (info, other)
            )
            raise DataError(f"the two differ: {here}, and {there}")
    if view is Pair and len(given) == 2:
        first, second = (images for images, _ in opened)
        if not (isinstance(first, StoredImages) and isinstance(second, StoredImages)):
            raise DataError(
                "pairs in Python are two tensors of equal shape, or one Dataset of (source, target)"
            )
        if first.images.shape != second.images.shape or first.images.dtype != second.images.dtype:
            raise DataError(
                f"pairs have equal shapes, not {tuple(first.images.shape)} and {tuple(second.images.shape)}"
            )
        parts: tuple[Images, ...] = (StoredImages(torch.cat([first.images, second.images], dim=1)),)
    else:
        parts = tuple(images for images, _ in opened)
    for _, other in opened:
        _check_fits(other, hp)
    preparation = Preparation.of(hp, info)
    return parts, replace(info, size=preparation.image_size), preparation


def _images_of(
    data: object, hp: Hparams, pairs: bool, workers: int | None
) -> tuple[Images, DataInfo]:
    if isinstance(data, Tensor):
        if data.ndim != 4 or not len(data):
            raise DataError(
                f"images are (n, channels, height, width), n at least 1, not {tuple(data.shape)}"
            )
        checked_range(data)
        if (hp.image_size or hp.load_size) and data.shape[-1] != data.shape[-2]:
            raise DataError(
                f"the images are {data.shape[-1]} wide and {data.shape[-2]} high: the model wants squares"
            )
        if pairs:
            raise DataError("the model wants pairs: pass a tuple of two tensors, (source, target)")
        data = data if data.dtype == torch.uint8 else data.float()
        return StoredImages(data), DataInfo(size=data.shape[-1], channels=data.shape[1])
    if not isinstance(data, MapStyle) or isinstance(data, Mapping):
        raise DataError(
            f"data is a SOURCE such as 'digits', a tensor or a Dataset, not {type(data).__name__}"
        )
    if not len(data):
        raise DataError("the data set is empty")
    image, _ = split_pair(data[0]) if pairs else split_item(data[0])
    classes = tuple(map(str, getattr(data, "classes", ())))
    channels = len(image) // 2 if pairs else len(image)
    info = DataInfo(size=image.shape[-1], channels=channels, classes=classes)
    count = getattr(hp, "classes", None) or len(classes) or None
    return DatasetImages(data, pairs, workers or 1, count), info


def _check_fits(info: DataInfo, hp: Hparams) -> None:
    size = "load_size" if hp.load_size else "image_size"
    for name, given in ((size, info.size), ("channels", info.channels)):
        wanted = getattr(hp, name, None)
        if wanted is not None and wanted != given:
            raise DataError(
                f"the data has {name} {given}, the model {wanted}: create it with {name}={given}"
            )
