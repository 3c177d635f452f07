"""Weights between a model and a file, checked by sha256, name and shape."""

from collections.abc import Mapping
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


def cpu_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as safetensors needs them: on the CPU, contiguous, none sharing its memory."""
    pointers: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        result[name] = plain.clone() if plain.data_ptr() in pointers else plain
        pointers.add(plain.data_ptr())
    return result


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Writes a safetensors file; equal tensors give equal bytes."""
    try:  # one key of metadata: with several, their order varies from process to process
        save_file(dict(tensors), path, metadata={"format": "pt"})
    except SafetensorError as cause:  # the operating system's error, wrapped in words
        path.unlink(missing_ok=True)
        raise StateError(
            f"cannot write {path}: {cause}; what was saved before is unchanged"
        ) from cause


def load_tensors(path: Path, digest: str | None) -> dict[str, Tensor]:
    """Reads a safetensors file. Raises StateError unless its sha256 is `digest`."""
    try:
        if sha256(path) != digest:
            raise StateError(
                f"{path} is damaged: its content is not what was saved (its sha256 differs)"
            )
        return load_file(path)
    except FileNotFoundError:
        raise StateError(f"{path} is missing") from None
    except (OSError, SafetensorError) as cause:
        raise StateError(f"{path} cannot be read: {cause}") from None


def load_strict(module: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Loads weights. Raises StateError with the first name or shape that does not fit."""
    state = module.state_dict()  # keeps the version numbers of its modules
    check_shapes(state, weights, path)
    state.update(weights)
    module.load_state_dict(state)


def check_shapes(wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor], path: Path) -> None:
    """Raises StateError with the first name or shape that does not fit."""
    for name in {**wanted, **weights}:
        if name not in weights:
            raise StateError(f"{path} has no tensor {name!r}, which the model needs")
        if name not in wanted:
            raise StateError(f"{path} has a tensor {name!r}, which the model does not know")
        shape, needed = tuple(weights[name].shape), tuple(wanted[name].shape)
        if shape != needed:
            raise StateError(f"{path}: {name!r} has the shape {shape}, the model needs {needed}")


def write_weights(folder: Path, model: Model, config: Config) -> None:
    """Writes the weights of a model, and the configuration with their sha256."""
    path = folder / WEIGHTS
    save_tensors(cpu_tensors(model.state_dict()), path)
    config = replace(config, sha256=sha256(path))
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")


def read_weights(folder: Path) -> tuple[Config, dict[str, Tensor]]:
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
    return model.eval(), config


def from_config(
    config: Config,
    folder: Path,
    weights: Mapping[str, Tensor] | None = None,
    kind: type[Model] | None = None,
) -> Model:
    """The model that a configuration describes; its weights are to be loaded.

    If `weights` are passed, names and shapes are compared before memory is taken for the model:
    a stranger's config.json may ask for any size.
    """
    plugin: Plugin | None
    if kind is None:
        plugin = _plugin(config, folder)
        kind = plugin.load()
    else:
        plugin = models.of(kind)
    try:
        hp = kind.Hparams.from_json(config.hyperparameters)
        outline = on_meta(kind, hp) if weights else None
        if weights and outline:
            check_shapes(outline.state_dict(), weights, folder / WEIGHTS)
        with seeded("weights", hp.seed, device=torch.device("cpu")):
            model = construct(kind, hp, plugin=plugin)
    except StateError:
        raise
    except GanzooError as cause:
        raise StateError(f"{folder / CONFIG}: {cause}") from cause
    model.classes, model.origin = config.classes, config.origin
    return model


def _plugin(config: Config, folder: Path) -> Plugin:
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
