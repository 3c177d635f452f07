"""An item of a Dataset: its image and its label, in the forms that people's own data have."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.channels import MODES
from ganzoo.data.picture import Preparation, picture_pixels, upright
from ganzoo.errors import DataError
from ganzoo.hparams.size import sides

IMAGE_KEYS = ("image", "pixel_values", "img")
LABEL_KEYS = ("label", "labels")
"""Names of images and of labels in a dict, as data sets of Hugging Face have them."""

Content = Image.Image | Tensor
"""An image: a picture, which can be resized, or a tensor `(channels, height, width)`."""
Split = tuple[list[Content], int | None]
"""The images of an item, one or the two of a pair, and its label."""


def split_item(item: Any) -> Split:
    """The image and the label of `(image, label)`, of a dict, or of an image alone.

    Raises DataError for anything else.
    """
    image, label = item, label_of(item)
    if isinstance(item, Mapping):
        image = _value(item, IMAGE_KEYS)
        if image is None:
            raise DataError(
                f"a dict of {', '.join(map(str, item))} has no image: "
                f"name it {' or '.join(IMAGE_KEYS)}"
            )
    elif isinstance(item, tuple | list):
        if len(item) > 2:
            raise DataError(
                f"an item has {len(item)} parts: it is an image, (image, label), "
                "(image, attributes) or a dict of them"
            )
        image = item[0] if item else None
    content = _content(image)
    if content is None:
        raise DataError(
            "an item is an image (a picture, an array or a tensor), "
            f"(image, label) or a dict of them, not {_in_one_line(item)}"
        )
    try:
        return [content], None if label is None else int(label)
    except (TypeError, ValueError):
        raise DataError(
            f"a label is the number of a class, not {_in_one_line(label)}: pass names.index(label)"
        ) from None


def label_of(item: Any) -> Any:
    """The label of an item, whatever it is; None without one. A dict of attributes is none."""
    if isinstance(item, Mapping):
        return _value(item, LABEL_KEYS)
    if isinstance(item, tuple | list) and len(item) > 1 and not isinstance(item[1], Mapping):
        return item[1]
    return None


def split_pair(item: Any) -> Split:
    """Source and target of an item of pairs, which has no label. Raises DataError for another."""
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(
            f"an item of pairs is (source, target), not {type(item).__name__}; "
            "for pairs of tensors pass a tuple of two, (sources, targets)"
        )
    contents = []
    for image in item:
        one, _ = split_item(image)
        contents += one
    return contents, None


def fitted(image: Content, preparation: Preparation | None) -> Tensor:
    """`(channels, *sides(load_size))`: pictures are converted and resized as a folder's are.

    So are bytes of another shape. Floats, and all tensors without a preparation, stay as they are.
    Raises DataError for a picture that cannot be used, and floats of another shape.
    """
    if preparation is None:
        if isinstance(image, Tensor):
            return image
        raise DataError("a picture, and the first is a tensor: give all as pictures")
    if isinstance(image, Tensor):
        wanted = (preparation.channels, *sides(preparation.load_size))
        if image.shape == wanted:
            return image
        if image.dtype != torch.uint8 or len(image) not in MODES:
            raise DataError(
                f"a tensor of {image.dtype} and the shape {tuple(image.shape)} is not resized "
                f"to {wanted}: give pictures, or resize it yourself"
            )
        image = _picture(image)
    try:
        image.load()
    except OSError as cause:
        raise DataError(f"the picture cannot be decoded: {cause}") from cause
    return tensor_of(picture_pixels(upright(image), preparation), 3)


def tensor_of(images: Any, dimensions: int) -> Tensor:
    """An array or a tensor with its channels before height and width.

    A missing dimension of channels is added; a last one of 1, 3 or 4 channels is moved.
    """
    if isinstance(images, np.ndarray):
        if not images.flags.writeable:
            images = images.copy()
        try:
            native = images.dtype.newbyteorder("=")
            images = torch.from_numpy(np.ascontiguousarray(images, native))
        except TypeError:
            raise DataError(f"images are uint8 or floats, not {images.dtype}") from None
    tensor: Tensor = images
    if tensor.ndim == dimensions - 1:
        tensor = tensor.unsqueeze(-3)
    channels_last = tensor.ndim == dimensions and tensor.shape[-3] not in MODES
    if channels_last and tensor.shape[-1] in MODES:
        tensor = tensor.movedim(-1, -3).contiguous()
    return tensor


def _in_one_line(value: object) -> str:
    words = repr(value).split()  # that of a tensor has many lines
    return " ".join(words)[:80]


def _value(item: Mapping[Any, Any], keys: tuple[str, ...]) -> Any:
    for key in keys:
        if key in item:
            return item[key]
    return None


def _content(image: Any) -> Content | None:
    """None for what is no image."""
    if isinstance(image, Image.Image):
        return image
    if not isinstance(image, Tensor | np.ndarray) or image.ndim not in (2, 3):
        return None
    tensor = tensor_of(image, 3)
    is_picture = tensor.dtype == torch.uint8 and len(tensor) in MODES
    if isinstance(image, np.ndarray) and is_picture:
        return _picture(tensor)
    return tensor


def _picture(levels: Tensor) -> Image.Image:
    """`(1, 3 or 4 channels, height, width)` of bytes -> a picture."""
    array = levels.movedim(0, -1).cpu().numpy()
    if len(levels) == 1:
        array = array[..., 0]
    return Image.fromarray(np.ascontiguousarray(array))
