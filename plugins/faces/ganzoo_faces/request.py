"""Request: the text after `faces:`, read and checked."""

from dataclasses import dataclass, field
from typing import Self

from PIL import ImageColor

import ganzoo
from ganzoo import DataError
from ganzoo_faces.styles import ATTRIBUTES, NO_HAIR, Attributes, Style

RANGES = {"n": (1, 10**7), "first": (0, 10**12), "size": (8, 2048)}
KEYS = (*RANGES, "style", "background", "without", "label", *ATTRIBUTES)


@dataclass(frozen=True)
class Domains:
    """An attribute and the two values between which it is translated."""

    attribute: str
    a: str
    b: str


@dataclass(frozen=True)
class Request:
    """What is asked of the source.

    `fixed` has the attributes that are equal for everybody. Who has all the values of one of the
    looks in `without` is left out. `background` is a colour, None for the style's own.
    """

    style: Style
    n: int = 6000
    first: int = 0
    size: int | None = None
    background: str | None = "ffffff"
    fixed: Attributes = field(default_factory=dict)
    domains: Domains | None = None
    without: tuple[Attributes, ...] = ()
    label: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """`"n=500,hair=blond/black"`. Raises DataError or UnknownName for what cannot be drawn."""
        values = _values(text)
        style = Style(values.get("style", "adventurer"))
        numbers = {key: _number(key, values[key]) for key in RANGES if key in values}
        fixed: Attributes = {}
        domains = None
        for name in filter(values.__contains__, ATTRIBUTES):
            two = values[name].split("/")
            checked = [style.checked(name, value) for value in two]
            if len(two) == 1:
                fixed[name] = checked[0]
            elif domains:
                raise DataError(
                    f"faces: {domains.attribute} and {name} have a slash: only one key can"
                )
            elif len(two) > 2 or checked[0] == checked[1]:
                raise DataError(f"faces: {name}={values[name]}: give two values, as in blond/black")
            else:
                domains = Domains(name, *checked)
        request = cls(
            style=style,
            background=_background(values.get("background"), style),
            fixed=fixed,
            domains=domains,
            without=_looks(values.get("without"), style),
            label=values.get("label") or (domains.attribute if domains else None),
            **numbers,
        )
        request._check_label()
        if domains and request.n < 2:
            raise DataError("faces: n=1 is too few for two values: give n=2 or more")
        return request

    def _check_label(self) -> None:
        label = self.label
        if label is None:
            return
        if label not in ATTRIBUTES:
            raise ganzoo.unknown("label of faces", label, self.style.attributes)
        if label in self.fixed:
            value = self.fixed[label]
            raise DataError(f"faces: label={label}, and {label}={value} is equal for everybody")
        if label not in self.style.attributes:
            self.style.checked(label, "")

    @property
    def classes(self) -> tuple[str, ...]:
        """The values of the label, in order; none without a label."""
        if self.label is None:
            return ()
        if self.domains and self.domains.attribute == self.label:
            return self.domains.a, self.domains.b
        absent = [look[self.label] for look in self.without if look.keys() == {self.label}]
        values = self.style.values(self.label)
        return tuple(value for value in values if value not in absent)

    @property
    def needs_hair(self) -> bool:
        """Whether bald persons are left out: they have no colour of hair."""
        names = [self.label, *self.fixed]
        if self.domains:
            names.append(self.domains.attribute)
        return "hair" in names

    def includes(self, attributes: Attributes) -> bool:
        """Whether a person with these attributes is drawn."""
        if self.needs_hair and attributes["hair"] == NO_HAIR:
            return False
        return not any(look.items() <= attributes.items() for look in self.without)


def _values(text: str) -> dict[str, str]:
    """`"n=5,label=hair"` by key."""
    values: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if key not in KEYS:
            raise ganzoo.unknown("key of faces", key, KEYS)
        if not equals or not value:
            raise DataError(f"faces: {part!r} has no value: write {key}=...")
        if key in values:
            raise DataError(f"faces: {key} has two values, {values[key]} and {value}")
        values[key] = value
    return values


def _number(key: str, text: str) -> int:
    low, high = RANGES[key]
    try:
        number = int(text)
    except ValueError:
        raise DataError(f"faces: {key}={text} is no whole number") from None
    if not low <= number <= high:
        raise DataError(f"faces: {key}={text}: it is from {low:,} to {high:,}")
    return number


def _background(text: str | None, style: Style) -> str | None:
    if text is None:
        return None if style.has_background else "ffffff"
    for colour in (text, f"#{text}"):
        try:
            red, green, blue, *_ = ImageColor.getrgb(colour)
        except ValueError:
            continue
        return f"{red:02x}{green:02x}{blue:02x}"
    raise DataError(f"faces: background={text} is no colour: give a name or a hex, as in ffeedd")


def _looks(text: str | None, style: Style) -> tuple[Attributes, ...]:
    """`"hair:blond+glasses:yes;length:long"` -> two looks."""
    looks = []
    for part in filter(None, (text or "").split(";")):
        look = {}
        for pair in part.split("+"):
            name, colon, value = pair.partition(":")
            if name not in ATTRIBUTES:
                raise ganzoo.unknown("attribute of faces", name, style.attributes)
            if not colon:
                raise DataError(f"faces: without={part}: write it as without={name}:VALUE")
            look[name] = style.checked(name, value)
        looks.append(look)
    return tuple(looks)
