"""Hyperparameters: every number that changes the result, in one frozen dataclass per model."""

import functools
import json
import logging
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from inspect import get_annotations
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, dataclass_transform

from ganzoo.errors import GanzooError, HparamError, PluginError, unknown
from ganzoo.hparams.fields import FieldType, Range

logger = logging.getLogger(__name__)
_freezing = threading.Lock()
FROM_DATA = ("image_size", "channels", "classes")
"""The fields that are filled from the data when they are None."""


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """What a data set tells a model.

    `size`: height and width in pixels. `channels`: 1 for grey, 3 for colour. `classes`: the names
    of the labels in order, empty without labels.
    """

    size: int
    channels: int
    classes: tuple[str, ...] = ()


@dataclass_transform(frozen_default=True, kw_only_default=True)
@dataclass(frozen=True, kw_only=True)
class Hparams:
    """The hyperparameters that every model has. A model subclasses this and adds its own.

    A field is `name: type = default`; `Annotated[int, ganzoo.Range(1, 64), "help text"]` adds a
    range and a help text, which a new declaration in a subclass keeps. No decorator is needed:
    the class becomes a frozen dataclass when it is first used.
    """

    renamed: ClassVar[Mapping[str, str]] = {"fit": "resize"}
    """Old name -> new name, for the fields that this class renamed; old names are still read."""
    load_ratio: ClassVar[float] = 1.0
    """`load_size="auto"` is this times image_size."""

    image_size: Annotated[
        int | None,
        Range(1, 2**14),
        "height and width of an image, in pixels",
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
        int | Literal["auto"] | None,
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

    def __new__(cls, *args: Any, **values: Any) -> Self:
        cls.annotations()  # makes the class a dataclass, before its __init__ is looked up
        return super().__new__(cls)

    def __init_subclass__(cls) -> None:
        """A decorator may still follow for `cls`, but no longer for its bases."""
        super().__init_subclass__()
        names: dict[str, str] = {}
        for base in reversed(cls.__bases__):
            if issubclass(base, Hparams):
                _freeze(base)
                names |= base.renamed
        cls.renamed = {**names, **cls.renamed}

    def __post_init__(self) -> None:
        for name, field in self.annotations().items():
            value = field.checked(name, getattr(self, name))
            object.__setattr__(self, name, value)
        self.validate()

    def validate(self) -> None:
        """Override to check fields against each other; raise `ganzoo.HparamError`."""

    @classmethod
    @functools.cache
    def annotations(cls) -> dict[str, FieldType]:
        """Field name -> type with range and help text, in the order of declaration.

        Raises PluginError for a field without a type or a default.
        """
        _freeze(cls)
        _check_declarations(cls)
        names = [field.name for field in fields(cls)]
        result: dict[str, FieldType] = {}
        for base in reversed(cls.__mro__):
            declared = get_annotations(base, eval_str=True)
            for name, annotation in declared.items():
                if name in names:
                    result[name] = FieldType.of(annotation, result.get(name))
        return result

    def replaced(self, values: Mapping[str, Any]) -> Self:
        """A copy with these values, each checked. An old name is logged with the new one."""
        for old, new in self.renamed.items():
            if old in values:
                logger.warning("hyperparameter %r is now called %r", old, new)
        return replace(self, **self._by_new_names(values))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The hyperparameters of a config.json: old names are read, missing ones are defaults."""
        return cls(**cls._by_new_names(values))

    @classmethod
    def from_options(cls, file: Path | None, assignments: Sequence[str]) -> Self:
        """The defaults, then the values of a TOML file, then assignments `"key=value"`."""
        hp = cls()
        if file:
            try:
                hp = hp.replaced(tomllib.loads(file.read_text("utf-8")))
            except (OSError, GanzooError) as cause:
                raise HparamError(f"{file}: {getattr(cause, 'strerror', cause)}") from None
            except ValueError as cause:
                raise HparamError(
                    f"{file} is no TOML ({cause}): write a hyperparameter on each line, "
                    'as in batch_size = 16 or resize = "pad"'
                ) from None
        return hp.replaced(dict(map(cls.parse, assignments)))

    @classmethod
    def _by_new_names(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, value in values.items():
            new = cls.renamed.get(name, name)
            if new not in cls.annotations():
                raise unknown("hyperparameter", name, cls.annotations())
            if new in result:
                raise HparamError(f"{new} has two values, by its old and its new name")
            result[new] = value
        return result

    def for_data(self, info: DataInfo) -> Self:
        """A copy in which image_size, channels and classes, where None, are those of the data."""
        # 0 is in none of their ranges
        return replace(
            self,
            image_size=self.image_size or info.size,
            channels=self.channels or info.channels,
            classes=self.classes or len(info.classes) or None,
        )

    def stored_size(self, image_size: int) -> int:
        """Height and width of stored images, of which batches are crops of `image_size`."""
        if self.load_size == "auto":
            return round(image_size * self.load_ratio)
        return self.load_size or image_size

    def unfilled(self) -> list[str]:
        """The fields that wait for the data, among those that the model's own class declares."""
        own, shared = self.__dataclass_fields__, Hparams.__dataclass_fields__
        names = [name for name in FROM_DATA if own[name] is not shared[name]]
        return [name for name in names if getattr(self, name) is None]

    @classmethod
    def parse(cls, assignment: str) -> tuple[str, Any]:
        """`"lr=1e-3"` -> `("lr", 0.001)`, read as the type of the field. An old name is kept."""
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise HparamError(f"{assignment!r} is not key=value")
        [new] = cls._by_new_names({name: text})
        return name, cls.annotations()[new].parsed(name, text.strip())

    def to_json(self) -> dict[str, Any]:
        """Name -> value, of types that JSON has. `load_size="auto"` is the number that it means."""
        values = dict(json.loads(json.dumps(asdict(self))))
        if self.image_size and self.load_size == "auto":
            values["load_size"] = self.stored_size(self.image_size)
        return values


def unfilled_error(name: str) -> HparamError:
    """The error for a model that is constructed before this field is filled."""
    way_out = f"give {name}=..., or in Python create(..., data=SOURCE)"
    if name == "classes":
        way_out += "; a Dataset of your own names them in its attribute `classes`"
    return HparamError(f"{name} is filled from the data: {way_out}")


def _freeze(kind: type[Hparams]) -> None:
    """Makes the class a frozen dataclass, unless its author wrote the decorator."""
    with _freezing:
        if "__dataclass_fields__" in vars(kind):
            return
        try:
            dataclass(frozen=True, kw_only=True)(kind)
        except (TypeError, ValueError) as cause:
            raise PluginError(f"{kind.__qualname__}: {cause}") from cause


def _check_declarations(kind: type[Hparams]) -> None:
    """Raises PluginError for a default without a type, which would be ignored, and the like."""
    own = get_annotations(kind)
    for name, value in vars(kind).items():
        is_public = name.islower() and name[0] != "_"
        is_constant = isinstance(value, int | float | str | tuple)
        if is_public and is_constant and name not in own:
            raise PluginError(
                f"{kind.__qualname__}.{name} is not a field: "
                f"write {name}: {type(value).__name__} = {value!r:.60}"
            )
    for field in fields(kind):
        if field.default is MISSING:
            raise PluginError(
                f"{kind.__qualname__}.{field.name} needs a default: "
                "a number, a text, a tuple (not a list), or None"
            )
        if field.name in kind.renamed:
            raise PluginError(
                f"{kind.__qualname__}.{field.name} is now called "
                f"{kind.renamed[field.name]}: rename the field"
            )
