"""What a batch can be besides a plain tensor of images, and how the items of sources are arranged for it."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from PIL import Image
from torch import Tensor

from ganzoo.data.picture import decoded
from ganzoo.data.source import HasDomains, HasPairs, Item, Source, refusing
from ganzoo.errors import BadImage, DataError

Row = tuple[Item, ...]
"""Items that stand or fall together: one image, or the two of a pair."""


class Labelled(NamedTuple):
    """Images `(n, channels, height, width)` in [-1, 1], and for each the number of its class, `(n,)`, int64."""

    images: Tensor
    labels: Tensor


class Domains(NamedTuple):
    """Images of two domains, each `(n, channels, height, width)` in [-1, 1]; the i-th of both are unrelated."""

    a: Tensor
    b: Tensor


class Pair(NamedTuple):
    """Images and what each is to become, both `(n, channels, height, width)` in [-1, 1], cropped and mirrored alike."""

    source: Tensor
    target: Tensor


def check_view(view: Any) -> None:
    """Raises DataError for what no batch can be."""
    if view not in (Tensor, Labelled, Domains, Pair):
        raise DataError(
            f"no data source gives batches of {view!r}; a view is torch.Tensor, ganzoo.Labelled, ganzoo.Domains or "
            "ganzoo.Pair"
        )


def rows_for_view(sources: Sequence[Source], names: Sequence[str], view: Any) -> list[list[Row]]:
    """The rows of the data's parts: one, or two for Domains. Raises DataError, saying why, when a source lacks them."""
    if view not in (Domains, Pair) and len(sources) > 1:
        raise DataError(f"the model takes one data source, not {len(sources)}: {', '.join(names)}")
    if len(sources) > 2:
        raise DataError(f"there are two domains, not {len(sources)}: {', '.join(names)}")
    if view is Domains:
        return [[(item,) for item in part] for part in _domains(sources, names)]
    if view is Pair:
        return [list(_pairs(sources, names))]
    items = sources[0].items()
    if view is Labelled:
        if all(item.label is None for item in items):
            raise DataError(
                f"the model wants labels, and {names[0]} has none: the classes of a folder or a zip are its sub-folders"
            )
        items = [item if item.label is not None else _unlabelled(item) for item in items]
    return [[(item,) for item in items]]


def _domains(
    sources: Sequence[Source], names: Sequence[str]
) -> tuple[Sequence[Item], Sequence[Item]]:
    if len(sources) == 2:
        return sources[0].items(), sources[1].items()
    if not isinstance(sources[0], HasDomains):
        raise DataError(
            f"{names[0]} is not two domains: give two sources, --data FIRST --data SECOND"
        )
    return sources[0].domains()


def _pairs(sources: Sequence[Source], names: Sequence[str]) -> Sequence[tuple[Item, Item]]:
    if len(sources) == 2:
        return match_by_name(sources[0].items(), sources[1].items())
    if not isinstance(sources[0], HasPairs):
        raise DataError(
            f"{names[0]} has no pairs: give two sources with equal names, --data FROM --data TO"
        )
    return sources[0].pairs()


def _unlabelled(item: Item) -> Item:
    stamp = item.stamp and f"{item.stamp}, without a class"
    return refusing(
        item.name, "no class", "it lies in no sub-folder, and those are the classes", stamp
    )


_last = threading.local()  # the picture that this thread decoded last, for the second of its halves


def split_side_by_side(item: Item) -> tuple[Item, Item]:
    """A picture of two side by side as a pair: the left half, the right half."""

    def half(side: int) -> Item:
        def read() -> Image.Image:
            if getattr(_last, "item", None) is not item or side == 0:
                _last.picture, _last.item = decoded(item)[0], item
            picture: Image.Image = _last.picture
            if picture.width % 2 or picture.width <= picture.height:
                size = f"{picture.width}x{picture.height}"
                raise BadImage(
                    "not a pair",
                    f"{size} is not two pictures side by side; nor are there A/ and B/",
                )
            middle = picture.width // 2
            cut = picture.crop((side * middle, 0, (side + 1) * middle, picture.height))
            cut.format = picture.format
            return cut

        return Item(item.name, read, item.label, item.stamp)

    return half(0), half(1)


def match_by_name(
    a: Sequence[Item], b: Sequence[Item], *, within: int = 0
) -> list[tuple[Item, Item]]:
    """Pairs of items of equal names, whatever their image endings, below the first `within` folders."""
    first, second = _by_name(a, within), _by_name(b, within)
    if not first.keys() & second.keys():
        raise DataError("no two files of the two folders have the same name, so there are no pairs")
    return [
        (
            _single(first.get(name, []), second.get(name, [])),
            _single(second.get(name, []), first.get(name, [])),
        )
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


def _single(mine: Sequence[Item], theirs: Sequence[Item]) -> Item:
    if not mine:
        there = theirs[0]
        return refusing(
            there.name,
            "no partner",
            "no file of that name on the other side",
            there.stamp or "none",
        )
    if len(mine) > 1:
        return refusing(
            mine[0].name,
            "ambiguous",
            f"{len(mine)} files have this name but for the ending",
            "ambiguous",
        )
    return mine[0]
