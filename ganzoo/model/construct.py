"""A model from its class and its hyperparameters."""

import torch
from torch import Tensor
from torch.nn.parameter import UninitializedParameter

from ganzoo.discovery.registry import Plugin
from ganzoo.errors import GanzooError, HparamError, PluginError
from ganzoo.hparams.hparams import FROM_DATA, Hparams, unfilled_error
from ganzoo.hparams.size import size_text
from ganzoo.model.contract import Model
from ganzoo.seeds import seeded

ATTRIBUTES = ("attributes", "classes", "first_weights", "helpers", "hp", "origin", "plugin", "step")
"""What a model has besides the attributes of its class."""


def initialised(
    kind: type[Model],
    hp: Hparams,
    *,
    plugin: Plugin | None = None,
    origin: str | None = None,
) -> Model:
    """A model with its first weights, drawn from hp.seed; torch's own random state is restored.

    `origin` names the trained weights that are about to replace most of them.
    """
    cpu = torch.device("cpu")
    with seeded("weights", hp.seed, device=cpu):
        model = construct(kind, hp, plugin=plugin)
        model.origin = origin
        model.initialise()
    return model


def construct(
    kind: type[Model],
    hp: Hparams,
    *,
    plugin: Plugin | None,
) -> Model:
    """A model that waits for weights.

    Raises HparamError if it needs image_size, channels or classes and they are None, PluginError
    if it is not complete.
    """
    try:
        model = kind(hp)
    except (TypeError, AttributeError, AssertionError) as cause:
        if isinstance(hp.image_size, tuple):
            raise HparamError(
                f"image_size={size_text(hp.image_size)}: {kind.__name__} takes squares, one number"
            ) from cause
        name = _missing(kind, hp, cause)
        if name:
            raise unfilled_error(name) from cause
        if "__init__" not in str(cause):
            raise
        raise PluginError(
            f"{kind.__name__}: {cause}; its __init__(hp) begins with super().__init__(hp)"
        ) from cause
    for name, _ in model.named_children():
        if name in ATTRIBUTES or hasattr(Model, name):
            raise PluginError(
                f"{kind.__name__}: {name!r} cannot be a network: a model has another {name}"
            )
    for name, parameter in model.named_parameters():
        if isinstance(parameter, UninitializedParameter):
            raise PluginError(f"{kind.__name__}: {name} has no shape: use no lazy modules")
    model.plugin = plugin
    return model


def on_meta(kind: type[Model], hp: Hparams) -> Model | None:
    """The model without memory for its tensors.

    None if it cannot be built on the meta device: its constructor computes with the values of
    tensors, say, or passes them to NumPy.
    """
    try:
        with torch.device("meta"):
            return construct(kind, hp, plugin=None)
    except GanzooError:
        raise
    except Exception:
        # a stranger's code may raise anything; building it for use shows it
        return None


def parameter_counts(model: Model) -> dict[str, int]:
    """The number of parameters of each network that has some, by its name."""
    counts = {}
    for name, network in model.named_children():
        count = sum(map(Tensor.numel, network.parameters()))
        if count:
            counts[name] = count
    return counts


def _missing(
    kind: type[Model],
    hp: Hparams,
    cause: Exception,
) -> str | None:
    """The hyperparameter that is None and made the constructor fail, if that is the cause."""
    if not isinstance(cause, AssertionError) and "NoneType" not in str(cause):
        return None
    # images alone have no classes
    count = 2 if kind.view is Tensor else 3
    for name in FROM_DATA[:count]:
        if getattr(hp, name) is None:
            return name
    return None
