"""A model from its class and its hyperparameters."""

import torch
from torch.nn.parameter import UninitializedParameter

from ganzoo.discovery.registry import Plugin
from ganzoo.errors import GanzooError, PluginError
from ganzoo.hparams.hparams import Hparams
from ganzoo.model.contract import Model
from ganzoo.seeds import seeded


def initialised(
    kind: type[Model], hp: Hparams, *, plugin: Plugin | None = None, origin: str | None = None
) -> Model:
    """A model with its first weights, drawn from hp.seed; torch's own random state stays as it was.

    `origin` says that most of them are about to be replaced by trained ones, and by which.
    """
    with seeded("weights", hp.seed, device=torch.device("cpu")):
        model = construct(kind, hp, plugin=plugin)
        model.origin = origin
        model.initialise()
    return model


def construct(kind: type[Model], hp: Hparams, *, plugin: Plugin | None) -> Model:
    """A model that waits for weights. Raises PluginError for one that is not whole once it is made."""
    try:
        model = kind(hp)
    except (TypeError, AttributeError) as cause:
        if "__init__" not in str(cause):
            raise
        raise PluginError(
            f"{kind.__name__}: {cause}; its __init__(hp) begins with super().__init__(hp)"
        ) from cause
    for name, parameter in model.named_parameters():
        if isinstance(parameter, UninitializedParameter):
            raise PluginError(
                f"{kind.__name__}: {name} has no shape yet, so it could not be loaded: no lazy modules"
            )
    model.plugin = plugin
    return model


def on_meta(kind: type[Model], hp: Hparams) -> Model | None:
    """The model on the meta device: names and shapes of its tensors, without memory for them.

    None if it cannot be built there, as it computes with values, say.
    """
    try:
        with torch.device("meta"):
            return construct(kind, hp, plugin=None)
    except GanzooError:
        raise
    except Exception:  # a stranger's code may raise anything; building it for use shows it
        return None
