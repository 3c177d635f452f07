"""config.json: what a run's weights are, and how they came about."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from ganzoo.discovery.registry import Plugin
from ganzoo.errors import StateError
from ganzoo.hparams.hparams import FROM_DATA
from ganzoo.model.contract import Model

FORMAT = 1
"""Raised when a newer ganzoo writes what an older one cannot read."""
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
LARGEST = 2**24
"""Bytes of a config.json: a thousand classes take 30,000."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that the weights' meaning depends on.

    `sha256` is of model.safetensors, None before there is one; `origin` the model and the sha256 of the weights that
    the training started from, None for first weights; `metrics` the scores of these weights, how many images they are
    of, and which.
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
    licence: str | None = None
    origin: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    sha256: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Old name -> new name of hyperparameters; not written."""

    @classmethod
    def of(cls, model: Model, plugin: Plugin, **rest: Any) -> Self:
        """What the model and the plugin that it comes from say themselves, and the rest."""
        return cls(
            model=plugin.name,
            distribution=plugin.distribution,
            version=plugin.version,
            task=model.task,
            hyperparameters=model.hp.to_json(),
            classes=model.classes,
            origin=model.origin,
            renamed=dict(model.hp.renamed),
            **rest,
        )

    def to_json(self) -> str:
        """The text of the file: the same for equal configurations."""
        fields = asdict(self)
        del fields["renamed"]
        plugin = {key: fields.pop(key) for key in ("model", "distribution", "version")}
        options = {key: fields.pop(key) for key in ("trainer", "precision")}
        weights = {
            "file": WEIGHTS,
            "sha256": fields.pop("sha256"),
            "step": fields.pop("step"),
        }
        document = {
            "library_name": "ganzoo",
            "format": FORMAT,
            "model": {"name": plugin.pop("model"), **plugin},
            **fields,
            "options": options,
            "weights": weights,
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads the file. Raises StateError, naming it, when it is not ganzoo's, is newer, or is damaged."""
        try:
            if path.stat().st_size > LARGEST:
                raise StateError(
                    f"{path} is larger than {LARGEST:,} bytes: it was not written by ganzoo"
                )
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StateError(f"{path.parent} is not a ganzoo run: it has no {CONFIG}") from None
        except (OSError, ValueError, RecursionError) as cause:
            raise StateError(f"{path} cannot be read: {cause}") from None
        if not isinstance(document, dict) or document.get("library_name") != "ganzoo":
            raise StateError(f"{path} was not written by ganzoo")
        if document.get("format") != FORMAT:
            raise StateError(
                f"{path} has format {document.get('format')}, and this ganzoo reads {FORMAT}: pip install -U ganzoo"
            )
        try:
            model, options, weights = (document[key] for key in ("model", "options", "weights"))
            return cls(
                model=str(model["name"]),
                distribution=str(model["distribution"]),
                version=str(model["version"]),
                task=str(document["task"]),
                hyperparameters=dict(document["hyperparameters"]),
                trainer=str(options["trainer"]),
                precision=str(options["precision"]),
                data=dict(document["data"]),
                classes=tuple(map(str, document["classes"])),
                licence=document["licence"],
                origin=document.get("origin"),
                metrics=dict(document.get("metrics") or {}),
                step=int(weights["step"]),
                sha256=weights["sha256"],
            )
        except (KeyError, TypeError, ValueError, OverflowError) as cause:
            raise StateError(f"{path} is damaged: {type(cause).__name__}: {cause}") from None

    def differences(self, other: Self, defaults: Mapping[str, Any]) -> list[str]:
        """What the other run does differently that changes the result, one line each; steps and versions aside.

        `defaults` are the hyperparameters': where one is missing, the run is older than it, and had its default.
        """
        mine, theirs = (config._compared(defaults, other.renamed) for config in (self, other))
        lines = []
        for key in dict.fromkeys([*mine, *theirs]):
            here, there = mine.get(key), theirs.get(key)
            is_older = key in FROM_DATA and None in (here, there)  # runs of before lack it
            if here != there and not is_older:
                here, there = (texts.get(key, "not set") for texts in (mine, theirs))
                lines.append(f"{key}: {here} here, {there} asked for")
        return lines

    def _compared(
        self, defaults: Mapping[str, Any], renamed: Mapping[str, str]
    ) -> dict[str, Any]:
        known = dict(defaults)
        for name, value in self.hyperparameters.items():
            known[renamed.get(name, name)] = value
        hyperparameters = {key: value for key, value in known.items() if key != "steps"}
        return {
            "model": f"{self.distribution}/{self.model}",
            **hyperparameters,
            "trainer": self.trainer,
            "precision": self.precision,
            "started from": self.origin or "first weights",
            "what is held out": str(self.data.get("validation", {}).get("fingerprint", "a part"))[
                :16
            ],
            "the data's content": f"{self.data.get('images')} images, {str(self.data.get('fingerprint'))[:16]}",
        }

    def at(self, step: int, sha256: str | None) -> Self:
        """The same run, at another step."""
        return replace(self, step=step, sha256=sha256)
