"""Person: a number, its attributes, and the options with which DiceBear draws it."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import ganzoo
from ganzoo_faces import artist
from ganzoo_faces.styles import NO_HAIR, Attributes, Style

PACKAGES = ("dicebear-core", "dicebear-styles", "resvg_py")


@dataclass(frozen=True)
class Person:
    """`options` are those of DiceBear."""

    number: int
    attributes: Attributes
    options: dict[str, Any]


@cache
def versions() -> str:
    """Those of the packages that decide how a person looks."""
    return " ".join(f"{name} {version(name)}" for name in PACKAGES)


def person(
    style: Style,
    number: int,
    background: str | None,
    fixed: Mapping[str, str],
) -> Person:
    """Person `number` of a style, with the `fixed` values; all else is a function of the number.

    Who has a value already is drawn unchanged.
    """
    options: dict[str, Any] = {"seed": str(number)}
    if background:
        options["backgroundColor"] = [f"#{background}"]
    attributes = style.attributes_of(_drawn(style, options))
    changes: dict[str, Any] = {}
    for name, value in fixed.items():
        if attributes[name] != value:
            changes |= style.options(name, value)
    if changes:
        options |= changes
        attributes = style.attributes_of(_drawn(style, options))
    for name, value in fixed.items():
        if attributes[name] != NO_HAIR:
            attributes[name] = value  # the colour that was asked for may have a name too
    return Person(number, attributes, options)


def _drawn(style: Style, options: dict[str, Any]) -> dict[str, Any]:
    drawn: dict[str, Any] = artist.avatar(style.name, options).to_json()["options"]
    return drawn


def people(
    style: Style,
    first: int,
    n: int,
    background: str | None,
    fixed: Mapping[str, str],
) -> list[Person]:
    """`n` persons; they are remembered in the cache, since it takes 0.3 ms to look at each."""
    settings = [style.name, first, n, background, fixed, versions()]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:32]
    path = ganzoo.cache_folder() / "faces" / f"{digest}.json"
    with suppress(OSError, ValueError, TypeError):
        return [Person(**fields) for fields in json.loads(path.read_bytes())]
    result = [person(style, first + i, background, fixed) for i in range(n)]
    with suppress(OSError):  # it is only a cache
        _write(path, json.dumps([asdict(one) for one in result]))
    return result


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    os.replace(file.name, path)
