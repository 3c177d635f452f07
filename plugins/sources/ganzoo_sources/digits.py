"""Handwritten digits that need no network: 1,797 of the UCI repository, from scikit-learn."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from PIL import Image

from ganzoo import DataError, DataInfo, Item

STAMP = "1,797 of UCI's test part"


class Digits:
    """1,797 handwritten digits of 8x8 pixels, labelled 0 to 9.

    Alpaydin & Kaynak 1998, UCI repository, test part.
    """

    licence = (
        "CC-BY-4.0 (Optical Recognition of Handwritten Digits, UCI Machine Learning Repository)"
    )

    info = DataInfo(size=32, channels=1, classes=tuple("0123456789"))
    """Shown at 32x32: four times the size in which they are stored."""

    def __init__(self, argument: str = "") -> None:
        if argument:
            raise DataError(f"digits takes no argument, not {argument!r}")

    def items(self) -> Sequence[Item]:
        from sklearn.datasets import load_digits  # takes a second

        bunch = load_digits()
        # 17 levels of ink -> 8 bits
        pictures = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
        items = []
        for i, label in enumerate(bunch.target):
            read = partial(Image.fromarray, pictures[i])
            name = f"digits/{i:04}"
            items.append(Item(name, read, str(label), STAMP))
        return items
