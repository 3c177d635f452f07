"""What every registered data source promises."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ganzoo.data.open import open_data
from ganzoo.data.source import HasDomains, HasPairs, Item, content
from ganzoo.errors import DataError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.testing.broken import broken
from ganzoo.testing.source_case import SourceCase


def says_what_it_is(case: SourceCase, folder: Path) -> None:
    """`info` has a size and channels, `licence` a name, a sentence or None."""
    info = case.source.info
    if (
        not isinstance(info, DataInfo)
        or not isinstance(info.size, int)
        or info.size < 1
        or info.channels not in (1, 3, 4)
    ):
        broken(f"info is {info!r}: it must be a ganzoo.DataInfo(size=..., channels=1 or 3)")
    licence = getattr(case.source, "licence", "")
    if licence == "" or not isinstance(licence, str | None):
        broken(
            "it has no licence: an SPDX name or a sentence for the model card, None where it is not known"
        )


def has_the_same_items_in_the_same_order(case: SourceCase, folder: Path) -> None:
    """Names are unique, and each opening gives them in the same order."""
    items, again = case.source.items(), case.opened().items()
    if (
        not isinstance(items, Sequence)
        or not items
        or not all(isinstance(item, Item) for item in items)
    ):
        broken("items() must be a sequence of ganzoo.Item, at least one")
    names = [item.name for item in items]
    if len(set(names)) != len(names):
        broken(
            f"two items are called {max(names, key=names.count)!r}: names are for messages, one for each image"
        )
    if names != [item.name for item in again]:
        broken("opened twice, its items are in another order: sort them")
    if case.elsewhere["items"] != [
        case.source.info.classes,
        *[(item.name, item.label) for item in items],
    ]:
        broken(
            "in another process its items, labels or classes are in another order: sort what comes of a set"
        )


def has_labels_that_are_its_classes(case: SourceCase, folder: Path) -> None:
    """Every label that there is is one of `info.classes`."""
    classes, labels = case.source.info.classes, {item.label for item in case.source.items()}
    if stray := labels - {*classes, None}:
        label = min(stray, key=str)
        broken(
            f"the label {label!r} is none of info.classes {classes}: labels are text, and each is named there"
        )


def reads_images_that_are_the_same_again(case: SourceCase, folder: Path) -> None:
    """The first items can be read, more than once, and become images of the same bytes."""
    first = list(case.source.items())[:3]
    read = [_digest(item) for item in first]
    again = [_digest(item) for item in first]
    for item, *digests in zip(first, read, again, case.elsewhere["read"], strict=True):
        if digests[0] != digests[1]:
            broken(
                f"{item.name} is not the same when it is read again: a run could not go on from it"
            )
        if digests[0] != digests[2]:
            broken(
                f"{item.name} is another in another process: draw it from its number, not from hash() or the time"
            )


def _digest(item: Item) -> str:
    """Of what an item gives: a file as it is, a picture's pixels."""
    found = content(item)
    return sha256(found if isinstance(found, bytes) else found.tobytes()).hexdigest()


def has_domains_and_pairs_of_items(case: SourceCase, folder: Path) -> None:
    """`domains()` and `pairs()`, where it has them, give items, or say with DataError why not."""
    for kind, name in ((HasDomains, "domains"), (HasPairs, "pairs")):
        if not isinstance(case.source, kind):
            continue
        try:
            parts = getattr(case.source, name)()
        except DataError:
            continue
        two = (
            len(parts) == 2
            if name == "domains"
            else all(len(part) == 2 for part in parts if isinstance(part, tuple))
        )
        if not two or not all(isinstance(part, Sequence) and _are_items(part) for part in parts):
            broken(
                f"{name}() gives {parts!s:.60}: it must give {SHAPES[name]}, or raise ganzoo.DataError"
            )


SHAPES = {
    "domains": "two sequences of ganzoo.Item",
    "pairs": "(source, target) items for each pair",
}


def _are_items(found: Sequence[object]) -> bool:
    return all(isinstance(item, Item) for item in found)


def is_trained_on_whole(case: SourceCase, folder: Path) -> None:
    """Every image of it can be used."""
    text = f"{case.plugin.name}:{case.argument}" if case.argument else case.plugin.name
    try:
        open_data(text, Hparams(batch_size=1), cache="none", strict=True)
    except DataError as error:
        broken(f"{text} cannot be trained on as a whole: {error}")


CHECKS = [
    says_what_it_is,
    has_the_same_items_in_the_same_order,
    has_labels_that_are_its_classes,
    reads_images_that_are_the_same_again,
    has_domains_and_pairs_of_items,
    is_trained_on_whole,
]
