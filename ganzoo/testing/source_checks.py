"""The checks of a data source."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from PIL import Image

from ganzoo.data.files import GREY
from ganzoo.data.open import open_data
from ganzoo.data.picture import decoded
from ganzoo.data.source import HasAnySize, HasDomains, HasPairs, Item, content
from ganzoo.errors import BadImage, DataError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.testing.cases import SourceCase, broken, note
from ganzoo.testing.source_contents import SEEN, contents

SIZES = (24, 40)
"""Pixels of a side that a source is asked for, if it can draw any."""


def says_what_it_is(case: SourceCase) -> None:
    """`info` has a size and channels; `licence` is a name, a sentence or None."""
    info = case.source.info
    if not _is_complete(info):
        broken(
            f"info is {info!r}",
            "make it a ganzoo.DataInfo(size=..., channels=1 or 3)",
        )
    licence = getattr(case.source, "licence", "")
    if licence == "" or not isinstance(licence, str | None):
        broken(
            "it has no licence",
            "name it (SPDX, or a sentence), or say None if it is not known",
        )


def _is_complete(info: object) -> bool:
    if not isinstance(info, DataInfo) or not isinstance(info.size, int):
        return False
    return info.size >= 1 and info.channels in (1, 3, 4)


def has_the_same_items_in_the_same_order(case: SourceCase) -> None:
    """Names are unique, and their order is the same whenever the source is opened."""
    items = case.source.items()
    if not isinstance(items, Sequence) or not items or not _are_items(items):
        broken("items() gives something else", "return a sequence of at least one ganzoo.Item")
    names = [item.name for item in items]
    if len(set(names)) != len(names):
        broken(
            f"two items have the name {max(names, key=names.count)!r}",
            "give each image a name, for messages",
        )
    _check_equal(case, "items", "sort what comes from a set")
    _check_equal(case, "classes", "sort what comes from a set")


def _check_equal(case: SourceCase, part: str, remedy: str) -> None:
    here = contents(case.source)
    others = {
        "when they are read again": contents(case.source),
        "when it is opened again": contents(case.opened()),
        "in another process": case.in_another_process,
    }
    for when, other in others.items():
        if here[part] != other[part]:
            broken(f"its {part} are not the same {when}", remedy)


def has_labels_that_are_its_classes(case: SourceCase) -> None:
    """Every label is one of `info.classes`."""
    classes = case.source.info.classes
    for item in case.source.items():
        if item.label is not None and item.label not in classes:
            broken(
                f"the label {item.label!r} is not in info.classes {classes}",
                "add it, as text",
            )


def has_attributes_that_are_text(case: SourceCase) -> None:
    """`Item.attributes` maps names to values, both texts."""
    for item in case.source.items():
        attributes = item.attributes
        parts: list[object] = [None]
        if isinstance(attributes, Mapping):
            parts = [*attributes, *attributes.values()]
        if not all(isinstance(part, str) for part in parts):
            broken(
                f"the attributes of {item.name!r} are {attributes!r:.60}",
                'make them text, as in {"hair": "blond"}',
            )


def reads_images_that_are_the_same_again(case: SourceCase) -> None:
    """The first images can be read more than once, and have the same bytes each time."""
    _check_equal(case, "images", "draw them from a number, not from hash(), time or a counter")


def draws_what_its_info_says(case: SourceCase) -> None:
    """Drawn pictures are grey if `info.channels` is 1."""
    source = case.source
    if source.info.channels > 1:
        return
    for item in source.items()[:SEEN]:
        with suppress(BadImage):
            picture = content(item)
            if isinstance(picture, Image.Image) and picture.mode not in GREY:
                broken(
                    f"{item.name} is drawn in {picture.mode}, and info.channels is 1",
                    "say channels=3, or convert it to L",
                )


def draws_any_size(case: SourceCase) -> None:
    """`at_size(size)`, if it has it, gives the same items with pictures of that size."""
    source: Any = case.source
    if not isinstance(case.source, HasAnySize):
        return
    own = source.info.size
    for size in SIZES:
        other = source.at_size(size)
        sizes = {other.info.size}
        for item in other.items()[:SEEN]:
            picture, _ = decoded(item)
            sizes.update(picture.size)
        if sizes != {size}:
            broken(
                f"at_size({size}) has images or an info.size of {sorted(sizes)}",
                "return a source whose info and pictures have the size that is asked for",
            )
        if contents(other)["items"] != contents(source)["items"]:
            broken(
                f"the items of at_size({size}) are others",
                "give them the same names, labels and attributes at every size",
            )
    if source.info.size != own:
        broken("at_size changes the source", "return another source")


def has_domains_and_pairs_of_items(case: SourceCase) -> None:
    """`domains()` and `pairs()`, if it has them, give items or raise DataError."""
    source = case.source
    if isinstance(source, HasDomains):
        domains = _result(source.domains)
        if domains is not None and not (len(domains) == 2 and all(map(_are_items, domains))):
            broken(
                f"domains() gives {domains!s:.60}",
                "return two sequences of ganzoo.Item",
            )
    if isinstance(source, HasPairs):
        pairs = _result(source.pairs)
        if pairs is not None and not all(map(_is_pair, pairs)):
            broken(
                f"pairs() gives {pairs!s:.60}",
                "return a (source, target) of items for each",
            )


def _result(method: Any) -> Any:
    """The method's result; None if the source cannot give it, and says so."""
    try:
        return method()
    except DataError:
        return None


def _is_pair(pair: object) -> bool:
    return _are_items(pair) and len(pair) == 2  # type: ignore[arg-type]


def _are_items(items: object) -> bool:
    return isinstance(items, Sequence) and all(isinstance(item, Item) for item in items)


def is_trained_on_whole(case: SourceCase) -> None:
    """Every image can be used."""
    text = case.plugin.name
    if case.argument:
        text += f":{case.argument}"
    try:
        open_data(text, Hparams(batch_size=1), cache="none", strict=True)
    except DataError as error:
        broken(
            f"{text} has an image that cannot be trained on",
            f"{error}",
        )


def has_stamps(case: SourceCase) -> None:
    """A note about images without a stamp: each run reads them all again."""
    for item in case.source.items():
        if not item.stamp:
            note(
                case,
                f"{item.name} has no stamp, so each run reads all images again",
                "stamp=, a text that changes when the image does",
            )
            return


CHECKS = [
    says_what_it_is,
    has_the_same_items_in_the_same_order,
    has_labels_that_are_its_classes,
    has_attributes_that_are_text,
    reads_images_that_are_the_same_again,
    draws_what_its_info_says,
    draws_any_size,
    has_domains_and_pairs_of_items,
    is_trained_on_whole,
    has_stamps,
]
