"""What `ganzoo show` says of a model."""

from typing import Any

from ganzoo.discovery.registry import models
from ganzoo.hparams.fields import type_name
from ganzoo.model.construct import on_meta
from ganzoo.model.contract import Model
from ganzoo.state.card import paper
from ganzoo.zoo import model_class


def model_info(name: str) -> dict[str, Any]:
    """Documentation, paper, task, hyperparameters, networks and origin of a registered model, as JSON has them.

    `networks` is name -> number of parameters, counted without allocating any; empty if it
    depends on the data, or if the model cannot be built on the meta device.
    """
    plugin = models[name]
    kind = model_class(plugin)
    documentation = " ".join((kind.__doc__ or "").split())
    defaults = kind.Hparams().to_json()
    return {
        "name": plugin.name,
        "documentation": documentation,
        "paper": next(
            filter(None, (paper(ancestor.__doc__ or "") for ancestor in kind.__mro__)), None
        ),
        "task": kind.task,
        "hyperparameters": [
            {"name": key, "type": type_name(annotation), "default": defaults[key]}
            for key, annotation in kind.Hparams.annotations().items()
        ],
        "networks": _networks(kind),
        "trainer": kind.default_trainer,
        "data": kind.default_data,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "target": plugin.target,
    }


def _networks(kind: type[Model]) -> dict[str, int]:
    hp = kind.Hparams()
    if hp.unfilled():
        return {}
    model = on_meta(kind, hp)
    if model is None:
        return {}
    counts = {
        name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()
    }
    return {name: count for name, count in counts.items() if count}
