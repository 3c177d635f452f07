"""Source: what a data plugin is, and how the word after `--data` becomes one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from ganzoo.errors import DataError
from ganzoo.hparams import DataInfo
from ganzoo.registry import datasets


@dataclass(frozen=True)
class Item:
    """One picture of a source: a name to call it by in messages, how to decode it, and its label if it has one."""

    name: str
    decode: Callable[[], Image.Image]
    label: str | None = None


class Source(Protocol):
    """What an entry point of the group `ganzoo.datasets` names: a class, made from what stands after `name:`.

    `info` is what the data are by themselves; a model that leaves its size or channels open takes them from it.
    `licence` is an SPDX name or a sentence, for the model card.
    """

    licence: str

    def __init__(self, argument: str) -> None: ...

    @property
    def info(self) -> DataInfo: ...

    def items(self) -> Sequence[Item]:
        """The pictures, always in the same order. Raises DataError when they cannot be had."""
        ...


def open_source(text: str) -> Source:
    """`"digits"` or `"name:argument"` -> the source.

    Raises UnknownName with the closest match, and DataError for its argument.
    """
    name, _, argument = text.partition(":")
    source: Source = datasets[name].load()(argument)
    if not source.items():
        raise DataError(f"the data source {text!r} has no images")
    return source
