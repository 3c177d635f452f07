"""What a batch can be besides a plain tensor of images, and how the items of sources are arranged for it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from ganzoo.data.pairs import matched
from ganzoo.data.source import HasDomains, HasPairs, Item, Source, refusing
from ganzoo.errors import DataError

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


def arranged(sources: Sequence[Source], names: Sequence[str], view: Any) -> list[list[Row]]:
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


def _domains(sources: Sequence[Source], names: Sequence[str]) -> tuple[Sequence[Item], Sequence[Item]]:
    if len(sources) == 2:
        return sources[0].items(), sources[1].items()
    if not isinstance(sources[0], HasDomains):
        raise DataError(f"{names[0]} is not two domains: give two sources, --data FIRST --data SECOND")
    return sources[0].domains()


def _pairs(sources: Sequence[Source], names: Sequence[str]) -> Sequence[tuple[Item, Item]]:
    if len(sources) == 2:
        return matched(sources[0].items(), sources[1].items())
    if not isinstance(sources[0], HasPairs):
        raise DataError(f"{names[0]} has no pairs: give two sources with equal names, --data FROM --data TO")
    return sources[0].pairs()


def _unlabelled(item: Item) -> Item:
    stamp = item.stamp and f"{item.stamp}, without a class"
    return refusing(item.name, "no class", "it lies in no sub-folder, and those are the classes", stamp)
