"""`ganzoo show` and `ganzoo list --check`: what a plugin is, and whether it can be loaded."""

from contextlib import suppress
from typing import Any

from torch import Tensor

from ganzoo.data.source import source_class
from ganzoo.discovery.registry import Plugin, models
from ganzoo.errors import GanzooError, HparamError
from ganzoo.model.construct import on_meta
from ganzoo.model.contract import Model
from ganzoo.state.card import paper
from ganzoo.training.trainer import trainer_class
from ganzoo.zoo import model_class


def model_info(name: str) -> dict[str, Any]:
    """Documentation, paper, task, hyperparameters, networks and package of a model, for JSON.

    `networks` is name -> number of parameters, counted without allocating any; empty if it
    depends on the data, or if the model cannot be built on the meta device.
    """
    plugin = models[name]
    kind = model_class(plugin)
    defaults = kind.Hparams().to_json()
    hyperparameters = [
        {"name": key, "type": str(annotation), "default": defaults[key]}
        for key, annotation in kind.Hparams.annotations().items()
    ]
    return {
        "name": plugin.name,
        "documentation": " ".join((kind.__doc__ or "").split()),
        "paper": _paper(kind),
        "task": kind.task,
        "hyperparameters": hyperparameters,
        "networks": _networks(kind),
        "trainer": kind.default_trainer,
        "data": kind.default_data,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "target": plugin.target,
    }


def _paper(kind: type[Model]) -> str | None:
    """The paper of the class, else of its nearest base class that names one."""
    for base in kind.__mro__:
        link = paper(base.__doc__ or "")
        if link:
            return link
    return None


def _networks(kind: type[Model]) -> dict[str, int]:
    counts = {}
    with suppress(HparamError):  # it has to be filled from the data
        model = on_meta(kind, kind.Hparams())
        children = model.named_children() if model else ()
        for name, network in children:
            count = sum(map(Tensor.numel, network.parameters()))
            if count:
                counts[name] = count
    return counts


def check_plugin(plugin: Plugin) -> str | None:
    """Loads a plugin. Returns what is wrong with it, None if nothing is."""
    try:
        if plugin.kind == "model":
            model_class(plugin)
        elif plugin.kind == "trainer":
            trainer_class(plugin)
        else:
            source_class(plugin)
    except GanzooError as error:
        return str(error)
    return None
