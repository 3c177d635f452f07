"""Images of a `torch.utils.data.Dataset`, with its own transforms."""

import itertools
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ganzoo.data.order import InTurn, Order
from ganzoo.data.reading import Images, moved
from ganzoo.device import derive_seed, seeded
from ganzoo.errors import DataError
from ganzoo.images import MODES


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
    _order: Order | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Labels by torchvision's convention, or a TensorDataset's; of another Dataset they are known item by item."""
        known = getattr(self.dataset, "targets", None)
        if isinstance(self.dataset, TensorDataset) and len(self.dataset.tensors) > 1:
            known = self.dataset.tensors[1]
        labels = torch.as_tensor(known) if isinstance(known, list | Tensor) and len(known) == len(self) else None
        if labels is not None and labels.ndim == 1 and not labels.is_floating_point():
            self.labels = labels

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def fingerprint(self) -> str:
        return f"{type(self.dataset).__qualname__} of {len(self)}"  # its items may be random: nothing to hash

    def fetch(self, order: Order, number: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
        try:
            return self._stacked(self._items(order, number), device)
        except DataError:
            self._loader = self._order = None  # its processes end now, not whenever somebody lets go of the error
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

    def _items(self, order: Order, number: int) -> list[Any]:
        if self.workers > 1 and self._order is not order and not isinstance(order, InTurn):
            self._loader, self._next, self._order = self._from(order, number), number, order
        if self._loader is not None and self._order is order and number == self._next:
            self._next += 1
            return next(self._loader)
        seeded_items = _SeededItems(self.dataset, order.seed, self.pairs)  # out of turn: a look at an earlier batch
        return [seeded_items[key] for key in _keys(order, number)]

    def _from(self, order: Order, number: int) -> Iterator[list[Any]]:
        batches = (_keys(order, i) for i in itertools.count(number))
        dataset = _SeededItems(self.dataset, order.seed, self.pairs)
        return iter(
            DataLoader(
                dataset, batch_sampler=batches, num_workers=self.workers, collate_fn=list, generator=torch.Generator()
            )
        )


def check_labels(labels: Sequence[int], classes: int | None) -> None:
    """Raises DataError unless each is the number of one of the model's classes."""
    if classes and (wrong := next((label for label in labels if not 0 <= label < classes), None)) is not None:
        raise DataError(f"an image has the label {wrong}, and the model has {classes} classes: 0 to {classes - 1}")


def _keys(order: Order, number: int) -> list[tuple[int, int]]:
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
            raise DataError(f'a picture of the data set has the mode {image.mode}: convert it, .convert("RGB")')
        array = np.asarray(image)
        image = torch.from_numpy(array.copy() if array.ndim == 3 else array[..., None].copy()).permute(2, 0, 1)
    if not isinstance(image, Tensor) or image.ndim != 3:
        raise DataError(f"a data set's item is an image (channels, height, width), or (image, label), not {item!r:.80}")
    try:
        return image, None if label is None else int(label)
    except (TypeError, ValueError):
        raise DataError(f"the label of a data set's item is the number of its class, not {label!r:.80}") from None


def split_pair(item: Any) -> tuple[Tensor, None]:
    """An item of a Dataset of pairs -> `(2 * channels, height, width)`: the source's channels, then the target's."""
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(f"where pairs are wanted, an item is (source, target), not {item!r:.80}")
    source, target = (split_item(part)[0] for part in item)
    if source.shape != target.shape:
        raise DataError(f"source and target of a pair differ: {tuple(source.shape)} and {tuple(target.shape)}")
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
        warnings.warn("the images are all in [0, 1]; ganzoo takes floats as [-1, 1]: pass x * 2 - 1", stacklevel=3)
