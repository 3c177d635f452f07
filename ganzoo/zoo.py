"""create and load: the two ways to a model."""

from pathlib import Path
from typing import Any

from ganzoo.device import World
from ganzoo.errors import PluginError
from ganzoo.hub import located
from ganzoo.model import Model, make
from ganzoo.registry import models
from ganzoo.state import load_model, read_whole


def create(model: str | type[Model], **hyperparameters: Any) -> Model:
    """A registered model by name (or a Model class), with first weights: `create("dcgan", image_size=64)`.

    The weights depend on the `seed` hyperparameter alone. Raises UnknownName or NameClash for the name,
    UnknownName or HparamError for a hyperparameter, PluginError when the plugin cannot be loaded.
    """
    plugin = models[model] if isinstance(model, str) else models.of(model)
    kind = model_class(plugin.load(), plugin.name) if plugin else model
    assert not isinstance(kind, str)  # a name always has a plugin
    return make(kind, kind.Hparams().replaced(hyperparameters), plugin=plugin)


def model_class(found: object, name: str) -> type[Model]:
    """What an entry point of the group `ganzoo.models` named, if it is a model."""
    if isinstance(found, type) and issubclass(found, Model) and hasattr(found, "task"):
        return found
    missing = "a task" if isinstance(found, type) and issubclass(found, Model) else "ganzoo.Model as its base"
    raise PluginError(f"model {name!r} is not one: {getattr(found, '__qualname__', repr(found))} lacks {missing}")


def load(run: str | Path, *, device: str = "cpu") -> Model:
    """A trained model from its folder (a run, or one of its checkpoints) or from the Hub (`user/name@revision`).

    It is in eval mode.

    Names, shapes and the sha256 of the weights are verified. Raises StateError when the folder is not a run, its
    weights are damaged, or the package that provides the model is not installed.
    """
    model, _ = read_whole(located(run), load_model)
    return model.to(World.open(device).device)
