"""Hyperparameters: every number that changes the result, in one frozen dataclass per model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self

from ganzoo.errors import HparamError
from ganzoo.hparams.fields import Range
from ganzoo.hparams.settings import Settings
from ganzoo.hparams.size import Size, enlarged_size, size_of

FROM_DATA = ("image_size", "channels", "classes")
"""The fields that are filled from the data when they are None."""
CONDITION = "condition"
"""Another one, which only models with conditions declare."""


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """What a data set tells a model.

    `size`: height and width in pixels, or both if they differ. `channels`: 1 for grey, 3 for
    colour. `classes`: the names of the labels in order, empty without labels. `attributes` is what
    is known of the images, for models that are conditioned on it; `condition` the length of their
    conditions.
    """

    size: Size
    channels: int
    classes: tuple[str, ...] = ()
    attributes: Any = None

    @property
    def condition(self) -> int | None:
        return self.attributes.length if self.attributes else None


@dataclass(frozen=True, kw_only=True)
class Hparams(Settings):
    """The hyperparameters that every model has. A model subclasses this and adds its own."""

    renamed: ClassVar[Mapping[str, str]] = {"fit": "resize"}
    load_ratio: ClassVar[float] = 1.0
    """`load_size="auto"` is this times image_size."""

    image_size: Annotated[
        int | tuple[int, int] | None,
        Range(1, 2**14),
        "height and width of an image, in pixels; 64x96 if they differ",
    ] = None
    channels: Annotated[
        int | None,
        Range(1, 4),
        "1 for grey, 3 for colour, 4 with transparency",
    ] = None
    classes: Annotated[
        int | None,
        Range(1, 2**20),
        "number of classes",
    ] = None
    batch_size: Annotated[
        int,
        Range(1, 2**20),
        "images per batch, over all processes",
    ] = 64
    steps: Annotated[
        int,
        Range(1, 10**9),
        "length of the training; a step is one pass of `losses`",
    ] = 10_000
    seed: Annotated[
        int,
        Range(0, 2**63 - 1),
        "all random draws follow from it",
    ] = 0
    lr: Annotated[
        float,
        Range(0, 100),
        "learning rate of every player",
    ] = 2e-4
    betas: Annotated[
        tuple[float, float],
        Range(0, 0.9999999),
        "decay rates of Adam's two moments",
    ] = (0.5, 0.999)
    ema: Annotated[
        float,
        Range(0, 1),
        "decay of the averaged weights, per step; 0 for none",
    ] = 0.0
    resize: Annotated[
        Literal["crop", "stretch", "pad"],
        "how an image becomes square: its middle, stretched, or padded with black",
    ] = "crop"
    load_size: Annotated[
        int | tuple[int, int] | Literal["auto"] | None,
        Range(1, 2**14),
        "size of stored images; batches are random crops of image_size",
    ] = None
    flip: Annotated[
        bool,
        "mirror each image with probability 1/2",
    ] = False
    validation: Annotated[
        float,
        Range(0, 0.9),
        "share of the data that is held out to score the model",
    ] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("image_size", "load_size"):
            value = getattr(self, name)
            if isinstance(value, tuple):
                object.__setattr__(self, name, size_of(*value))

    def for_data(self, info: DataInfo) -> Self:
        """A copy in which image_size, channels and classes, where None, are those of the data.

        So is `condition`, if it is a field.
        """
        # 0 is in none of their ranges
        values: dict[str, Any] = {
            "image_size": self.image_size or info.size,
            "channels": self.channels or info.channels,
            "classes": self.classes or len(info.classes) or None,
        }
        if CONDITION in self.annotations():
            values[CONDITION] = getattr(self, CONDITION) or info.condition
        return replace(self, **values)

    def stored_size(self, image_size: Size) -> Size:
        """The size of stored images, of which batches are crops of `image_size`."""
        if self.load_size == "auto":
            return enlarged_size(image_size, self.load_ratio)
        return self.load_size or image_size

    def unfilled(self) -> list[str]:
        """The fields that wait for the data, among those that the model's own class declares."""
        own, shared = self.__dataclass_fields__, Hparams.__dataclass_fields__
        names = [name for name in (*FROM_DATA, CONDITION) if own.get(name) is not shared.get(name)]
        return [name for name in names if getattr(self, name) is None]

    def to_json(self) -> dict[str, Any]:
        """Name -> value, of types that JSON has. `load_size="auto"` is the number that it means."""
        values = super().to_json()
        if self.image_size and self.load_size == "auto":
            stored = self.stored_size(self.image_size)
            values["load_size"] = stored if isinstance(stored, int) else list(stored)
        return values


def unfilled_error(name: str) -> HparamError:
    """The error for a model that is constructed before this field is filled."""
    way_out = f"give {name}=..., or in Python create(..., data=SOURCE)"
    if name == "classes":
        way_out += "; a Dataset of your own names them in its attribute `classes`"
    return HparamError(f"{name} is filled from the data: {way_out}")
