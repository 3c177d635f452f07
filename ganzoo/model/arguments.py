"""What people pass to a model: classes by number or name, pictures of any kind."""

import operator
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.channels import MODES
from ganzoo.data.batches import centred, scaled
from ganzoo.data.files import read_file
from ganzoo.data.in_memory import warn_of_unit_range
from ganzoo.data.picture import (
    Preparation,
    converted,
    decoded,
    ignore_pillow_warnings,
    pixels,
    upright,
)
from ganzoo.data.source import Item
from ganzoo.errors import BadImage, DataError, UsageError, unknown
from ganzoo.files import expanded
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.images import from_pil

Class = int | str
"""The number or the name of a class."""
Classes = Class | Sequence[Class] | Tensor | np.ndarray[Any, Any]
"""One class for all images, or one for each."""
Picture = Image.Image | str | Path
"""A picture, or the path of one."""
Images = Tensor | np.ndarray[Any, Any] | Picture | Sequence[Picture]
"""A tensor `(n, channels, height, width)` or one image without n, an array with the channels last
(uint8, or floats in [-1, 1]), or pictures."""


def class_numbers(labels: Classes, n: int, names: Sequence[str]) -> Tensor:
    """`(n,)`, the numbers of the classes. Raises UsageError if they are none, or not n."""
    if isinstance(labels, Tensor | np.ndarray | np.generic):
        labels = labels.tolist()
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        labels = [labels] * n
    if len(labels) != n:
        raise UsageError(f"labels: {n} images need as many, or one for all, not {len(labels)}")
    numbers = [class_number(label, names) for label in labels]
    return torch.tensor(numbers, dtype=torch.long)


def class_number(label: Any, names: Sequence[str]) -> int:
    """The number of a class, from its name or its number.

    Raises UnknownName, with the closest name, or UsageError if there is no such class.
    """
    last = len(names) - 1
    if isinstance(label, str):
        if label in names:
            return names.index(label)
        if label.isdecimal() and int(label) <= last:
            return int(label)
        raise unknown("class", label, names)
    try:
        number = operator.index(label)
    except TypeError:
        number = -1
    if isinstance(label, bool) or not 0 <= number <= last:
        raise UsageError(f"labels: {label!r} is no class: pass numbers from 0 to {last}, or names")
    return number


def whole_number(name: str, value: Any) -> int:
    """A number of images, or a seed. Raises UsageError for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise UsageError(f"{name}={value!r}: pass a whole number, 0 or more")
    return number


def image_tensor(images: object) -> Tensor | None:
    """Images that are a tensor, or an array of floats, as a tensor; None for pictures.

    uint8 is scaled to [-1, 1], and one image gets its first dimension. Raises UsageError for an
    array of another shape, type or range.
    """
    if isinstance(images, Tensor):
        if images.dtype == torch.uint8:
            images = scaled(images)
        return images[None] if images.ndim == 3 else images
    if not isinstance(images, np.ndarray) or images.dtype == np.uint8:
        return None
    array = _with_four_dimensions(images)
    if array.dtype.kind != "f" or not np.all(np.abs(array) <= 1.001):
        raise UsageError(f"an array is uint8, or floats in [-1, 1]; this one is {_kind(array)}")
    tensor = torch.from_numpy(array.astype(np.float32)).permute(0, 3, 1, 2)
    if len(tensor):
        warn_of_unit_range(tensor)
    return tensor


def _kind(array: np.ndarray[Any, Any]) -> str:
    if array.dtype.kind != "f":
        return str(array.dtype)
    return f"{array.dtype} from {array.min():.4g} to {array.max():.4g}: divide by 127.5, subtract 1"


def _with_four_dimensions(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`(n, height, width, channels)`."""
    shape = array.shape
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[3] not in MODES:
        raise UsageError(
            "an array of images is (height, width), (height, width, channels) or "
            f"(n, height, width, channels) with 1, 3 or 4 channels, not {shape}"
        )
    return array


def _items(images: Any) -> list[Item]:
    """Pictures as items of a source. Raises UsageError for anything else, and for none."""
    if isinstance(images, np.ndarray):
        images = list(_with_four_dimensions(images))
    elif isinstance(images, Image.Image | str | Path):
        images = [images]
    if not isinstance(images, list | tuple):
        raise _no_image(images)
    if not images:
        raise UsageError("there are no images: pass at least one")
    return [_item(image, number) for number, image in enumerate(images)]


def _item(image: Any, number: int) -> Item:
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim < 4:
        array = _with_four_dimensions(image)[0]
        image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    if isinstance(image, Image.Image):
        return Item(f"picture {number}", partial(upright, image))
    if not isinstance(image, str | Path):
        raise _no_image(image)
    path = expanded(image)
    if path.is_dir():
        raise UsageError(f"{path} is a folder: pass a list of its pictures")
    return Item(str(path), partial(read_file, path))


def _no_image(value: object) -> UsageError:
    return UsageError(
        "images are a tensor, a NumPy array, a PIL picture, a path, or a list of pictures or "
        f"paths, not {type(value).__name__}"
    )


def prepared(item: Item, preparation: Preparation) -> Tensor:
    """The picture as a model was trained on it: `(channels, *sides(image_size))` in [-1, 1].

    Raises BadImage.
    """
    stored = torch.from_numpy(pixels(item, preparation))
    return scaled(centred(stored, preparation.image_size))


def prepared_pictures(images: Any, hp: Hparams) -> Tensor:
    """Pictures of any size as `(n, channels, image_size, image_size)`, like those of the training.

    Raises UsageError for what is no picture, DataError for one that cannot be read.
    """
    preparation = Preparation.of(hp, DataInfo(size=0, channels=3))
    return torch.stack(_read(images, partial(prepared, preparation=preparation)))


def whole_pictures(images: Any, channels: int) -> Tensor:
    """Pictures of one size as `(n, channels, height, width)` in [-1, 1], in that size.

    Raises UsageError if the sizes differ, DataError for a picture that cannot be read.
    """
    tensors = _read(images, partial(_whole, channels=channels))
    sizes = {f"{tensor.shape[2]}x{tensor.shape[1]}" for tensor in tensors}
    if len(sizes) > 1:
        raise UsageError(
            f"pictures of different sizes ({', '.join(sorted(sizes))}) are no single tensor: "
            "translate them one by one, or with ganzoo translate RUN FOLDER OUT"
        )
    return torch.stack(tensors)


def _whole(item: Item, channels: int) -> Tensor:
    picture, _ = decoded(item)
    picture, _ = converted(picture, channels)
    return from_pil(picture)


def _read(images: Any, read: Callable[[Item], Tensor]) -> list[Tensor]:
    tensors = []
    with ignore_pillow_warnings():
        for item in _items(images):
            try:
                tensors.append(read(item))
            except BadImage as cause:
                raise DataError(f"{item.name} cannot be used ({cause.kind}): {cause}") from cause
    return tensors
