"""Pairs of a source and a target: side by side in one file, or under equal names in two folders."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from PIL import Image

from ganzoo.data.picture import decoded
from ganzoo.data.source import Item, refusing
from ganzoo.errors import BadImage, DataError

_last = threading.local()  # the picture that this thread decoded last, for the second of its halves


def halves(item: Item) -> tuple[Item, Item]:
    """A picture of two side by side as a pair: the left half, the right half."""

    def half(side: int) -> Item:
        def read() -> Image.Image:
            if getattr(_last, "item", None) is not item or side == 0:
                _last.picture, _last.item = decoded(item)[0], item
            picture: Image.Image = _last.picture
            if picture.width % 2 or picture.width <= picture.height:
                size = f"{picture.width}x{picture.height}"
                raise BadImage("not a pair", f"{size} is not two pictures side by side; nor are there A/ and B/")
            middle = picture.width // 2
            cut = picture.crop((side * middle, 0, (side + 1) * middle, picture.height))
            cut.format = picture.format
            return cut

        return Item(item.name, read, item.label, item.stamp)

    return half(0), half(1)


def matched(a: Sequence[Item], b: Sequence[Item], *, within: int = 0) -> list[tuple[Item, Item]]:
    """Pairs of items of equal names, whatever their image endings, below the first `within` folders."""
    first, second = _by_name(a, within), _by_name(b, within)
    if not first.keys() & second.keys():
        raise DataError("no two files of the two folders have the same name, so there are no pairs")
    return [
        (_one(first.get(name, []), second.get(name, [])), _one(second.get(name, []), first.get(name, [])))
        for name in sorted(first.keys() | second.keys())
    ]


def _by_name(items: Iterable[Item], within: int) -> dict[str, list[Item]]:
    endings = Image.registered_extensions()
    found: dict[str, list[Item]] = {}
    for item in items:
        path = PurePosixPath(*PurePosixPath(item.name).parts[within:])
        name = path.with_suffix("") if path.suffix.lower() in endings else path
        found.setdefault(name.as_posix(), []).append(item)
    return found


def _one(mine: Sequence[Item], theirs: Sequence[Item]) -> Item:
    if not mine:
        there = theirs[0]
        return refusing(there.name, "no partner", "no file of that name on the other side", there.stamp or "none")
    if len(mine) > 1:
        return refusing(mine[0].name, "ambiguous", f"{len(mine)} files have this name but for the ending", "ambiguous")
    return mine[0]
