"""Handwritten digits that need no network: 1,797 of the UCI repository, from scikit-learn."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from PIL import Image

import ganzoo


class Digits:
    """1,797 handwritten digits of 8x8 pixels, labelled 0 to 9.

    Alpaydin & Kaynak 1998, UCI repository, test part.
    """

    licence = (
        "CC-BY-4.0 (Optical Recognition of Handwritten Digits, UCI Machine Learning Repository)"
    )

    def __init__(self, argument: str = "") -> None:
        if argument:
            raise ganzoo.DataError(f"digits takes nothing after the colon, not {argument!r}")

    @property
    def info(self) -> ganzoo.DataInfo:
        """Shown at 32x32: four times the size in which they are stored."""
        return ganzoo.DataInfo(size=32, channels=1, classes=tuple("0123456789"))

    def items(self) -> Sequence[ganzoo.Item]:
        from sklearn.datasets import (
            load_digits,
        )  # a second to import, and only needed here

        bunch = load_digits()
        pictures = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # 17 levels of ink -> 8 bits
        items = []
        for i, (picture, label) in enumerate(zip(pictures, bunch.target, strict=True)):
            read = partial(Image.fromarray, picture)
            stamp = "1,797 of UCI's test part"
            items.append(ganzoo.Item(f"digits/{i:04}", read, str(label), stamp))
        return items
