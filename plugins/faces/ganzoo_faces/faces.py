"""Faces: persons that DiceBear draws, `faces[:key=value,...]`, and what is known of each."""

import json
from collections.abc import Sequence
from copy import copy
from functools import cached_property, partial
from importlib import import_module
from typing import Self

from ganzoo import DataError, DataInfo, Item
from ganzoo_faces.people import Person, people, versions
from ganzoo_faces.request import Domains, Request
from ganzoo_faces.studio import Studio
from ganzoo_faces.styles import Attributes

LIBRARIES = ("dicebear", "dicebear_styles", "resvg_py")
SIZE = 64
"""Pixels of a side, where neither the text nor the model says."""


class Faces:
    """Drawn faces; hair, skin, length and glasses can be chosen: `faces:hair=blond/black`.

    DiceBear draws them from its styles (https://www.dicebear.com). Person i is a function of the
    style and of i alone. Keys: `n` persons from number `first` on, `style`, `size`, `background`;
    `hair`, `skin`, `length`, `glasses` fix an attribute for everybody, or with a slash
    (`hair=blond/black`) make two domains of disjoint persons, or pairs of the same; `label` makes
    classes of an attribute; `without=hair:blond+glasses:yes` leaves out who has both. Persons
    without hair are left out where the colour of hair is asked for.
    """

    def __init__(self, argument: str = "") -> None:
        try:
            for name in LIBRARIES:
                import_module(name)
        except ModuleNotFoundError as cause:
            raise DataError(
                f"faces needs the package {cause.name}: pip install 'ganzoo[faces]', "
                "or train on what needs none: --data digits, --data digits-photo for two domains"
            ) from None
        self._request = Request.read(argument)
        self._size = self._request.size or SIZE
        self.licence = self._request.style.licence

    @property
    def info(self) -> DataInfo:
        return DataInfo(size=self._size, channels=3, classes=self._request.classes)

    def at_size(self, size: int) -> Self:
        """The same persons with `size` pixels a side, unless the text says `size=`."""
        result = copy(self)
        result.__dict__.pop("_studio", None)
        result._size = self._request.size or size
        return result

    def items(self) -> Sequence[Item]:
        if self._request.domains:
            a, b = self.domains()
            return [*a, *b]
        return self._items(self._people(0, self._request.n, {}))

    def domains(self) -> tuple[Sequence[Item], Sequence[Item]]:
        two, n = self._slash("no two domains"), self._request.n
        a = self._people(0, n // 2, {two.attribute: two.a})
        b = self._people(n // 2, n, {two.attribute: two.b})
        return self._items(a), self._items(b)

    def pairs(self) -> Sequence[tuple[Item, Item]]:
        two, n = self._slash("no pairs"), self._request.n
        a = self._people(0, n, {two.attribute: two.a})
        b = self._people(0, n, {two.attribute: two.b})
        pairs = []
        for source, target in zip(a, b, strict=True):
            both = self._items([source, target])
            if len(both) == 2:
                pairs.append((both[0], both[1]))
        return pairs

    def _slash(self, lacking: str) -> Domains:
        if self._request.domains is None:
            raise DataError(
                f"faces has {lacking} without a slash: write two values, "
                "as in --data faces:hair=blond/black"
            )
        return self._request.domains

    def _people(self, start: int, end: int, more: Attributes) -> list[Person]:
        """The persons from `start` to `end` of those asked for, with `more` that is fixed."""
        request = self._request
        fixed = request.fixed | more
        return people(request.style, request.first + start, end - start, request.background, fixed)

    def _items(self, people: Sequence[Person]) -> list[Item]:
        """An item for each that is not left out."""
        request = self._request
        items = []
        for person in people:
            if not request.includes(person.attributes):
                continue
            name = f"{request.style.name}-{person.number:06}"
            if request.domains:  # one person may be drawn twice
                name += f"-{person.attributes[request.domains.attribute]}"
            options = json.dumps(person.options)
            items.append(
                Item(
                    name=name,
                    read=partial(self._studio.picture, person.options),
                    label=request.label and person.attributes[request.label],
                    stamp=f"{options} {self._size} {versions()}",
                    attributes=person.attributes,
                )
            )
        return items

    @cached_property
    def _studio(self) -> Studio:
        return Studio(self._request.style.name, self._size, self._request.n)
