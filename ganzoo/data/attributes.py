"""Attributes: what is known of the images of a data set, by name, and as numbers for a network."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor

from ganzoo.errors import UsageError, unknown
from ganzoo.seeds import rng

logger = logging.getLogger(__name__)

TEXT = "text"
"""The attribute that is free text, a caption: it is no attribute to choose from."""
LARGEST = 1000
"""Values of a categorical attribute; one with more names its images, and says nothing of them."""
QUANTILES = 33
HUGE = 1e30
"""Numbers beyond are texts: their squares have to be finite."""
Request = Mapping[str, str | float]
"""What is asked of an image, by attribute: `{"hair": "blond"}`; of a text, `{"text": "..."}`."""


@dataclass(frozen=True)
class Categories:
    """An attribute of texts: its values, and how many images have each; "" is none of them."""

    counts: dict[str, int]

    @cached_property
    def values(self) -> list[str]:
        return [value for value in self.counts if value]

    @property
    def length(self) -> int:
        return len(self.values)

    def checked(self, name: str, value: str | float) -> str:
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if not isinstance(value, str | int | float):
            raise UsageError(f"{name}={value!r:.60}: choose from {self.described()}")
        text = str(value)
        if text not in self.counts:
            raise unknown(f"value of {name}", text, self.values)
        return text

    def encoded(self, value: str | float) -> list[float]:
        return [float(value == one) for one in self.values]

    def drawn(self, uniform: float) -> str:
        """A value by its share of the images."""
        left = uniform * sum(self.counts.values())
        for value, count in self.counts.items():
            left -= count
            if left < 0:
                return value
        return next(reversed(self.counts))

    def described(self) -> str:
        return ", ".join(self.values)


@dataclass(frozen=True)
class Numbers:
    """An attribute of numbers: quantiles at even distances, and mean and deviation."""

    quantiles: list[float]
    mean: float
    deviation: float

    length = 1

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        tensor = torch.tensor(sorted(values), dtype=torch.float64)
        shares = torch.linspace(0, 1, QUANTILES, dtype=torch.float64)
        quantiles = torch.quantile(tensor, shares).tolist()
        deviation = tensor.std(unbiased=False).item()
        return cls(quantiles, tensor.mean().item(), deviation or 1.0)

    def checked(self, name: str, value: str | float) -> float:
        number = _number(value)
        if number is None:
            low, high = self.quantiles[0], self.quantiles[-1]
            raise UsageError(f"{name}={value}: it is a number; the data have {low:g} to {high:g}")
        return number

    def encoded(self, value: str | float) -> list[float]:
        number = _number(value)
        return [0.0 if number is None else (number - self.mean) / self.deviation]

    def drawn(self, uniform: float) -> float:
        """A number between two quantiles."""
        place = uniform * (len(self.quantiles) - 1)
        below = int(place)
        low, high = self.quantiles[below : below + 2]
        return low + (place - below) * (high - low)

    def described(self) -> str:
        return f"{self.quantiles[0]:g} to {self.quantiles[-1]:g}"


@dataclass(frozen=True)
class Attributes:
    """The attributes of a data set by name, in alphabetical order."""

    kinds: dict[str, Categories | Numbers]

    @classmethod
    def of(cls, images: Sequence[Mapping[str, str]]) -> Self:
        """Those of the images: numbers if all values are, and more than two differ."""
        names = sorted({name for image in images for name in image} - {TEXT})
        kinds: dict[str, Categories | Numbers] = {}
        for name in names:
            values = [_known(image.get(name, "")) for image in images]
            counts = Counter(values)
            numbers = list(map(_number, filter(None, values)))
            is_numeric = None not in numbers and len(counts.keys() - {""}) > 2
            if is_numeric:
                kinds[name] = Numbers.of([number for number in numbers if number is not None])
            elif len(counts) <= LARGEST:
                kinds[name] = Categories(dict(sorted(counts.items())))
            else:
                logger.warning(f"{name} has {len(counts):,} values: it is no attribute to ask for")
        return cls(kinds)

    @property
    def length(self) -> int:
        """The length of a condition: one number for each value, or for a number itself."""
        return sum(kind.length for kind in self.kinds.values())

    def encoded(self, requests: Sequence[Request]) -> Tensor:
        """`(n, length)`: 1 for the value of an attribute, 0 for others, numbers standardised.

        What a request lacks is 0.
        """
        rows = []
        for request in requests:
            row: list[float] = []
            for name, kind in self.kinds.items():
                row += kind.encoded(request.get(name, ""))
            rows.append(row)
        return torch.tensor(rows, dtype=torch.float32).view(len(requests), self.length)

    def checked(self, request: Request) -> dict[str, str | float]:
        """The request, with numbers as numbers. Raises UnknownName or UsageError."""
        result = {}
        for name, value in request.items():
            if name not in self.kinds:
                raise unknown("attribute", name, self.kinds)
            result[name] = self.kinds[name].checked(name, value)
        return result

    def completed(self, request: Request, seed: int, number: int) -> dict[str, str | float]:
        """The request, and what it lacks drawn as the data have it: from (seed, number) alone."""
        draws = torch.rand(len(self.kinds), generator=rng("attributes", seed, number)).tolist()
        result: dict[str, str | float] = {}
        for (name, kind), draw in zip(self.kinds.items(), draws, strict=True):
            result[name] = kind.drawn(draw)
        return result | dict(request)

    @property
    def structure(self) -> dict[str, Any]:
        """What a network depends on: names, and values of those that are texts."""
        result: dict[str, Any] = {}
        for name, kind in self.kinds.items():
            result[name] = kind.values if isinstance(kind, Categories) else "number"
        return result

    def to_json(self) -> dict[str, Any]:
        return {name: asdict(kind) for name, kind in self.kinds.items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Raises TypeError, ValueError or LookupError for anything but the result of `to_json`."""
        kinds: dict[str, Categories | Numbers] = {}
        for name, kind in document.items():
            if "counts" in kind:
                counts = {str(value): int(count) for value, count in kind["counts"].items()}
                kinds[name] = Categories(counts)
                continue
            quantiles = list(map(float, kind["quantiles"]))
            if len(quantiles) < 2:
                raise ValueError(f"{name} has no range")
            kinds[name] = Numbers(quantiles, float(kind["mean"]), float(kind["deviation"]))
        return cls(kinds)


def _number(value: str | float) -> float | None:
    """None for a text, and for what no float32 can hold."""
    with suppress(ValueError, TypeError):
        number = float(value)
        return number if abs(number) < HUGE else None
    return None


def _known(value: str) -> str:
    """The value; empty for not a number, as tables of pandas have what is missing."""
    return "" if value.strip().lower() == "nan" else value
