"""Two domains that need no network: handwritten digits, and other digits on photographs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
from PIL import Image

from ganzoo import DataError, Item
from ganzoo_sources.digits import Digits

SIZE = 32
TRAIN = (range(4), range(4, 8))
TEST = (range(8, 9), range(9, 10))
"""The last figures of the numbers of the digits in A and in B."""
ARGUMENTS = ("train", "test", "a", "b", "a-test", "b-test")


class DigitsPhoto:
    """Domain A: digits; domain B: other digits blended with photographs, as MNIST-M was made.

    A digit of B is the absolute difference, for each colour, of its ink and of a patch of one of
    scikit-learn's two photographs (Ganin et al. 2016, arXiv:1505.07818, section 5.2.1). No digit is
    in two of the parts: of every ten, four are in A, four in B, one in A's and one in B's test
    part. `digits-photo:test` has the test parts; `digits-photo:a` and `digits-photo:b-test` are one
    domain, labelled, so that a translation can be scored.
    """

    licence = (
        f"digits: {Digits.licence}; "
        "photographs: CC-BY-2.0 (china.jpg and flower.jpg of scikit-learn)"
    )

    info = replace(Digits.info, size=SIZE, channels=3)

    def __init__(self, argument: str = "") -> None:
        if argument and argument not in ARGUMENTS:
            names = ", ".join(ARGUMENTS)
            raise DataError(f"digits-photo:{argument}: choose from {names}")
        self.domain = argument.removesuffix("-test")
        figures = TEST if argument.endswith("test") else TRAIN
        digits = list(enumerate(Digits().items()))
        self._a = [item for i, item in digits if i % 10 in figures[0]]
        b = [pair for pair in digits if pair[0] % 10 in figures[1]]
        self._b = [_on_photo(i, item) for i, item in b]

    def items(self) -> Sequence[Item]:
        domains = {"a": self._a, "b": self._b}
        return domains.get(self.domain) or self._a + self._b

    def domains(self) -> tuple[Sequence[Item], Sequence[Item]]:
        if self.domain in ("a", "b"):
            raise DataError(f"digits-photo:{self.domain} is one domain; digits-photo is both")
        return self._a, self._b


def _on_photo(number: int, digit: Item) -> Item:
    name = digit.name.replace("digits", "photo")
    read = partial(_blended, number, digit)
    return replace(digit, name=name, read=read, stamp=f"{digit.stamp}, blended")


def _blended(number: int, digit: Item) -> Image.Image:
    picture = digit.read()
    assert isinstance(picture, Image.Image)
    large = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    ink = np.asarray(large, dtype=np.int16)[..., None]
    random = np.random.default_rng(number)
    photo = _photographs()[random.integers(2)]
    height, width, _ = photo.shape
    top = random.integers(height - SIZE + 1)
    left = random.integers(width - SIZE + 1)
    patch = photo[top : top + SIZE, left : left + SIZE]
    difference = np.abs(patch.astype(np.int16) - ink)
    return Image.fromarray(difference.astype(np.uint8))


@cache
def _photographs() -> list[Any]:
    from sklearn.datasets import load_sample_images

    return list(load_sample_images().images)
