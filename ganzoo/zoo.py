"""create and load: the two ways to a model."""

from collections.abc import Mapping
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
from ganzoo.state.weights import load_model, load_strict, read_weights


def create(
    model: str | type[Model], *, pretrained: bool | str | None = None, **hyperparameters: Any
) -> Model:
    """A registered model by name (or a Model class), with first weights: `create("dcgan", image_size=64)`.

    These depend on the `seed` hyperparameter alone. `pretrained` takes published ones instead: True for the first that
    are published with the model, their name ("digits"), or a folder or an id of the Hub; the hyperparameters are then
    theirs, but for those that are given. (Of a model with a hyperparameter `pretrained`, True and False mean that.)
    Raises UnknownName or NameClash for a name, UnknownName or HparamError for a hyperparameter, PluginError when the
    plugin cannot be loaded, StateError for weights that do not fit.
    """
    plugin = models[model] if isinstance(model, str) else models.of(model)
    kind = model_class(plugin) if plugin else model
    assert not isinstance(kind, str)  # a name always has a plugin
    if isinstance(pretrained, bool) and "pretrained" in kind.Hparams.annotations():
        hyperparameters["pretrained"], pretrained = pretrained, None
    if not pretrained:
        return initialised(kind, kind.Hparams().replaced(hyperparameters), plugin=plugin)
    if plugin is None:
        raise PluginError(
            f"{kind.__name__} is registered under no name, so no weights are known to be its own"
        )
    return _pretrained(kind, plugin, None if pretrained is True else pretrained, hyperparameters)


def _pretrained(
    kind: type[Model], plugin: Plugin, name: str | None, hyperparameters: Mapping[str, Any]
) -> Model:
    if name and "/" in name:
        folder, declared = resolve_run(name), None
    else:
        declared = find(plugin.name, name)
        folder = declared.folder or pull(f"{declared.hub}@{declared.revision}")
    config, weights = Run(folder).read_with_fallback(read_weights)
    if config.model != plugin.name:
        raise StateError(f"{folder} has weights of {config.model}, not of {plugin.name}")
    if declared and config.sha256 != declared.sha256:
        raise StateError(
            f"{folder} has other weights than {declared.package} declares: their sha256 differs"
        )
    hp = kind.Hparams.from_json(config.hyperparameters).replaced(hyperparameters)
    model = construct(kind, hp, plugin=plugin)
    load_strict(model, weights, folder)
    model.classes, model.origin = config.classes, f"{config.model} {config.sha256}"
    return model


def model_class(plugin: Plugin) -> type[Model]:
    """What an entry point of the group `ganzoo.models` names, if it is a model."""
    found, name = plugin.load(), plugin.name
    missing = "ganzoo.Model as its base"
    if isinstance(found, type) and issubclass(found, Model):
        if hasattr(found, "task") and issubclass(found.Hparams, Hparams):
            try:
                found.Hparams()
            except HparamError as cause:
                raise PluginError(
                    f"model {name!r} has a default that cannot be: {cause}"
                ) from cause
            return found
        missing = (
            "ganzoo.Hparams as the base of its Hparams" if hasattr(found, "task") else "a task"
        )
    raise PluginError(
        f"model {name!r} is not one: {getattr(found, '__qualname__', repr(found))} lacks {missing}"
    )


def load(run: str | Path, *, device: str = "cpu") -> Model:
    """A trained model from its folder (a run, or one of its checkpoints) or from the Hub (`user/name@revision`).

    It is in eval mode. Names, shapes and the sha256 of the weights are verified. Raises StateError when the folder is
    not a run, its weights are damaged, or the package that provides the model is not installed.
    """
    return load_with_config(run, device=device)[0]


def load_with_config(run: str | Path, *, device: str = "cpu") -> tuple[Model, Config]:
    """The same, and what its config.json says."""
    model, config = Run(resolve_run(run)).read_with_fallback(load_model)
    return model.to(Device.open(device).torch_device), config
