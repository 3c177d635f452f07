"""create and load, the two ways to a model; save, the way back."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, overload

from ganzoo.data.open import data_info
from ganzoo.data.split_folders import divided
from ganzoo.data.views import Labelled
from ganzoo.device import Device
from ganzoo.discovery.pretrained import find
from ganzoo.discovery.registry import Plugin, models
from ganzoo.errors import (
    HparamError,
    PluginError,
    StateError,
    UnknownName,
    UsageError,
)
from ganzoo.files import expanded
from ganzoo.hparams.hparams import Hparams
from ganzoo.hub.transfer import has_prefix, pretrained_folder, resolve_run
from ganzoo.model.construct import construct, initialised
from ganzoo.model.contract import Model
from ganzoo.model.inference import has_scores
from ganzoo.state.config import Config
from ganzoo.state.run import Run
from ganzoo.state.saved import save_model
from ganzoo.state.weights import (
    load_model,
    load_strict,
    plugin_of,
    read_weights,
)

M = TypeVar("M", bound=Model)


@overload
def create(
    model: type[M],
    *,
    pretrained: bool | str | Path | None = None,
    data: object = None,
    **hyperparameters: Any,
) -> M: ...


@overload
def create(
    model: str,
    *,
    pretrained: bool | str | Path | None = None,
    data: object = None,
    **hyperparameters: Any,
) -> Model: ...


def create(
    model: str | type[Model],
    *,
    pretrained: bool | str | Path | None = None,
    data: object = None,
    **hyperparameters: Any,
) -> Model:
    """A model by its registered name, or by its class, with first weights.

    `create("dcgan", image_size=64)`. `ganzoo show NAME` explains the hyperparameters; those of a
    class are the fields of its `Hparams`. First weights depend on the `seed` alone. `data`, what a
    Trainer takes, fills image_size, channels and classes if they are None, and their names.

    `pretrained` takes trained weights instead, and their hyperparameters except for those that are
    passed: True for the first that a package declares for the model, a name ("digits"), or a RUN
    (see `load`). If the model has a hyperparameter `pretrained`, True and False set that.
    `create("hf-hub:user/name")` makes the model that a repository of the Hub names, with its
    weights.

    Raises UnknownName or NameClash for a name, UnknownName or HparamError for a hyperparameter,
    PluginError if the plugin cannot be loaded, StateError if weights do not fit.
    """
    if isinstance(model, str) and has_prefix(model):
        if pretrained not in (None, True):
            raise UsageError(f"{model} names its weights: leave pretrained={pretrained!r} out")
        _check_no_data(data)
        return _trained(resolve_run(model), None, hyperparameters)
    plugin: Plugin | None
    if isinstance(model, str):
        plugin = models[model]
        kind = model_class(plugin)
    else:
        kind = checked_class(model)
        plugin = models.of(kind)
    if isinstance(pretrained, bool) and "pretrained" in kind.Hparams.annotations():
        hyperparameters["pretrained"] = pretrained
        pretrained = None
    if not pretrained:
        return _first(kind, plugin, data, hyperparameters)
    _check_no_data(data)
    if plugin is None:
        raise PluginError(f"{kind.__name__} is registered under no name: it has no weights")
    return _trained(_weights_of(plugin, pretrained), plugin, hyperparameters)


def _first(
    kind: type[Model],
    plugin: Plugin | None,
    data: object,
    hyperparameters: Mapping[str, Any],
) -> Model:
    """The model with its first weights; the data fill what is open."""
    hp = kind.Hparams().replaced(hyperparameters)
    if data is None:
        return initialised(kind, hp, plugin=plugin)
    data, _ = divided(data, None, validates=has_scores(kind))
    info = data_info(data, hp, kind.view)
    names = info.classes if kind.view is Labelled else ()
    hp = hp.for_data(replace(info, classes=names))
    if names and hp.classes != len(names):
        raise HparamError(
            f"classes={hp.classes}, and the data have {len(names)}: leave classes to the data"
        )
    model = initialised(kind, hp, plugin=plugin)
    model.classes = names
    model.attributes = info.attributes or model.attributes
    return model


def _check_no_data(data: object) -> None:
    if data is not None:
        raise UsageError(
            "trained weights come with their size, channels and classes: leave data out; "
            "for other data, create the model without them, then ganzoo.adapt(model, RUN)"
        )


def _weights_of(plugin: Plugin, name: bool | str | Path) -> Path:
    """The folder of declared weights of this model, or else of a RUN."""
    own = find(plugin.name, None if name is True else str(name))
    if own:
        return pretrained_folder(own)
    if isinstance(name, bool):
        raise UnknownName(f"no package declares weights of {plugin.name}: ganzoo list --pretrained")
    return resolve_run(name)


def _trained(
    folder: Path,
    plugin: Plugin | None,
    hyperparameters: Mapping[str, Any],
) -> Model:
    """The model of these weights, which may have to be one of `plugin`."""
    config, weights = Run(folder).read_with_fallback(read_weights)
    if plugin is None:
        plugin = plugin_of(config, folder)
    if config.model != plugin.name:
        raise StateError(f"{folder} has weights of {config.model}, not of {plugin.name}")
    kind = model_class(plugin)
    hp = kind.Hparams.from_json(config.hyperparameters)
    model = construct(kind, hp.replaced(hyperparameters), plugin=plugin)
    load_strict(model, weights, folder)
    model.classes = config.classes
    model.attributes = config.read_attributes()
    model.origin = f"{config.model} {config.sha256}"
    return model


def checked_class(model: object) -> type[Model]:
    """The model, if it is a class of models. Raises UsageError for anything else."""
    if isinstance(model, type) and issubclass(model, Model):
        return model
    raise UsageError(f"a model is a name of `ganzoo list` or a class of models, not {model!r:.60}")


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
    run: str | PathLike[str],
    *,
    model: type[Model] | None = None,
    device: str = "cpu",
) -> Model:
    """A trained model in eval mode, from a RUN.

    A RUN is the path of a run or of one of its checkpoints, or a `Run`; else pretrained weights
    that a package declares, `MODEL:NAME`, or `MODEL` for its first; else an id of the Hub,
    `hf:user/name` or `hf:user/name@revision`. Without `hf:` an id is one only if `user` is neither
    a folder here nor `runs`. `model` is the class, for a model that is registered under no name.
    Names, shapes and the sha256 of the weights are verified. Raises StateError if there is no such
    run, its weights are damaged, or its model is not installed; HubError if the Hub refuses.
    """
    return load_with_config(run, model=model, device=device)[0]


def load_with_config(
    run: str | PathLike[str],
    *,
    model: type[Model] | None = None,
    device: str = "cpu",
) -> tuple[Model, Config]:
    """Like `load`, with the configuration of the run."""
    read = partial(load_model, kind=model)
    result, config = Run(resolve_run(run)).read_with_fallback(read)
    return result.to(Device.open(device).torch_device), config


def save(model: Model, folder: str | Path) -> None:
    """Writes a model into a folder that `load` reads: config.json, model.safetensors, README.md.

    All of it or nothing. To continue a training, save the trainer instead. The folder is new, is
    empty, or has what an earlier `save` wrote. Raises UsageError if it has anything else,
    StateError if it cannot be written.
    """
    save_model(model, expanded(folder))
