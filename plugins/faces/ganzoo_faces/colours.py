"""Names of the colours of hair and skin, and the colours of a style that a name stands for."""

import re
from collections.abc import Iterable
from functools import cache

Palette = dict[str, tuple[str, ...]]
HAIR: Palette = {
    "black": ("0e0e0e",),
    "blond": ("e5d7a3",),
    "dark-blond": ("b9a05f",),
    "brown": ("6a4e35", "562306", "796a45"),
    "ginger": ("ac6511", "cb6820"),
    "red": ("ab2a18",),
    "grey": ("afafaf",),
    "white": ("ffffff",),
    "blue": ("85c2c6",),
    "green": ("3eac2c",),
    "pink": ("dba3be",),
    "purple": ("592454",),
}
SKIN: Palette = {
    "light": ("f2d3b1",),
    "tan": ("ecad80",),
    "brown": ("9e5622",),
    "dark": ("763900",),
}
"""Names, and the colours of the style adventurer that they stand for; those of other styles have
the name of the nearest of these."""
NAMES = {"hair": HAIR, "skin": SKIN}


def hex_colour(text: str) -> str | None:
    """`#FF8800` or `ff8800` -> `ff8800`; None for any other text."""
    match = re.fullmatch(r"#?([0-9a-fA-F]{6})", text)
    return match[1].lower() if match else None


@cache
def name_of(part: str, colour: str) -> str:
    """The name of a colour of `hair` or `skin`: that of the nearest that has one."""
    names: dict[str, str] = {}
    for name, colours in NAMES[part].items():
        names |= dict.fromkeys(colours, name)
    nearest = min(names, key=lambda other: _distance(colour, other))
    return names[nearest]


def colours_of(part: str, name: str, palette: Iterable[str]) -> list[str]:
    """The colours of a style's palette with this name, or else the name's own."""
    colours = [colour for colour in palette if name_of(part, colour) == name]
    return colours or list(NAMES[part][name])


def _distance(one: str, other: str) -> float:
    """Squared distance in RGB, with the weights of the luma of each channel (ITU-R BT.601)."""
    total = 0.0
    weights = (0.299, 0.587, 0.114)
    for weight, a, b in zip(weights, bytes.fromhex(one), bytes.fromhex(other), strict=True):
        total += weight * (a - b) ** 2
    return total
