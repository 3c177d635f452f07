"""config.json: how the weights of a run came about, and what is needed to load them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from ganzoo.data.attributes import Attributes
from ganzoo.errors import StateError
from ganzoo.hparams.hparams import FROM_DATA
from ganzoo.hparams.settings import TRAINER
from ganzoo.model.contract import Model

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
FORMAT = 1
"""Raised when a newer ganzoo writes what an older one cannot read."""
LARGEST = 2**24
"""Bytes of a config.json: a thousand classes take 30,000."""
LOCAL = re.compile(
    r"""(?:^|(?<=\w:)|(?<=[ ]and[ ]))
    (?:
        /(?!/)                  # /home/ada/cats; not the rest of a URL
        | file:/
        | ~[^/\\]*[/\\]         # ~/cats, ~ada/cats
        | [A-Za-z]:[/\\]        # C:\Users\ada\cats
        | \\\\                  # \\server\cats
        | (?:.*[/\\])?\.\.[/\\] # ../cats, data/../../cats
    )
    .*?([^/\\]+(?:[/\\](?i:train|val|valid|validation|test))?)[/\\]*$""",
    re.VERBOSE,
)
"""A path that is absolute or leads outside, alone or in `folder:/home/ada/cats`; not a URL.

Its last folder stays, with the one around it where that alone says what it is: `cats/train`.
"""
PLACES = {
    "model": "model/name",
    "distribution": "model/distribution",
    "version": "model/version",
    "task": "task",
    "hyperparameters": "hyperparameters",
    "data": "data",
    "classes": "classes",
    "attributes": "attributes",
    "licence": "licence",
    "origin": "origin",
    "first_weights": "first_weights",
    "helpers": "helpers",
    "metrics": "metrics",
    "trainer": "options/trainer",
    "trainer_hyperparameters": "options/trainer_hyperparameters",
    "precision": "options/precision",
    "file": "weights/file",
    "sha256": "weights/sha256",
    "step": "weights/step",
}
"""Field of Config -> its place in the file, in the order of the file."""
OBJECTS = (
    "hyperparameters",
    "attributes",
    "data",
    "helpers",
    "metrics",
    "trainer_hyperparameters",
)
"""The fields that are JSON objects."""
OPTIONAL = ("attributes", "helpers", "trainer_hyperparameters")
"""The fields that are left out where they are empty."""
HELD_OUT, CONTENT = "what is held out", "the data's content"
"""The differences between two runs that a user may accept."""
DAMAGE = (
    OSError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    RecursionError,
)
"""What reading any content may raise."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that the weights depend on.

    `distribution` and `version` are those of the package that registers the model; they are empty
    for a class without an entry point, whose name is then `model`. `sha256` is that of the weights,
    None before there are any. `origin` is the model and the sha256 of the weights that the training
    started from, None for first weights. `first_weights` says whose those are, None if they were
    drawn. `attributes` are those of the data, for a model with conditions. `helpers` are networks
    that the training used, each with its source and sha256. `metrics` are scores of these weights,
    the number of images scored, and which images those were.
    """

    model: str
    distribution: str
    version: str
    task: str
    hyperparameters: dict[str, Any]
    trainer: str
    precision: str
    data: dict[str, Any]
    classes: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    licence: str | None = None
    origin: str | None = None
    first_weights: str | None = None
    helpers: dict[str, Any] = field(default_factory=dict)
    trainer_hyperparameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    file: str = WEIGHTS
    sha256: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Old name -> new name of hyperparameters; not written."""

    @classmethod
    def of(cls, model: Model, **rest: Any) -> Self:
        """The configuration of a model; `rest` is what the model does not know itself."""
        plugin = model.plugin
        return cls(
            model=model.display_name,
            distribution=plugin.distribution if plugin else "",
            version=plugin.version if plugin else "",
            task=model.task,
            hyperparameters=model.hp.to_json(),
            classes=model.classes,
            attributes=model.attributes.to_json(),
            origin=model.origin,
            first_weights=model.first_weights,
            renamed=dict(model.hp.renamed),
            **rest,
        )

    def to_json(self) -> str:
        """The text of the file: the same for equal configurations."""
        document: dict[str, Any] = {
            "library_name": "ganzoo",
            "format": FORMAT,
        }
        for name, place in PLACES.items():
            group, _, key = place.rpartition("/")
            inside = document.setdefault(group, {}) if group else document
            value = getattr(self, name)
            if name in OPTIONAL and not value:
                continue
            inside[key] = None if value == "" else value
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads the file.

        Raises StateError, which names the file, if ganzoo did not write it, a newer ganzoo did, or
        it is damaged.
        """
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError(f"it has over {LARGEST:,} bytes")
            document = json.loads(path.read_bytes())
            if document["library_name"] != "ganzoo":
                raise ValueError("another library wrote it")
            version = document["format"]
            if version != FORMAT:
                raise StateError(
                    f"{path} has format {version}, not {FORMAT}: pip install -U ganzoo"
                )
            # older files of the format lack these
            older: dict[str, Any] = {"origin": None, "first_weights": None, "metrics": {}}
            return cls._of(older | document)
        except FileNotFoundError:
            raise StateError(f"{path.parent} is not a ganzoo run: it has no {CONFIG}") from None
        except DAMAGE as cause:
            reason = f"{type(cause).__name__}: {cause}"
            raise StateError(
                f"{path} cannot be read, or ganzoo did not write it ({reason})"
            ) from None

    @classmethod
    def _of(cls, document: dict[str, Any]) -> Self:
        values = {}
        for name, place in PLACES.items():
            value: Any = document
            for key in place.split("/"):
                value = value.get(key, {}) if name in OPTIONAL else value[key]
            values[name] = value
        for name in ("distribution", "version"):
            values[name] = values[name] or ""
        for name in OBJECTS:
            values[name] = dict(values[name])
        values["classes"] = tuple(map(str, values["classes"]))
        values["step"] = int(values["step"])
        return cls(**values)

    def differences(self, other: Self, defaults: Mapping[str, Any]) -> dict[str, str]:
        """A line for each setting of another run that would change the result, by its name.

        The number of steps and versions are not compared. `defaults` are the model's
        hyperparameters, for a run that is older than one of them. Data that the other run has
        accepted as its earlier data, up to this step, are no difference.
        """
        mine = self._compared(defaults, other.renamed)
        theirs = other._compared(defaults, other.renamed)
        for earlier in other.data.get("earlier", []):
            if earlier["until"] == self.step and _content(earlier) == _content(self.data):
                theirs |= _content(self.data)
        lines = {}
        for key in {**mine, **theirs}:
            here, there = mine.get(key), theirs.get(key)
            if key in FROM_DATA and None in (here, there):
                continue  # older runs lack it
            if here != there:
                lines[key] = f"{key}: {here} here, {there} asked for"
        return lines

    def _compared(
        self,
        defaults: Mapping[str, Any],
        renamed: Mapping[str, str],
    ) -> dict[str, Any]:
        values = {
            "model": f"{self.distribution}/{self.model}",
            **defaults,
        }
        for name, value in self.hyperparameters.items():
            values[renamed.get(name, name)] = value
        for name, value in self.trainer_hyperparameters.items():
            values[f"{TRAINER}{name}"] = value
        for name, helper in self.helpers.items():
            values[f"helper {name}"] = helper["sha256"]
        return (
            values
            | {
                "steps": None,  # not compared
                "trainer": self.trainer,
                "precision": self.precision,
                "started from": self.origin or "first weights",
            }
            | _content(self.data)
        )

    def data_until_now(self) -> dict[str, Any]:
        """The data up to this step, as an entry of the "earlier" data of a run that goes on."""
        data = {name: value for name, value in self.data.items() if name != "earlier"}
        return {**data, "until": self.step}

    def sources(self, part: str = "") -> list[str]:
        """The data sources, or those of the part "validation"; none if they came from Python."""
        data = self.data.get(part, {}) if part else self.data
        source = data.get("source") or []
        return list(map(str, source)) if isinstance(source, list) else [str(source)]

    def read_attributes(self) -> Attributes:
        """The attributes of the data. Raises StateError if they are damaged."""
        try:
            return Attributes.from_json(self.attributes)
        except DAMAGE as cause:
            raise StateError(f"the attributes in {CONFIG} are damaged: {cause!r}") from None

    def scores(self) -> dict[str, float]:
        """The scores of these weights, by name."""
        return {name: value for name, value in self.metrics.items() if isinstance(value, float)}

    def public(self) -> Self:
        """The configuration as it is uploaded: of a local path, only its end."""
        names = (*OBJECTS, "origin", "first_weights")
        values = {name: _public(getattr(self, name)) for name in names}
        return replace(self, **values)


def _content(data: Mapping[str, Any]) -> dict[str, str]:
    """What is compared of an entry "data": only the images count, not where they lie."""
    validation = data.get("validation", {})
    return {
        HELD_OUT: str(validation.get("fingerprint", "a part")),
        CONTENT: f"{data.get('images')} images, {data.get('fingerprint')}",
    }


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _public(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_public(inside) for inside in value]
    return LOCAL.sub(_last_part, value) if isinstance(value, str) else value


def _last_part(path: re.Match[str]) -> str:
    """The last component, with the folder around train/ and val/ unless that is an account."""
    above = path[0][: path.start(1) - path.start()]
    folder = re.split(r"[/\\]", above.rstrip("/\\"))[-1]
    if folder.lower() in ("", "home", "users"):
        return re.split(r"[/\\]", path[1])[-1]
    return path[1]
