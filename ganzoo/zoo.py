"""create and load: the two ways to a model."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ganzoo.device import Device
from ganzoo.discovery.pretrained import find
from ganzoo.discovery.registry import Plugin, models
from ganzoo.errors import HparamError, PluginError, StateError
from ganzoo.hparams.hparams import Hparams
from ganzoo.hub.transfer import pull, resolve_run
from ganzoo.model.construct import construct, initialised
from ganzoo.model.contract import Model
from ganzoo.state.config import Config
from ganzoo.state.run import Run
from ganzoo.state.weights import (
    load_model,
    load_strict,
    read_weights,
)


def create(
    model: str | type[Model],
    *,
    pretrained: bool | str | None = None,
    **hyperparameters: Any,
) -> Model:
    """A model by its registered name, or by its class, with first weights.

    `create("dcgan", image_size=64)`. First weights depend on the `seed` hyperparameter alone.
    `pretrained` takes trained weights instead, and their hyperparameters except for those that are
    passed: True for the first that a package declares for the model, a name ("digits"), a folder,
    or an id of the Hub. (If the model has a hyperparameter `pretrained`, True and False set that.)
    Raises UnknownName or NameClash for a name, UnknownName or HparamError for a hyperparameter,
    PluginError if the plugin cannot be loaded, StateError if weights do not fit.
    """
    plugin: Plugin | None
    if isinstance(model, str):
        plugin = models[model]
        kind = model_class(plugin)
    else:
        plugin, kind = models.of(model), model
    if isinstance(pretrained, bool) and "pretrained" in kind.Hparams.annotations():
        hyperparameters["pretrained"] = pretrained
        pretrained = None
    if not pretrained:
        hp = kind.Hparams().replaced(hyperparameters)
        return initialised(kind, hp, plugin=plugin)
    if plugin is None:
        raise PluginError(f"{kind.__name__} is registered under no name: it has no weights")
    name = None if pretrained is True else pretrained
    return _pretrained(kind, plugin, name, hyperparameters)


def _pretrained(
    kind: type[Model],
    plugin: Plugin,
    name: str | None,
    hyperparameters: Mapping[str, Any],
) -> Model:
    declared = None
    if name and "/" in name:
        folder = resolve_run(name)
    else:
        declared = find(plugin.name, name)
        folder = declared.folder or pull(f"{declared.hub}@{declared.revision}")
    config, weights = Run(folder).read_with_fallback(read_weights)
    if config.model != plugin.name:
        raise StateError(f"{folder} has weights of {config.model}, not of {plugin.name}")
    if declared and config.sha256 != declared.sha256:
        raise StateError(f"{folder} has another sha256 than {declared.package} declares")
    hp = kind.Hparams.from_json(config.hyperparameters)
    model = construct(kind, hp.replaced(hyperparameters), plugin=plugin)
    load_strict(model, weights, folder)
    model.classes = config.classes
    model.origin = f"{config.model} {config.sha256}"
    return model


def model_class(plugin: Plugin) -> type[Model]:
    """The class of an entry point in `ganzoo.models`. Raises PluginError if it is no model."""
    kind, name = plugin.load(), plugin.name
    if not (isinstance(kind, type) and issubclass(kind, Model)):
        lacks = "ganzoo.Model as its base"
    elif not hasattr(kind, "task"):
        lacks = "a task"
    elif not issubclass(kind.Hparams, Hparams):
        lacks = "ganzoo.Hparams as the base of its Hparams"
    else:
        try:
            kind.Hparams()
        except HparamError as cause:
            raise PluginError(f"model {name!r} has a wrong default: {cause}") from cause
        return kind
    raise PluginError(f"model {name!r} is no model: {kind!r} lacks {lacks}")


def load(
    run: str | Path,
    *,
    model: type[Model] | None = None,
    device: str = "cpu",
) -> Model:
    """A trained model in eval mode, from a run, one of its checkpoints, or the Hub.

    An id of the Hub is `hf:user/name` or `hf:user/name@revision`; without `hf:` it is one only if
    `user` is neither a folder here nor `runs`. `model` is the class, for a model that is registered
    under no name. Names, shapes and the sha256 of the weights are verified. Raises StateError if
    the folder is not a run, its weights are damaged, or its model is not installed.
    """
    return load_with_config(run, model=model, device=device)[0]


def load_with_config(
    run: str | Path,
    *,
    model: type[Model] | None = None,
    device: str = "cpu",
) -> tuple[Model, Config]:
    """Like `load`, with the configuration of the run."""
    read = partial(load_model, kind=model)
    result, config = Run(resolve_run(run)).read_with_fallback(read)
    return result.to(Device.open(device).torch_device), config
