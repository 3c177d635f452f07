"""The type of a hyperparameter: checked for values, parsed from text, written for people."""

import math
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

from ganzoo.errors import HparamError


@dataclass(frozen=True)
class Range:
    """The numbers a field may have, both ends included: `width: Annotated[int, Range(1, 4096)] = 64`."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"from {self.low:,} to {self.high:,}"


@dataclass(frozen=True)
class PowersOfTwo(Range):
    """The low number, doubled as often as one likes, to the high one: `image_size: Annotated[int, Doublings(8, 1024)]`.

    Sizes of networks that halve or double images, four pixels at the least.
    """

    def __str__(self) -> str:
        return f"{self.low:,} doubled up to {self.high:,}"

    def nearest(self, value: float) -> tuple[float, float]:
        """The largest that is at most the value, and the one above it."""
        smaller = self.low
        while smaller * 2 <= value:
            smaller *= 2
        return smaller, smaller * 2


def type_name(annotation: Any) -> str:
    """How a person writes a type: `int`, `float, from 0 to 1`, `float, float`, `'a' or 'b'`, `int or none`."""
    kind, bounds = bounds_of(annotation)
    if bounds:
        return f"{type_name(kind)}, {bounds}"
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"{type_name(arguments[0])}, ..."
    if origin is tuple:
        return ", ".join(type_name(argument) for argument in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(argument) for argument in arguments)
    return "none" if kind is type(None) else getattr(kind, "__name__", str(kind))


def text_of(value: Any) -> str:
    """A value as it is typed after `--set key=`."""
    if isinstance(value, list | tuple):
        return ",".join(text_of(part) for part in value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def is_class_var(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.ClassVar or annotation is typing.ClassVar


def bounds_of(annotation: Any) -> tuple[Any, Range | None]:
    if typing.get_origin(annotation) is not Annotated:
        return annotation, None
    kind, *extras = typing.get_args(annotation)
    return kind, next((extra for extra in extras if isinstance(extra, Range)), None)


def _wrong(name: str, value: Any, annotation: Any) -> HparamError:
    return HparamError(f"{name}={text_of(value)}: expected {type_name(annotation)}")


def checked(name: str, value: Any, annotation: Any) -> Any:
    """The value as the field keeps it: an int for a float field becomes a float, a list a tuple."""
    kind, bounds = bounds_of(annotation)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        for argument in arguments:
            try:
                return checked(name, value, argument)
            except HparamError:
                continue
        raise _wrong(name, value, annotation)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        parts = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        if len(parts) == len(value):
            return tuple(checked(name, part, kind) for part, kind in zip(value, parts, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**1000 else math.inf
    if {kind, origin} & {list, dict, set}:
        raise HparamError(
            f"{name}: hyperparameters are int, float, str, bool, a Literal or a tuple, as tuple[int, ...]"
        )
    if (
        not isinstance(kind, type)
        or not isinstance(value, kind)
        or (kind is int and isinstance(value, bool))
    ):
        raise _wrong(name, value, annotation)
    if isinstance(value, float) and not math.isfinite(value):
        raise HparamError(f"{name}={value}: expected a finite number")
    if bounds and isinstance(value, int | float) and not bounds.low <= value <= bounds.high:
        raise HparamError(f"{name}={text_of(value)}: expected a number {bounds}")
    if (
        isinstance(bounds, PowersOfTwo)
        and isinstance(value, int)
        and value not in (nearest := bounds.nearest(value))
    ):
        raise HparamError(
            f"{name}={value} is not {bounds}: the nearest two are {nearest[0]} and {nearest[1]}"
        )
    return value


def parsed(name: str, text: str, annotation: Any) -> Any:
    """What a person typed, as a value of the field's type."""
    kind, _ = bounds_of(annotation)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        for argument in arguments:
            try:
                return parsed(name, text, argument)
            except HparamError:
                continue
        raise _wrong(name, text, annotation)
    if origin is Literal:
        return next((choice for choice in arguments if str(choice) == text), text)
    if origin is tuple:
        parts = [part.strip() for part in text.strip("()[]").split(",") if part.strip()]
        kinds = (arguments[0],) * len(parts) if arguments[-1] is Ellipsis else arguments
        if len(kinds) != len(parts):
            raise _wrong(name, text, annotation)
        return tuple(parsed(name, part, kind) for part, kind in zip(parts, kinds, strict=True))
    try:
        return _read_scalar(text, kind)
    except (ValueError, KeyError, OverflowError):
        raise _wrong(name, text, annotation) from None


def _read_scalar(text: str, kind: Any) -> Any:
    if kind is type(None):
        return {"none": None, "null": None, "": None}[text.lower()]
    if kind is bool:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
            text.lower()
        ]
    if kind is int and not text.lstrip("+-").replace("_", "").isdigit():
        number = float(text)  # 1e4 steps is a whole number too
        if number != int(number):
            raise ValueError
        return int(number)
    return kind(text)
