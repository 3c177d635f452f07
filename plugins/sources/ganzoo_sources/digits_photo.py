"""Two domains that need no network: handwritten digits, and the same kind of digits on photographs."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from PIL import Image

import ganzoo
from ganzoo_sources.digits import Digits

SIZE = 32
PARTS = {
    **dict.fromkeys(("", "train"), ("both", "train")),
    "test": ("both", "test"),
    "a": ("a", "train"),
    "b": ("b", "train"),
    "a-test": ("a", "test"),
    "b-test": ("b", "test"),
}
"""What may stand after the colon -> domain and part."""


class DigitsPhoto:
    """Domain A: digits; domain B: other digits blended with photographs, as MNIST-M was made (Ganin et al. 2016).

    A digit of B is the absolute difference, for each colour, of its ink and of a patch of one of scikit-learn's two
    photographs (arXiv:1505.07818, section 5.2.1). No digit is in two of the parts: of every ten, four are in A, four
    in B, one in A's and one in B's test part. `digits-photo:test` has the test parts; `digits-photo:a` and
    `digits-photo:b-test` are one domain, labelled, so that a translation can be scored.
    """

    licence = (
        "digits: CC-BY-4.0 (Optical Recognition of Handwritten Digits, UCI Machine Learning Repository); "
        "photographs: CC-BY-2.0 (china.jpg and flower.jpg of scikit-learn)"
    )

    def __init__(self, argument: str = "") -> None:
        if argument not in PARTS:
            raise ganzoo.DataError(
                f"digits-photo takes one of {', '.join(filter(None, PARTS))} after the colon, not {argument!r}"
            )
        self.domain, self.part = PARTS[argument]

    @property
    def info(self) -> ganzoo.DataInfo:
        return ganzoo.DataInfo(size=SIZE, channels=3, classes=tuple("0123456789"))

    def items(self) -> Sequence[ganzoo.Item]:
        a, b = self._split()
        return {"a": a, "b": b, "both": [*a, *b]}[self.domain]

    def domains(self) -> tuple[Sequence[ganzoo.Item], Sequence[ganzoo.Item]]:
        if self.domain != "both":
            raise ganzoo.DataError(
                f"digits-photo:{self.domain} is one domain; digits-photo is both"
            )
        return self._split()

    def _split(self) -> tuple[list[ganzoo.Item], list[ganzoo.Item]]:
        items = list(enumerate(Digits().items()))
        first, second = (4, 8) if self.part == "train" else (9, 10)
        start = 0 if self.part == "train" else 8
        a = [item for i, item in items if start <= i % 10 < first]
        b = [_on_photo(i, item) for i, item in items if first <= i % 10 < second]
        return a, b


def _on_photo(number: int, digit: ganzoo.Item) -> ganzoo.Item:
    return ganzoo.Item(
        digit.name.replace("digits", "photo"),
        partial(_blended, number, digit),
        digit.label,
        f"{digit.stamp}, blended",
    )


def _blended(number: int, digit: ganzoo.Item) -> Image.Image:
    picture = digit.read()
    assert isinstance(picture, Image.Image)
    ink = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC), dtype=np.int16)
    random = np.random.default_rng(number)
    photo = _photographs()[random.integers(2)]
    top, left = (random.integers(side - SIZE + 1) for side in photo.shape[:2])
    patch = photo[top : top + SIZE, left : left + SIZE]
    return Image.fromarray(np.abs(patch.astype(np.int16) - ink[..., None]).astype(np.uint8))


@cache
def _photographs() -> list[Any]:
    from sklearn.datasets import load_sample_images

    return list(load_sample_images().images)
