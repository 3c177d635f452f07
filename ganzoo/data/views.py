"""Views: what a batch can be, and how sources or data from Python are arranged for it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from ganzoo.data.files import match_by_name
from ganzoo.data.images import Batch, Images
from ganzoo.data.in_memory import has_labels, join_pairs, open_in_memory
from ganzoo.data.picture import Preparation
from ganzoo.data.python_attributes import with_attributes
from ganzoo.data.source import (
    HasDomains,
    HasPairs,
    Row,
    Source,
    unusable,
)
from ganzoo.errors import DataError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.hparams.size import size_text


class Labelled(NamedTuple):
    """Images `(n, channels, height, width)` in [-1, 1], and their class numbers `(n,)`, int64."""

    images: Tensor
    labels: Tensor


class Domains(NamedTuple):
    """Images of two domains, each `(n, channels, height, width)` in [-1, 1], unrelated by index."""

    a: Tensor
    b: Tensor


class Pair(NamedTuple):
    """Images and their targets, both `(n, channels, height, width)` in [-1, 1].

    The two of a pair are cropped and mirrored alike.
    """

    source: Tensor
    target: Tensor


class Conditioned(NamedTuple):
    """Images `(n, channels, height, width)` in [-1, 1], and what `Model.condition` makes of each.

    By default that is float32, `(n, length)`: the attributes of the image.
    """

    images: Tensor
    condition: Tensor


Parts = tuple[tuple[Images, ...], DataInfo]
Rows = Sequence[Row]


class View:
    """The form of a model's batches; this one is images alone, `torch.Tensor`."""

    largest_count = 1
    """The number of sources, or of data sets from Python, that it can take."""
    has_classes = True

    def check_count(self, names: Sequence[str]) -> None:
        if len(names) > self.largest_count:
            limit = "one data set" if self.largest_count == 1 else "at most two data sets"
            raise DataError(f"the model takes {limit}, not {len(names)}: {', '.join(names)}")

    def data_sets(self, data: object) -> Sequence[object]:
        """The data sets of what was passed in from Python: several are a tuple."""
        is_one = self.has_classes and has_labels(data)
        return data if isinstance(data, tuple) and data and not is_one else (data,)

    def rows(self, sources: Sequence[Source], text: str) -> list[Rows]:
        """The rows of each part of the data. Raises DataError if the sources lack them."""
        return [list(zip(sources[0].items()))]

    def in_memory(
        self,
        data: Sequence[object],
        hp: Hparams,
        workers: int,
    ) -> Parts:
        """The parts of tensors or Datasets. Raises DataError if they do not fit the model."""
        images, info = open_in_memory(data[0], hp, workers)
        return (images,), info

    def batch(self, parts: Sequence[Batch]) -> Any:
        """The argument of `losses`, from a batch of each part."""
        images, _ = parts[0]
        return images


class LabelledView(View):
    """Images and the numbers of their classes."""

    def rows(self, sources: Sequence[Source], text: str) -> list[Rows]:
        items = []
        for item in sources[0].items():
            if item.label is None:
                stamp = item.stamp and f"{item.stamp}, without a class"
                reason = "it lies in no sub-folder, and those are the classes"
                item = unusable(item.name, "no class", reason, stamp)
            items.append(item)
        if all(item.label is None for item in items):
            raise DataError(
                f"the model wants labels, and {text} has none: "
                "the classes of a folder or a zip are its sub-folders"
            )
        return [list(zip(items))]

    def batch(self, parts: Sequence[Batch]) -> Labelled:
        images, labels = parts[0]
        if labels is None:
            raise DataError("the model wants labels: label each image")
        return Labelled(images, labels)


class DomainsView(View):
    """Two domains, each with an order of its own."""

    largest_count = 2
    has_classes = False

    def rows(self, sources: Sequence[Source], text: str) -> list[Rows]:
        first = sources[0]
        if len(sources) == 2:
            a, b = first.items(), sources[1].items()
        elif isinstance(first, HasDomains):
            a, b = first.domains()
        else:
            raise DataError(
                f"{text} is not two domains: pass two sources, --data FIRST --data SECOND"
            )
        return [list(zip(a)), list(zip(b))]

    def in_memory(
        self,
        data: Sequence[object],
        hp: Hparams,
        workers: int,
    ) -> Parts:
        if len(data) != 2:
            raise DataError("the model wants two domains: pass a tuple of two, (a, b)")
        opened = [open_in_memory(one, hp, workers) for one in data]
        images, infos = zip(*opened, strict=True)
        kinds = set()
        for info in infos:
            made = Preparation.of(hp, info)
            kinds.add(f"{made.channels} channels of {size_text(made.load_size)}")
        if len(kinds) > 1:
            text = " and ".join(sorted(kinds))
            raise DataError(f"the two data sets differ: {text}")
        return images, infos[0]

    def batch(self, parts: Sequence[Batch]) -> Domains:
        return Domains(*(images for images, _ in parts))


class PairView(View):
    """Pairs: images with the channels of the source, then those of the target."""

    largest_count = 2
    has_classes = False

    def rows(self, sources: Sequence[Source], text: str) -> list[Rows]:
        first = sources[0]
        if len(sources) == 2:
            return [match_by_name(first.items(), sources[1].items())]
        if not isinstance(first, HasPairs):
            raise DataError(
                f"{text} has no pairs: pass two sources with equal names, --data FROM --data TO"
            )
        return [first.pairs()]

    def in_memory(
        self,
        data: Sequence[object],
        hp: Hparams,
        workers: int,
    ) -> Parts:
        images, info = open_in_memory(data[0], hp, workers, pairs=len(data) == 1)
        if len(data) == 2:
            targets, _ = open_in_memory(data[1], hp, workers)
            images = join_pairs(images, targets)
        return (images,), info

    def batch(self, parts: Sequence[Batch]) -> Pair:
        images, _ = parts[0]
        return Pair(*images.chunk(2, dim=1))


class ConditionedView(View):
    """Images and what is known of each."""

    has_classes = False

    def data_sets(self, data: object) -> Sequence[object]:
        """One, which may be a tuple of images and their attributes."""
        return (data,)

    def in_memory(
        self,
        data: Sequence[object],
        hp: Hparams,
        workers: int,
    ) -> Parts:
        images, attributes = with_attributes(data[0])
        part, info = open_in_memory(images, hp, workers)
        if len(attributes) != len(part):
            raise DataError(f"there are {len(part)} images and {len(attributes)} attributes")
        part.attributes = attributes
        return (part,), info

    def batch(self, parts: Sequence[Batch]) -> Conditioned:
        images, condition = parts[0]
        assert condition is not None
        return Conditioned(images, condition)


VIEWS: dict[Any, View] = {
    Tensor: View(),
    Labelled: LabelledView(),
    Domains: DomainsView(),
    Pair: PairView(),
    Conditioned: ConditionedView(),
}


def view_of(kind: Any) -> View:
    """The view that a model names by the type of its batches. Raises DataError for another type."""
    if kind not in VIEWS:
        raise DataError(
            f"no data source has batches of {kind!r}; choose from "
            "torch.Tensor, ganzoo.Labelled, ganzoo.Domains, ganzoo.Pair and ganzoo.Conditioned"
        )
    return VIEWS[kind]
