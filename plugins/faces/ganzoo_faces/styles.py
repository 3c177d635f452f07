"""Style: the attributes of a DiceBear style, their values, and the options that set them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ganzoo
from ganzoo import DataError
from ganzoo_faces import artist
from ganzoo_faces.colours import NAMES, colours_of, hex_colour, name_of

Attributes = dict[str, str]
"""`{"hair": "blond", "skin": "tan", "length": "long", "glasses": "no"}`."""
ATTRIBUTES = ("hair", "skin", "length", "glasses")
LENGTHS = ("long", "short")
NO_HAIR = "none"
"""The hair colour of a bald head."""


@dataclass(frozen=True)
class Style:
    """A style by its name, such as `adventurer`. Raises UnknownName for one that is not there."""

    name: str

    def __post_init__(self) -> None:
        names = artist.style_names()
        if self.name not in names:
            raise ganzoo.unknown("style of faces", self.name, names)

    @cached_property
    def licence(self) -> str:
        """`CC BY 4.0 (Adventurer by Lisa Wischofsky, https://...)`."""
        meta = artist.definition(self.name)["meta"]
        licence = meta["license"]["name"].rstrip(".")
        artwork, creator = meta["source"]["name"], meta["creator"]["name"]
        return f"{licence} ({artwork} by {creator}, {meta['source']['url']})"

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Those of ATTRIBUTES that its persons have."""
        return tuple(filter(self.values, ATTRIBUTES))

    @property
    def has_background(self) -> bool:
        """Whether it has background colours of its own; those without are drawn on white."""
        return bool(self._palette("background"))

    def values(self, attribute: str) -> tuple[str, ...]:
        """The values that its persons are drawn with, in a fixed order; none if it lacks them."""
        if attribute in NAMES:
            names = {name_of(attribute, colour) for colour in self._palette(attribute)}
            return tuple(name for name in NAMES[attribute] if name in names)
        if attribute == "length":
            long, short = map(self._hairs, LENGTHS)
            every = self._hairs("")
            return LENGTHS if long and short and len(long + short) == len(every) else ()
        glasses = self._component("glasses")
        return ("no", "yes") if glasses.get("probability", 100) < 100 else ()

    def checked(self, attribute: str, value: str) -> str:
        """The value, a colour as `ff8800`. Raises UnknownName or DataError for one it lacks."""
        known = self.values(attribute)
        if not known:
            names = ", ".join(self.attributes) or "none of these attributes"
            raise DataError(f"the style {self.name} has no {attribute}: it has {names}")
        if attribute in NAMES:
            known = tuple(NAMES[attribute])
            colour = hex_colour(value)
            if colour and value not in known:
                return colour
        if value not in known:
            raise ganzoo.unknown(f"{attribute} of faces", value, known)
        return value

    def options(self, attribute: str, value: str) -> dict[str, Any]:
        """The options of DiceBear with which a person that lacks this value is drawn with it.

        The person's number picks one colour or one hair, where several fit.
        """
        if attribute == "glasses":
            return {"glassesProbability": 100 if value == "yes" else 0}
        if attribute == "length":
            return {"hairVariant": self._hairs(value)}
        colours = [value]
        if value in NAMES[attribute]:
            colours = colours_of(attribute, value, self._palette(attribute))
        return {f"{attribute}Color": [f"#{colour}" for colour in colours]}

    def attributes_of(self, drawn: Mapping[str, Any]) -> Attributes:
        """The attributes of a person, from what DiceBear says that it has drawn."""
        result = {}
        for name in self.attributes:
            if name in NAMES:
                colours = drawn.get(f"{name}Color")
                result[name] = self._colour_name(name, colours[0]) if colours else NO_HAIR
            elif name == "length":
                is_long = drawn.get("hairVariant", "").startswith("long")
                result[name] = "long" if is_long else "short"
            else:
                result[name] = "yes" if "glassesVariant" in drawn else "no"
        return result

    def _colour_name(self, attribute: str, text: str) -> str:
        """The name of a colour of the style, or of one with a name; others are `ff8800`."""
        colour = text.removeprefix("#").lower()
        own = [*self._palette(attribute)]
        for colours in NAMES[attribute].values():
            own += colours
        return name_of(attribute, colour) if colour in own else colour

    def _palette(self, attribute: str) -> list[str]:
        colours = artist.definition(self.name)["colors"]
        values = colours.get(attribute, {}).get("values", [])
        return [value.removeprefix("#").lower() for value in values]

    def _component(self, name: str) -> dict[str, Any]:
        components = artist.definition(self.name)["components"]
        result: dict[str, Any] = components.get(name, {})
        return result

    def _hairs(self, length: str) -> list[str]:
        variants = self._component("hair").get("variants", {})
        return [name for name in variants if name.startswith(length)]
