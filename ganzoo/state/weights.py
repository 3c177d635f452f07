"""Weights between a model and a file, checked by hash, name and shape."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganzoo.discovery.registry import models
from ganzoo.errors import GanzooError, StateError, UnknownName
from ganzoo.files import sha256
from ganzoo.hparams.hparams import Hparams
from ganzoo.model.construct import construct
from ganzoo.model.contract import Model
from ganzoo.seeds import seeded
from ganzoo.state.config import CONFIG, WEIGHTS, Config


def cpu_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As safetensors wants them: on the CPU, contiguous, none sharing its memory with another."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        result[name] = plain.clone() if plain.data_ptr() in seen else plain
        seen.add(plain.data_ptr())
    return result


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """One key of metadata: with several, the bytes of the file vary from process to process."""
    try:
        save_file(dict(tensors), path, metadata={"format": "pt"})
    except SafetensorError as cause:  # it wraps the operating system's error in words
        path.unlink(missing_ok=True)
        raise StateError(
            f"cannot write {path}: {cause}; what was saved before is as it was"
        ) from cause


def load_tensors(path: Path, digest: str | None) -> dict[str, Tensor]:
    """Reads a file whose sha256 is known. Raises StateError, naming it, when it is missing or has other bytes."""
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


def load_strict(module: nn.Module, weights: Mapping[str, Tensor], origin: Path) -> None:
    """Loads the weights, strictly. Raises StateError with the first name or shape that does not fit."""
    check_shapes(module.state_dict(), weights, origin)
    state = (
        module.state_dict()
    )  # which has versions of the module's own that a plain dict would not
    state.update(weights)
    module.load_state_dict(state)


def check_shapes(wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor], origin: Path) -> None:
    """Raises StateError with the first name or shape that does not fit."""
    for name in dict.fromkeys([*wanted, *weights]):
        if name not in weights:
            raise StateError(f"{origin} has no tensor {name!r}, which the model needs")
        if name not in wanted:
            raise StateError(f"{origin} has a tensor {name!r}, which the model does not know")
        if wanted[name].shape != weights[name].shape:
            shapes = f"{tuple(weights[name].shape)}, the model needs {tuple(wanted[name].shape)}"
            raise StateError(f"{origin}: {name!r} has the shape {shapes}")


def write_weights(folder: Path, model: Model, config: Config) -> None:
    """Writes model.safetensors and config.json, which knows its sha256."""
    path = folder / WEIGHTS
    save_tensors(cpu_tensors(model.state_dict()), path)
    (folder / CONFIG).write_text(
        config.at(config.step, sha256(path)).to_json(), encoding="utf-8"
    )


def read_weights(folder: Path) -> tuple[Config, dict[str, Tensor]]:
    """What the weights of a run or a checkpoint are, and they themselves, verified. Raises StateError."""
    config = Config.read(folder / CONFIG)
    return config, load_tensors(folder / WEIGHTS, config.sha256)


def load_model(folder: Path) -> tuple[Model, Config]:
    """The model that config.json describes, with its weights, in eval mode. The folder is a run or a checkpoint."""
    config, weights = read_weights(folder)
    model = from_config(config, folder, weights)
    load_strict(model, weights, folder / WEIGHTS)
    return model.eval(), config


def from_config(config: Config, folder: Path, weights: Mapping[str, Tensor] | None = None) -> Model:
    """The model that config.json describes, waiting for its weights.

    Where those are given, names and shapes are compared before any memory is taken for the model.
    """
    try:
        plugin = models[f"{config.distribution}/{config.model}"]
    except UnknownName:
        raise StateError(
            f"{folder} needs the model {config.model!r} of the package {config.distribution} {config.version}: "
            f"pip install {config.distribution}"
        ) from None
    kind: type[Model] = plugin.load()
    try:
        hp = kind.Hparams.from_json(config.hyperparameters)
        outline = {} if weights is None else meta_state_dict(kind, hp)
    except GanzooError as cause:
        raise StateError(f"{folder / 'config.json'}: {cause}") from cause
    if weights and outline:
        check_shapes(outline, weights, folder / WEIGHTS)
    try:
        with seeded(
            "weights", hp.seed, device=torch.device("cpu")
        ):  # torch's own random state stays as it was
            model = construct(kind, hp, plugin=plugin)
    except GanzooError as cause:
        raise StateError(f"{folder / 'config.json'}: {cause}") from cause
    model.classes = config.classes
    model.origin = config.origin
    return model


def meta_state_dict(kind: type[Model], hp: Hparams) -> Mapping[str, Tensor]:
    """Names and shapes of a model's tensors, without their memory: config.json may be a stranger's, and say anything.

    None of those of a model that cannot be made so, whose hyperparameters' ranges are then all that bounds it.
    """
    try:
        with torch.device("meta"):
            return construct(kind, hp, plugin=None).state_dict()
    except (
        RuntimeError,
        TypeError,
    ):  # it computes with the values of tensors, or hands them to NumPy
        return {}
