"""Weights between a model and a file, checked by sha256, name and shape."""

from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganzoo.discovery.registry import Plugin, models
from ganzoo.errors import GanzooError, StateError, UnknownName
from ganzoo.files import sha256
from ganzoo.model.construct import construct, on_meta
from ganzoo.model.contract import Model
from ganzoo.seeds import seeded
from ganzoo.state.config import CONFIG, WEIGHTS, Config

Tensors = dict[str, Tensor]


def cpu_tensors(tensors: Tensors) -> Tensors:
    """Copies of the tensors as safetensors needs them: on the CPU, contiguous, none shared."""
    result = {}
    form = torch.contiguous_format
    for name, tensor in tensors.items():
        result[name] = tensor.detach().to("cpu", copy=True, memory_format=form)
    return result


def save_tensors(tensors: Tensors, path: Path) -> None:
    """Writes a safetensors file; equal tensors give equal bytes."""
    try:  # one key of metadata: with several, their order varies from process to process
        save_file(tensors, path, metadata={"format": "pt"})
    except SafetensorError as cause:  # the operating system's error, wrapped in words
        reason = f"{cause}; nothing that was saved before is lost"
        raise StateError(f"cannot write {path}: {reason}") from cause


def load_tensors(path: Path, digest: str | None) -> Tensors:
    """Reads a safetensors file. Raises StateError unless its sha256 is `digest`."""
    try:
        if sha256(path) == digest:
            return load_file(path)
    except (OSError, SafetensorError) as cause:
        raise StateError(f"{path} cannot be read: {cause}") from None
    raise StateError(f"{path} is damaged: its sha256 is not what was saved")


def load_strict(module: nn.Module, weights: Tensors, path: Path) -> None:
    """Loads weights. Raises StateError with the first name or shape that does not fit."""
    state = module.state_dict()  # keeps the version numbers of its modules
    check_shapes(state, weights, path)
    state.update(weights)
    module.load_state_dict(state)


def check_shapes(wanted: Tensors, weights: Tensors, path: Path) -> None:
    """Raises StateError with the first name or shape that does not fit."""
    for name in {**wanted, **weights}:
        shape = _shape(weights, name)
        needed = _shape(wanted, name)
        if shape != needed:
            raise StateError(f"{path}: {name!r} is {shape} there, and {needed} in the model")


def _shape(tensors: Tensors, name: str) -> str:
    return str(tuple(tensors[name].shape)) if name in tensors else "missing"


def write_weights(folder: Path, model: Model, config: Config) -> None:
    """Writes the weights of a model, and the configuration with their sha256."""
    path = folder / WEIGHTS
    save_tensors(cpu_tensors(model.state_dict()), path)
    config = replace(config, sha256=sha256(path))
    (folder / CONFIG).write_text(config.to_json())


def read_weights(folder: Path) -> tuple[Config, Tensors]:
    """Configuration and weights of a run or a checkpoint, verified. Raises StateError."""
    config = Config.read(folder / CONFIG)
    return config, load_tensors(folder / WEIGHTS, config.sha256)


def load_model(folder: Path, kind: type[Model] | None = None) -> tuple[Model, Config]:
    """The model of a run or a checkpoint, with its weights, in eval mode.

    `kind` is its class, for a model that is registered under no name.
    """
    config, weights = read_weights(folder)
    model = from_config(config, folder, weights, kind)
    load_strict(model, weights, folder / WEIGHTS)
    model.loaded_config = config
    return model.eval(), config


def from_config(
    config: Config,
    folder: Path,
    weights: Tensors | None = None,
    kind: type[Model] | None = None,
) -> Model:
    """The model that a configuration describes; its weights are to be loaded.

    If `weights` are passed, names and shapes are compared before memory is taken for the model:
    a stranger's config.json may ask for any size.
    """
    plugin: Plugin | None
    if kind is None:
        plugin = plugin_of(config, folder)
        kind = plugin.load()
    else:
        plugin = models.of(kind)
    try:
        hp = kind.Hparams.from_json(config.hyperparameters)
        outline = on_meta(kind, hp)
    except GanzooError as cause:
        raise StateError(f"{folder / CONFIG}: {cause}") from cause
    if outline and weights:
        check_shapes(outline.state_dict(), weights, folder / WEIGHTS)
    with seeded("weights", hp.seed, device=torch.device("cpu")):
        model = construct(kind, hp, plugin=plugin)
    model.classes = config.classes
    model.attributes = config.read_attributes()
    model.origin = config.origin
    model.first_weights = config.first_weights
    return model


def plugin_of(config: Config, folder: Path) -> Plugin:
    """The registered model of a configuration. Raises StateError if it is not installed."""
    name, package = config.model, config.distribution
    if not package:
        raise StateError(
            f"{folder} was trained with the class {name}, which is registered under no name: "
            f"pass ganzoo.load(run, model={name})"
        )
    try:
        return models[f"{package}/{name}"]
    except UnknownName:
        raise StateError(
            f"{folder} needs the model {name!r} of the package {package} {config.version}: "
            f"pip install {package}"
        ) from None
