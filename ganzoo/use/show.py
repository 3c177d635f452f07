"""`ganzoo show` and `ganzoo list --check`: what a model, a run or a plugin is."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganzoo.data.source import source_class
from ganzoo.discovery.pretrained import declared
from ganzoo.discovery.registry import Plugin, augmentations, models, trainers
from ganzoo.errors import GanzooError, HparamError, unknown
from ganzoo.hparams.hparams import Hparams
from ganzoo.hparams.settings import AUGMENT, TRAINER, Settings
from ganzoo.hub.transfer import resolve_run
from ganzoo.model.augmentation import augmentation_class
from ganzoo.model.construct import on_meta, parameter_counts
from ganzoo.model.contract import Model
from ganzoo.state.card import going_on_words, paper
from ganzoo.state.config import CONFIG, DAMAGE, Config
from ganzoo.state.run import Run
from ganzoo.training.trainer import trainer_class
from ganzoo.zoo import model_class


def info(name: str) -> dict[str, Any]:
    """`model_info` of a registered model, `plugin_info` of a trainer or an augmentation, else
    `run_info` of a folder or an id of the Hub.

    Raises UnknownName with the closest name of all.
    """
    if name in models:
        return model_info(models[name])
    if name in trainers:
        return plugin_info(trainers[name], trainer_class(trainers[name]), TRAINER)
    if name in augmentations:
        return plugin_info(augmentations[name], augmentation_class(augmentations[name]), AUGMENT)
    if os.path.lexists(name) or "/" in name or ":" in name:
        return run_info(resolve_run(name))
    raise unknown("model, trainer or run", name, {*models, *trainers, *augmentations})


def plugin_info(plugin: Plugin, kind: Any, prefix: str) -> dict[str, Any]:
    """Documentation, hyperparameters and package of a trainer or an augmentation, for JSON."""
    return {
        "name": plugin.name,
        "kind": plugin.kind,
        "documentation": " ".join((kind.__doc__ or "").split("\n\n")[0].split()),
        "prefix": prefix,
        "hyperparameters": settings_info(kind.Hparams),
        "distribution": plugin.distribution,
        "version": plugin.version,
        "target": plugin.target,
    }


def settings_info(kind: type[Settings]) -> list[dict[str, Any]]:
    """Name, type, default and help text of each field."""
    defaults = kind().to_json()
    rows = []
    for key, field in kind.annotations().items():
        if key not in defaults:
            continue  # how another is kept
        row = {
            "name": key,
            "type": str(field),
            "default": defaults[key],
            "help": field.help,
        }
        rows.append(row)
    return rows


def model_info(plugin: Plugin) -> dict[str, Any]:
    """Documentation, paper, task, hyperparameters, networks and package of a model, for JSON.

    `networks` is name -> number of parameters, counted without allocating any; empty if it
    depends on the data, or if the model cannot be built on the meta device.
    """
    kind = model_class(plugin)
    return {
        "name": plugin.name,
        "documentation": " ".join((kind.__doc__ or "").split()),
        "paper": _paper(kind),
        "task": kind.task,
        "view": getattr(kind.view, "__name__", ""),
        "hyperparameters": settings_info(kind.Hparams),
        "use": settings_info(kind.Use),
        "networks": _networks(kind, kind.Hparams()),
        "trainer": kind.default_trainer,
        "data": kind.default_data,
        "pretrained": _pretrained(plugin),
        "distribution": plugin.distribution,
        "version": plugin.version,
        "target": plugin.target,
    }


def run_info(folder: Path) -> dict[str, Any]:
    """What a run folder says of its weights, its training and its size, for JSON.

    `step` and `scores` are those of the published weights, `steps` is the length of the training.
    `command` goes on with it; empty without a checkpoint, or if no command can. Sizes are in bytes.
    Raises StateError if it is no run.
    """
    run = Run(folder)
    config = run.read_config()
    checkpoints = [Config.read(path / CONFIG) for path in run.checkpoints()]
    training_files = [path for path in run.train.rglob("*") if path.is_file()]
    newest = checkpoints[-1] if checkpoints else config
    document = {
        "run": str(folder),
        "model": config.model,
        "distribution": config.distribution,
        "version": config.version,
        "task": config.task,
        "step": config.step,
        "steps": newest.hyperparameters.get("steps"),
        "scores": config.scores(),
        "measured_on": config.metrics.get("measured on"),
        "measured_images": config.metrics.get("images"),
        "data": config.sources(),
        "images": config.data.get("images"),
        "data_licence": config.data.get("licence"),
        "classes": list(config.classes),
        "attributes": _attributes(config),
        "trainer": config.trainer,
        "precision": config.precision,
        "origin": config.origin,
        "first_weights": config.first_weights,
        "licence": config.licence,
        "weights_size": run.weights.stat().st_size if run.weights.exists() else 0,
        "training_size": sum(path.stat().st_size for path in training_files),
        "checkpoints": [checkpoint.step for checkpoint in checkpoints],
        "networks": {},
        "use": [],
        "command": [],
    }
    # the model may not be installed, and a stranger's configuration may hold anything
    with suppress(GanzooError, *DAMAGE):
        kind = model_class(models[f"{config.distribution}/{config.model}"])
        document["networks"] = _networks(kind, kind.Hparams.from_json(config.hyperparameters))
        document["use"] = settings_info(kind.Use)
        if checkpoints:
            document["command"] = going_on_words(run, newest, kind.Hparams().to_json())
    return document


def _attributes(config: Config) -> dict[str, str]:
    """Attribute -> its values in words."""
    kinds = config.read_attributes().kinds
    return {name: kind.described() for name, kind in kinds.items()}


def _pretrained(plugin: Plugin) -> list[dict[str, str]]:
    known, _ = declared()
    rows = []
    for weights in known:
        if weights.model == plugin.name:
            row = {
                "name": weights.name,
                "licence": weights.licence,
                "where": weights.where,
            }
            rows.append(row)
    return rows


def _paper(kind: type[Model]) -> str | None:
    """The paper of the class, else of its nearest base class that names one."""
    for base in kind.__mro__:
        link = paper(base.__doc__ or "")
        if link:
            return link
    return None


def _networks(kind: type[Model], hp: Hparams) -> dict[str, int]:
    with suppress(HparamError):  # it has to be filled from the data
        model = on_meta(kind, hp)
        if model:
            return parameter_counts(model)
    return {}


def check_plugin(plugin: Plugin) -> str | None:
    """Loads a plugin. Returns what is wrong with it, None if nothing is."""
    try:
        if plugin.kind == "model":
            model_class(plugin)
        elif plugin.kind == "trainer":
            trainer_class(plugin)
        elif plugin.kind == "augmentation":
            augmentation_class(plugin)
        elif plugin.kind == "command":
            plugin.load()
        else:
            source_class(plugin)
    except GanzooError as error:
        return str(error)
    return None
