"""Settings: named values with types, ranges and help texts, in one frozen dataclass."""

import functools
import json
import logging
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from inspect import get_annotations
from pathlib import Path
from typing import Any, ClassVar, Self, dataclass_transform

from ganzoo.errors import GanzooError, HparamError, PluginError, unknown
from ganzoo.hparams.fields import FieldType

logger = logging.getLogger(__name__)
_freezing = threading.Lock()
AUGMENT, TRAINER = "augment.", "trainer."
"""The beginnings of the names that belong to an augmentation and to a trainer."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
@dataclass(frozen=True, kw_only=True)
class Settings:
    """Values that a person may set. A subclass declares them.

    A field is `name: type = default`; `Annotated[int, ganzoo.Range(1, 64), "help text"]` adds a
    range and a help text, which a new declaration in a subclass keeps. No decorator is needed:
    the class becomes a frozen dataclass when it is first used.
    """

    noun: ClassVar[str] = "hyperparameter"
    """What a field is in messages."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Old name -> new name, for the fields that this class renamed; old names are still read."""

    def __new__(cls, *args: Any, **values: Any) -> Self:
        cls.annotations()  # makes the class a dataclass, before its __init__ is looked up
        return super().__new__(cls)

    def __init_subclass__(cls) -> None:
        """A decorator may still follow for `cls`, but no longer for its bases."""
        super().__init_subclass__()
        names: dict[str, str] = {}
        for base in reversed(cls.__bases__):
            if issubclass(base, Settings):
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
                logger.warning("%s %r is now called %r", self.noun, old, new)
        return replace(self, **self._by_new_names(values))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The hyperparameters of a config.json: old names are read, missing ones are defaults."""
        return cls(**cls._by_new_names(values))

    @classmethod
    def from_options(
        cls,
        file: Path | None,
        assignments: Sequence[str],
        *,
        of_trainer: bool = False,
    ) -> Self:
        """The defaults, then the values of a TOML file, then assignments `"key=value"`.

        Those whose names begin with `trainer.` are a trainer's, and all others a model's. In a file
        they may be tables, `[trainer]`; `[augment]` has the augmentation itself as its `name`.
        """
        hp = cls()
        if file:
            try:
                document = _flat(tomllib.loads(file.read_text("utf-8")))
                hp = hp.replaced(own_values(document, of_trainer))
            except (OSError, GanzooError) as cause:
                raise HparamError(f"{file}: {getattr(cause, 'strerror', cause)}") from None
            except ValueError as cause:
                raise HparamError(
                    f"{file} is no TOML ({cause}): write a hyperparameter on each line, "
                    'as in batch_size = 16 or resize = "pad"'
                ) from None
        texts = own_values({text: text for text in assignments}, of_trainer)
        return hp.replaced(dict(map(cls.parse, texts)))

    @classmethod
    def _by_new_names(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, value in values.items():
            new = cls.renamed.get(name, name)
            if new not in cls.annotations():
                public = [known for known in cls.annotations() if known[0] != "_"]
                raise unknown(cls.noun, name, public)
            if new in result:
                raise HparamError(f"{new} has two values, by its old and its new name")
            result[new] = value
        return result

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
        """Name -> value, of types that JSON has."""
        return dict(json.loads(json.dumps(asdict(self))))


def _freeze(kind: type[Settings]) -> None:
    """Makes the class a frozen dataclass, unless its author wrote the decorator."""
    with _freezing:
        if "__dataclass_fields__" in vars(kind):
            return
        try:
            dataclass(frozen=True, kw_only=True)(kind)
        except (TypeError, ValueError) as cause:
            raise PluginError(f"{kind.__qualname__}: {cause}") from cause


def _check_declarations(kind: type[Settings]) -> None:
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


def own_values(values: Mapping[str, Any], of_trainer: bool) -> dict[str, Any]:
    """The values of a trainer, without `trainer.`; or all others."""
    result = {}
    for name, value in values.items():
        if name.startswith(TRAINER) == of_trainer:
            result[name.removeprefix(TRAINER) if of_trainer else name] = value
    return result


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Tables as dotted names: `[trainer] parts = 4` is `trainer.parts`."""
    result: dict[str, Any] = {}
    for name, value in document.items():
        if not isinstance(value, Mapping):
            result[name] = value
            continue
        for key, inside in value.items():
            is_choice = (name, key) == ("augment", "name")
            result[name if is_choice else f"{name}.{key}"] = inside
    return result
