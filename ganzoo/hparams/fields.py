"""The type of a hyperparameter: it checks values, reads text, and is described to people."""

import math
import types
import typing
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from ganzoo.errors import HparamError

UNIONS = (typing.Union, types.UnionType)
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NONE = ("none", "null", "")


class WrongType(HparamError):  # noqa: N818
    """The value is not of the field's type."""


@dataclass(frozen=True)
class Range:
    """The numbers that are allowed, both ends included: `Annotated[int, Range(1, 4096)]`."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"from {self.low:,} to {self.high:,}"

    def problem(self, value: float) -> str:
        """What is wrong with the value, to be written after it; empty if it is allowed."""
        if self.low <= value <= self.high:
            return ""
        return f": expected a number {self}"


@dataclass(frozen=True)
class PowersOfTwo(Range):
    """`low * 2**k` up to `high`: sizes of networks that halve or double an image."""

    def __str__(self) -> str:
        return f"{self.low:,} doubled up to {self.high:,}"

    def problem(self, value: float) -> str:
        nearest = self.low
        while nearest * 2 <= value:
            nearest *= 2
        problem = super().problem(value)
        if problem or nearest == value:
            return problem
        return f" is not {self}: the nearest two are {nearest} and {nearest * 2}"


@dataclass(frozen=True)
class FieldType:
    """What a field may hold: its plain type, the range of its numbers, and its help text."""

    kind: Any
    bounds: Range | None = None
    help: str = ""

    @classmethod
    def of(cls, kind: Any, annotation: Any, base: Self | None) -> Self:
        """The type of a declaration; the range and the help text of `base` stay if it has none."""
        bounds, text = None, ""
        if base:
            text = base.help
            if {int, float} & {kind, *typing.get_args(kind)}:
                bounds = base.bounds
        for extra in _extras(annotation):
            if isinstance(extra, Range):
                bounds = extra
            if isinstance(extra, str):
                text = extra
        return cls(kind, bounds, text)

    def __str__(self) -> str:
        """In words: `int`, `float, from 0 to 1`, `float, float`, `'a' or 'b'`."""
        name = _name(self.kind)
        return f"{name}, {self.bounds}" if self.bounds else name

    def parsed(self, name: str, text: str) -> Any:
        """The value that a person typed after `--set name=`."""
        for value in _readings(text):
            with suppress(WrongType):
                return self.checked(name, value)
        raise self._error(name, text)

    def checked(self, name: str, value: Any) -> Any:
        """The value as it is kept: an int for a float becomes a float, a list a tuple."""
        origin, arguments = typing.get_origin(self.kind), typing.get_args(self.kind)
        if origin in UNIONS:
            for member in arguments:
                with suppress(HparamError):
                    return replace(self, kind=member).checked(name, value)
        elif origin is Literal:
            for choice in arguments:
                if type(choice) is type(value) and choice == value:
                    return choice
        elif origin is not tuple:
            return self._checked_scalar(name, value)
        elif isinstance(value, list | tuple):
            return self._checked_parts(name, value)
        raise self._error(name, value)

    def _checked_parts(self, name: str, values: Sequence[Any]) -> Any:
        kinds = typing.get_args(self.kind)
        if kinds[-1] is Ellipsis:
            kinds = kinds[:1] * len(values)
        if len(kinds) != len(values):
            raise self._error(name, values)
        parts = []
        for kind, value in zip(kinds, values, strict=True):
            parts.append(replace(self, kind=kind).checked(name, value))
        return tuple(parts)

    def _checked_scalar(self, name: str, value: Any) -> Any:
        kind, is_flag = self.kind, isinstance(value, bool)
        if not isinstance(kind, type) or issubclass(kind, list | dict | set):
            choices = "int, float, str, bool, a Literal or a tuple, as tuple[int, ...]"
            raise HparamError(f"{name}: hyperparameters are {choices}")
        if kind is float and type(value) is int:
            value = float(value) if abs(value) < 2**1000 else math.inf
        if not isinstance(value, kind) or (is_flag and kind is int):
            raise self._error(name, value)
        if not isinstance(value, int | float) or is_flag:
            return value
        if not math.isfinite(value):
            raise HparamError(f"{name}={value}: expected a finite number")
        problem = self.bounds.problem(value) if self.bounds else ""
        if problem:
            raise HparamError(f"{name}={value}{problem}")
        return value

    def _error(self, name: str, value: Any) -> WrongType:
        return WrongType(f"{name}={text_of(value)}: expected {self}")


def text_of(value: Any) -> str:
    """A value as it is typed after `--set key=`."""
    if isinstance(value, list | tuple):
        return ",".join(map(text_of, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _extras(annotation: Any) -> Iterator[Any]:
    """What stands beside the types inside of every `Annotated`."""
    yield from getattr(annotation, "__metadata__", ())
    for part in typing.get_args(annotation):
        yield from _extras(part)


def _name(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin in UNIONS:
        return " or ".join(map(_name, arguments))
    if origin is tuple:
        return ", ".join(map(_name, arguments))
    if kind in (None, type(None)):
        return "none"
    return "..." if kind is Ellipsis else getattr(kind, "__name__", str(kind))


def _readings(text: str) -> Iterator[Any]:
    """What a text can mean, the likeliest first."""
    yield _scalar(text)
    yield FLAGS.get(text.lower(), text)
    parts = [part.strip() for part in text.strip("()[]").split(",")]
    parts = list(filter(None, parts))
    yield [*map(_scalar, parts)]
    yield parts
    yield text


def _scalar(text: str) -> Any:
    if text.lower() in NONE:
        return None
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        number = float(text)
        return int(number) if number.is_integer() else number  # 1e4 steps is a whole number
    return text
