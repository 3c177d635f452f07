"""Hyperparameters: every number that changes the result, in one frozen dataclass per model."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Self, Union

from ganzoo.errors import HparamError, PluginError, unknown


@dataclass(frozen=True)
class Range:
    """The numbers a field may have, both ends included: `width: Annotated[int, Range(1, 4096)] = 64`."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"from {self.low:,} to {self.high:,}"


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """What a data set says of itself, to fill the hyperparameters that are None.

    `size` is the height and width in pixels, `channels` 1 for grey and 3 for colour, `classes` the names of
    the labels in order (empty without labels).
    """

    size: int
    channels: int
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hparams:
    """The hyperparameters that every model has. A model subclasses this and adds its own.

    A step is one full pass of the model's `losses`. `batch_size` is that of all processes together. `ema` is
    the decay of the averages that the model asks for with `averaged()`.
    """

    batch_size: Annotated[int, Range(1, 2**20)] = 64
    steps: Annotated[int, Range(1, 10**9)] = 10_000
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0
    lr: Annotated[float, Range(0, 100)] = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    ema: Annotated[float, Range(0, 1)] = 0.0

    def __post_init__(self) -> None:
        for name, annotation in self.annotations().items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), annotation))
        if not all(0 <= beta < 1 for beta in self.betas):
            raise HparamError(f"betas={_text(self.betas)}: each must be at least 0 and below 1")
        self.validate()

    def validate(self) -> None:
        """Override to check fields against each other; raise `ganzoo.HparamError`."""

    @classmethod
    def annotations(cls) -> dict[str, Any]:
        """Field name -> type, in the order of declaration.

        A field that is declared again without a range (`lr: float = 1e-4`) keeps the one it had.
        """
        return _annotations(cls)

    def replaced(self, values: Mapping[str, Any]) -> Self:
        """A copy with these values, each checked against its field's type and range."""
        for name in values:
            if name not in self.annotations():
                raise unknown("hyperparameter", name, self.annotations())
        return dataclasses.replace(self, **values)

    def for_data(self, info: DataInfo) -> Self:
        """A copy in which the fields that are None are filled from the data: image_size, channels, classes."""
        found = {"image_size": info.size, "channels": info.channels, "classes": len(info.classes) or None}
        return self.replaced({name: found[name] for name in self.unfilled() if name in found})

    def unfilled(self) -> list[str]:
        """The fields that still wait for the data."""
        return [
            n for n in ("image_size", "channels", "classes") if n in self.annotations() and getattr(self, n) is None
        ]

    @classmethod
    def parse(cls, assignment: str) -> tuple[str, Any]:
        """`"lr=1e-3"` -> `("lr", 0.001)`, read as the type of the field."""
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise HparamError(f"{assignment!r} is not key=value")
        annotations = cls.annotations()
        if name not in annotations:
            raise unknown("hyperparameter", name, annotations)
        return name, _parsed(name, text.strip(), annotations[name])

    def to_json(self) -> dict[str, Any]:
        """Name -> value, of types that JSON has."""
        values = {name: getattr(self, name) for name in self.annotations()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


@cache
def _annotations(cls: type[Hparams]) -> dict[str, Any]:
    hints = {n: h for n, h in typing.get_type_hints(cls, include_extras=True).items() if not _is_class_var(h)}
    names = [field.name for field in dataclasses.fields(cls)]
    if forgotten := [name for name in hints if name not in names]:
        raise PluginError(
            f"{cls.__qualname__}.{forgotten[0]} is not a field: put @dataclass(frozen=True, kw_only=True) above the class"
        )
    inherited = _annotations(cls.__base__) if cls is not Hparams and issubclass(cls.__base__ or object, Hparams) else {}
    return {n: inherited[n] if _bounds(inherited.get(n))[0] is hints[n] else hints[n] for n in names}


def type_name(annotation: Any) -> str:
    """How a person writes a type: `int`, `float, from 0 to 1`, `float, float`, `'a' or 'b'`, `int or none`."""
    kind, bounds = _bounds(annotation)
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


def _text(value: Any) -> str:
    """A value as it is typed after `--set key=`."""
    if isinstance(value, list | tuple):
        return ",".join(_text(part) for part in value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _is_class_var(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.ClassVar or annotation is typing.ClassVar


def _bounds(annotation: Any) -> tuple[Any, Range | None]:
    if typing.get_origin(annotation) is not Annotated:
        return annotation, None
    kind, *extras = typing.get_args(annotation)
    return kind, next((extra for extra in extras if isinstance(extra, Range)), None)


def _wrong(name: str, value: Any, annotation: Any) -> HparamError:
    return HparamError(f"{name}={_text(value)}: expected {type_name(annotation)}")


def _checked(name: str, value: Any, annotation: Any) -> Any:
    """The value as the field keeps it: an int for a float field becomes a float, a list a tuple."""
    kind, bounds = _bounds(annotation)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        for argument in arguments:
            try:
                return _checked(name, value, argument)
            except HparamError:
                continue
        raise _wrong(name, value, annotation)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        parts = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        if len(parts) == len(value):
            return tuple(_checked(name, part, kind) for part, kind in zip(value, parts, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(kind, type) or not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _wrong(name, value, annotation)
    if isinstance(value, float) and not math.isfinite(value):
        raise HparamError(f"{name}={value}: expected a finite number")
    if bounds and isinstance(value, int | float) and not bounds.low <= value <= bounds.high:
        raise HparamError(f"{name}={_text(value)}: expected a number {bounds}")
    return value


def _parsed(name: str, text: str, annotation: Any) -> Any:
    """What a person typed, as a value of the field's type."""
    kind, _ = _bounds(annotation)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        for argument in arguments:
            try:
                return _parsed(name, text, argument)
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
        return tuple(_parsed(name, part, kind) for part, kind in zip(parts, kinds, strict=True))
    try:
        return _read_scalar(text, kind)
    except (ValueError, KeyError, OverflowError):
        raise _wrong(name, text, annotation) from None


def _read_scalar(text: str, kind: Any) -> Any:
    if kind is type(None):
        return {"none": None, "null": None, "": None}[text.lower()]
    if kind is bool:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
    if kind is int and not text.lstrip("+-").replace("_", "").isdigit():
        number = float(text)  # 1e4 steps is a whole number too
        if number != int(number):
            raise ValueError
        return int(number)
    return kind(text)
