"""Hyperparameters: every number that changes the result, in one frozen dataclass per model."""

import dataclasses
import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from ganzoo.errors import HparamError, PluginError, unknown
from ganzoo.hparams.fields import Range, bounds_of, checked, is_class_var, parsed, text_of


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """What a data set says of itself, to fill the hyperparameters that are None.

    `size` is the height and width in pixels, `channels` 1 for grey and 3 for colour, `classes` the names of
    the labels in order (empty without labels).
    """

    size: int
    channels: int
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hparams:
    """The hyperparameters that every model has. A model subclasses this and adds its own.

    A step is one full pass of the model's `losses`. `batch_size` is that of all processes together. `ema` is
    the decay of the averages that the model asks for with `averaged()`.

    The last three say what becomes of the data: an image that is not square is cropped to its middle, stretched, or
    padded with black (`fit`); it is prepared at `load_size`, from which each batch cuts `image_size` at random (none:
    image_size itself); `flip` mirrors each with probability 1/2.
    """

    batch_size: Annotated[int, Range(1, 2**20)] = 64
    steps: Annotated[int, Range(1, 10**9)] = 10_000
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0
    lr: Annotated[float, Range(0, 100)] = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    ema: Annotated[float, Range(0, 1)] = 0.0
    fit: Literal["crop", "stretch", "pad"] = "crop"
    load_size: Annotated[int, Range(1, 2**14)] | None = None
    flip: bool = False

    def __post_init__(self) -> None:
        for name, annotation in self.annotations().items():
            object.__setattr__(self, name, checked(name, getattr(self, name), annotation))
        if not all(0 <= beta < 1 for beta in self.betas):
            raise HparamError(f"betas={text_of(self.betas)}: each must be at least 0 and below 1")
        self.validate()

    def validate(self) -> None:
        """Override to check fields against each other; raise `ganzoo.HparamError`."""

    @classmethod
    def annotations(cls) -> dict[str, Any]:
        """Field name -> type, in the order of declaration.

        A field that is declared again without a range (`lr: float = 1e-4`) keeps the one it had.
        """
        hints = typing.get_type_hints(cls, include_extras=True)
        names = [field.name for field in dataclasses.fields(cls)]
        if mistake := _mistake(cls):  # those of its bases are found below
            raise PluginError(mistake)
        parents = [base for base in cls.__bases__ if issubclass(base, Hparams)]
        inherited = {
            name: hint for parent in parents for name, hint in parent.annotations().items()
        }
        return {
            n: inherited[n] if bounds_of(inherited.get(n))[0] is hints[n] else hints[n]
            for n in names
        }

    def replaced(self, values: Mapping[str, Any]) -> Self:
        """A copy with these values, each checked against its field's type and range."""
        for name in values:
            if name not in self.annotations():
                raise unknown("hyperparameter", name, self.annotations())
        return dataclasses.replace(self, **values)

    @classmethod
    def from_options(cls, file: Any, assignments: Any) -> Self:
        import tomllib
        values: dict[str, Any] = {}
        if file:
            try:
                values = tomllib.loads(file.read_text(encoding="utf-8"))
                cls().replaced(values)
            except Exception as cause:
                raise HparamError(f"{file}: {getattr(cause, 'strerror', None) or cause}") from None
        values |= dict(cls.parse(assignment) for assignment in assignments)
        return cls().replaced(values)

    def for_data(self, info: DataInfo) -> Self:
        """A copy in which the fields that are None are filled from the data: image_size, channels, classes."""
        found = {
            "image_size": info.size,
            "channels": info.channels,
            "classes": len(info.classes) or None,
        }
        return self.replaced({name: found[name] for name in self.unfilled() if name in found})

    def unfilled(self) -> list[str]:
        """The fields that still wait for the data."""
        return [
            n
            for n in ("image_size", "channels", "classes")
            if n in self.annotations() and getattr(self, n) is None
        ]

    @classmethod
    def parse(cls, assignment: str) -> tuple[str, Any]:
        """`"lr=1e-3"` -> `("lr", 0.001)`, read as the type of the field."""
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise HparamError(f"{assignment!r} is not key=value")
        annotations = cls.annotations()
        if name not in annotations:
            raise unknown("hyperparameter", name, annotations)
        return name, parsed(name, text.strip(), annotations[name])

    def to_json(self) -> dict[str, Any]:
        """Name -> value, of types that JSON has."""
        return {name: _plain(getattr(self, name)) for name in self.annotations()}


def _mistake(kind: type[Hparams]) -> str | None:
    """What its author forgot, so that a default that was written would not count."""
    own = inspect.get_annotations(kind)
    if not all(map(is_class_var, own.values())) and "__dataclass_fields__" not in vars(kind):
        return f"{kind.__qualname__}.{min(own)} is not a field: put @dataclass(frozen=True, kw_only=True) above the class"
    for name, value in vars(kind).items():
        is_value = not callable(value) and not hasattr(value, "__get__")
        if is_value and name.islower() and not name.startswith("_") and name not in own:
            return f"{kind.__qualname__}.{name} is not a field: write {name}: {type(value).__name__} = {value!r:.60}"
    if open_ := [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is f.default_factory is dataclasses.MISSING
    ]:
        return f"{kind.__qualname__}.{open_[0]} has no default: every hyperparameter has one, or is None and filled"
    return None


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
