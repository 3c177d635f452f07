"""Images passed in from Python with what is known of each: their attributes as texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.data.dataset_item import IMAGE_KEYS, LABEL_KEYS
from ganzoo.errors import DataError

WAY_OUT = (
    "pass (images, [{'hair': 'blond'}, ...]), or a list or Dataset of (image, {'hair': 'blond'}) "
    "or of dicts"
)


def with_attributes(data: Any) -> tuple[Any, list[dict[str, str]]]:
    """The images, and the attributes of each, of a tuple of both or of a Dataset.

    Raises DataError if they are not there. A Dataset of no Hugging Face columns is read once.
    """
    if isinstance(data, tuple) and len(data) == 2 and _are_mappings(data[1]):
        images, attributes = data
        if isinstance(images, list | tuple):
            images = [(image, {}) for image in images]
        return images, list(map(_texts, attributes))
    features = getattr(data, "features", None)
    if isinstance(features, Mapping):
        return data, _of_columns(data, features)
    if not hasattr(data, "__getitem__") or not hasattr(data, "__len__"):
        raise DataError(f"the model wants attributes of the images: {WAY_OUT}")
    return data, [_of_item(data[number]) for number in range(len(data))]


def _of_columns(data: Any, features: Mapping[str, Any]) -> list[dict[str, str]]:
    """Of a data set of Hugging Face: its columns of texts, numbers, truth values and classes."""
    columns: dict[str, list[Any]] = {}
    for name, feature in features.items():
        is_plain = hasattr(feature, "dtype") and str(feature.dtype) != "binary"
        if name not in IMAGE_KEYS and is_plain:
            names = getattr(feature, "names", None)
            values = list(data[name])
            columns[name] = [names[value] for value in values] if names else values
    rows = zip(*columns.values(), strict=True)
    return [_texts(dict(zip(columns, row, strict=True))) for row in rows]


def _of_item(item: Any) -> dict[str, str]:
    if isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[1], Mapping):
        return _texts(item[1])
    if isinstance(item, Mapping):
        return _texts({key: item[key] for key in item if key not in IMAGE_KEYS + LABEL_KEYS})
    raise DataError(f"an item has no attributes: {WAY_OUT}")


def _are_mappings(values: Any) -> bool:
    is_list = isinstance(values, Sequence) and len(values) > 0
    return is_list and all(isinstance(value, Mapping) for value in values)


def _texts(attributes: Mapping[Any, Any]) -> dict[str, str]:
    """Numbers, truth values and texts as texts; nothing else is an attribute."""
    result = {}
    for name, value in attributes.items():
        if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
            value = value.item()  # a number of NumPy or torch
        if isinstance(value, bool):
            result[str(name)] = "yes" if value else "no"
        elif isinstance(value, str | int | float):
            result[str(name)] = str(value)
    return result
