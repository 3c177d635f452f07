"""Two domains that need no network: handwritten digits, and other digits on photographs."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from PIL import Image

import ganzoo
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
        "digits: CC-BY-4.0 (Optical Recognition of Handwritten Digits, UCI Machine Learning "
        "Repository); photographs: CC-BY-2.0 (china.jpg and flower.jpg of scikit-learn)"
    )

    def __init__(self, argument: str = "") -> None:
        if argument and argument not in ARGUMENTS:
            raise ganzoo.DataError(
                f"digits-photo:{argument}: choose from {', '.join(ARGUMENTS)} after the colon"
            )
        self.domain = argument[0] if argument.startswith(("a", "b")) else ""
        self.argument = argument
        self.figures = TEST if argument.endswith("test") else TRAIN

    @property
    def info(self) -> ganzoo.DataInfo:
        return ganzoo.DataInfo(size=SIZE, channels=3, classes=tuple("0123456789"))

    def items(self) -> Sequence[ganzoo.Item]:
        a, b = self._split()
        return {"a": a, "b": b, "": a + b}[self.domain]

    def domains(
        self,
    ) -> tuple[Sequence[ganzoo.Item], Sequence[ganzoo.Item]]:
        if self.domain:
            raise ganzoo.DataError(
                f"digits-photo:{self.argument} is one domain; digits-photo is both"
            )
        return self._split()

    def _split(self) -> tuple[list[ganzoo.Item], list[ganzoo.Item]]:
        a, b = [], []
        for number, item in enumerate(Digits().items()):
            if number % 10 in self.figures[0]:
                a.append(item)
            elif number % 10 in self.figures[1]:
                b.append(_on_photo(number, item))
        return a, b


def _on_photo(number: int, digit: ganzoo.Item) -> ganzoo.Item:
    name = digit.name.replace("digits", "photo")
    read = partial(_blended, number, digit)
    return ganzoo.Item(name, read, digit.label, f"{digit.stamp}, blended")


def _blended(number: int, digit: ganzoo.Item) -> Image.Image:
    picture = digit.read()
    assert isinstance(picture, Image.Image)
    ink = np.asarray(
        picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC),
        dtype=np.int16,
    )
    random = np.random.default_rng(number)
    photo = _photographs()[random.integers(2)]
    top, left = (random.integers(side - SIZE + 1) for side in photo.shape[:2])
    patch = photo[top : top + SIZE, left : left + SIZE]
    return Image.fromarray(np.abs(patch.astype(np.int16) - ink[..., None]).astype(np.uint8))


@cache
def _photographs() -> list[Any]:
    from sklearn.datasets import load_sample_images

    return list(load_sample_images().images)
