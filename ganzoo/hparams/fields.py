"""The type of a hyperparameter: it checks values, reads text, and is described to people."""

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from ganzoo.errors import HparamError

ALTERNATIVES = (Union, UnionType, Annotated)
"""One of the arguments fits. The others of Annotated, ranges and help texts, fit nothing."""
SIZE = re.compile(r"\d+x\d+")
"""Height and width, `64x96`."""
TRUE = ("true", "yes", "1")
FALSE = ("false", "no", "0")
NONE = ("none", "null", "")
WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    NoneType: "none",
}
"""Types, for people who do not program."""


class WrongValue(HparamError):  # noqa: N818
    """The value is not of the field's type, or not in its range."""


@dataclass(frozen=True)
class Range:
    """The numbers that are allowed, both ends included: `Annotated[int, Range(1, 4096)]`."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"from {self.low:,} to {self.high:,}"

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


class PowersOfTwo(Range):
    """`low * 2**k` up to `high`: sizes of networks that halve or double an image."""

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self._sizes()))}"

    def __contains__(self, value: float) -> bool:
        return value in self._sizes()

    def _sizes(self) -> list[float]:
        largest = int(math.log2(self.high / self.low))
        return [self.low * 2**k for k in range(largest + 1)]


@dataclass(frozen=True)
class FieldType:
    """What a field may hold: its type, the range of its numbers, and its help text."""

    kind: Any
    bounds: Range | None
    help: str

    @classmethod
    def of(cls, annotation: Any, base: Self | None) -> Self:
        """The type of a declaration; the range and the help text of `base` stay if it has none."""
        parts = list(_parts(annotation))
        text = base.help if base else ""
        has_numbers = int in parts or float in parts
        bounds = base.bounds if base and has_numbers else None
        for part in parts:
            if isinstance(part, Range):
                bounds = part
            if isinstance(part, str):
                text = part
        return cls(annotation, bounds, text)

    def __str__(self) -> str:
        """In words: `int`, `float, from 0 to 1`, `float, float`, `'a' or 'b'`."""
        name = _name(self.kind)
        return f"{name}, {self.bounds}" if self.bounds else name

    def parsed(self, name: str, text: str) -> Any:
        """The value that a person typed after `--set name=`."""
        for value in (*_readings(text), text):
            with suppress(WrongValue):
                return self.checked(name, value)
        return self.checked(name, scalar(text))

    def checked(self, name: str, value: Any) -> Any:
        """The value as it is kept: an int for a float becomes a float, a list a tuple."""
        try:
            return self._fitted(value, self.kind)
        except TypeError:
            wanted = f"expected {self._in_words()}{self._not_text(name, value)}"
            raise WrongValue(f"{name}={text_of(value)}: {wanted}") from None
        except ArithmeticError:
            raise HparamError(f"{name}={text_of(value)}: expected a finite number") from None

    def _in_words(self) -> str:
        """`a whole number (int), from 1 to 8`."""
        words, name = _words(self.kind), _name(self.kind)
        text = words if words == name else f"{words} ({name})"
        return f"{text}, {self.bounds}" if self.bounds else text

    def _not_text(self, name: str, value: Any) -> str:
        """For a text in place of a number: `, not the text '8': write width = 8`."""
        if not isinstance(value, str):
            return ""
        result = f", not the text {value!r}"
        for reading in _readings(value):
            with suppress(TypeError, ArithmeticError):
                fitted = self._fitted(reading, self.kind)
                if fitted is not None:
                    return f"{result}: write {name} = {json.dumps(fitted)}"
        return result

    def _fitted(self, value: Any, kind: Any) -> Any:
        """Raises TypeError for another type or range, ArithmeticError for infinity and NaN."""
        origin, arguments = get_origin(kind), get_args(kind)
        if hasattr(value, "tolist"):  # a number or an array of NumPy
            value = value.tolist()
        if origin in ALTERNATIVES:
            for member in arguments:
                with suppress(TypeError):
                    return self._fitted(value, member)
        elif origin is Literal:
            if value in arguments and type(value) in map(type, arguments):
                return value
        elif origin is not tuple:
            return self._fitted_scalar(value, kind)
        elif isinstance(value, list | tuple):
            if arguments[-1] is Ellipsis:
                arguments = arguments[:1] * len(value)
            if len(arguments) == len(value):
                return tuple(map(self._fitted, value, arguments))
        raise TypeError

    def _fitted_scalar(self, value: Any, kind: Any) -> Any:
        if kind is float and type(value) is int:
            value = float(value)
        is_flag = kind is int and isinstance(value, bool)
        if is_flag or not isinstance(value, kind):
            raise TypeError
        if kind is float and not math.isfinite(value):
            raise ArithmeticError
        if self.bounds and kind in (int, float) and value not in self.bounds:
            raise TypeError
        return value


def _parts(annotation: Any) -> Iterator[Any]:
    """The annotation, and all types, ranges and help texts inside."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _parts(part)


def _name(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _name(arguments[0])
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if arguments:
        joint = ", " if origin is tuple else " or "
        return joint.join(map(_name, arguments))
    names = {NoneType: "none", Ellipsis: "..."}
    return names.get(kind, getattr(kind, "__name__", str(kind)))


def _words(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _words(arguments[0])
    if origin in ALTERNATIVES:
        return " or ".join(map(_words, arguments))
    if origin is tuple:
        return "a list" if Ellipsis in arguments else f"a list of {len(arguments)}"
    return WORDS.get(kind, _name(kind))


def text_of(value: Any) -> str:
    """A value as it is typed after `--set key=`."""
    if isinstance(value, list | tuple):
        return ",".join(map(text_of, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _readings(text: str) -> Iterator[Any]:
    """What a text can mean besides itself, the likeliest first."""
    yield scalar(text)
    if SIZE.fullmatch(text):
        yield list(map(int, text.split("x")))
    if text.lower() in TRUE + FALSE:
        yield text.lower() in TRUE
    parts = [part.strip() for part in text.strip("()[]").split(",") if part.strip()]
    yield [*map(scalar, parts)]
    yield parts


def scalar(text: str) -> Any:
    """A text as the number, truth value or none that it means; else as it is."""
    if text.lower() in NONE:
        return None
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        number = float(text)
        # 1e4 steps is a whole number
        return int(number) if number.is_integer() else number
    return text
