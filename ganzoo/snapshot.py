"""The tensors of a training, taken between two steps and put back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.averages import Averages
from ganzoo.errors import StateError
from ganzoo.model import Model
from ganzoo.state import cpu_tensors, fit

Optimizers = Mapping[nn.Module, Optimizer]


def published_weights(model: Model, averages: Averages) -> dict[str, Tensor]:
    """The weights to use: averages in their players' places. On the CPU."""
    with averages.substituted():
        return cpu_tensors(model.state_dict())


def training_tensors(
    model: Model, averages: Averages, optimizers: Optimizers
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What else is needed to go on: tensors by name, and the optimizers' plain numbers by parameter."""
    raw = model.state_dict(keep_vars=True)
    with averages.substituted():
        used = model.state_dict(keep_vars=True)
    tensors = {f"raw/{name}": tensor for name, tensor in raw.items() if tensor is not used[name]}
    tensors |= {f"buffer/{name}": buffer for name, buffer in model.named_buffers() if name not in raw}
    scalars: dict[str, dict[str, Any]] = {}
    for name, _, _, values in _per_parameter(model, optimizers):
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{name}/{key}"] = value
            else:
                scalars.setdefault(name, {})[key] = value
    return cpu_tensors(tensors), scalars


def put_back(
    model: Model, averages: Averages, weights: Mapping[str, Tensor], training: Mapping[str, Tensor], origin: Path
) -> None:
    """Weights, raw weights and buffers, into a model and its averages."""
    with averages.substituted():
        fit(model, weights, origin)
    fit(model, {**weights, **_part(training, "raw/")}, origin)
    buffers = dict(model.named_buffers())
    for name, value in _part(training, "buffer/").items():
        if name not in buffers or buffers[name].shape != value.shape:
            raise StateError(f"{origin} has a buffer {name!r} that does not fit the model")
        buffers[name].copy_(value)


def put_back_optimizers(
    model: Model, optimizers: Optimizers, training: Mapping[str, Tensor], scalars: Mapping[str, Mapping[str, Any]]
) -> None:
    """Each parameter's part of the optimizers' state; what a parameter had none of, it starts without."""
    saved: dict[str, dict[str, Any]] = {name: dict(values) for name, values in scalars.items()}
    for path, value in _part(training, "optimizer/").items():
        name, _, key = path.rpartition("/")
        saved.setdefault(name, {})[key] = value
    _load(model, optimizers, saved)


def carry_over(model: Model, old: Optimizers, new: Optimizers) -> None:
    """Parameters that stay with an optimizer from one phase to the next keep their state."""
    _load(model, new, {name: values for name, _, _, values in _per_parameter(model, old)})


def _load(model: Model, optimizers: Optimizers, saved: Mapping[str, Mapping[str, Any]]) -> None:
    states: dict[Optimizer, dict[int, Any]] = {}
    for name, optimizer, number, _ in _per_parameter(model, optimizers):
        if name in saved:
            states.setdefault(optimizer, {})[number] = dict(saved[name])
    for optimizer, state in states.items():
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _per_parameter(model: Model, optimizers: Optimizers) -> list[tuple[str, Optimizer, int, dict[str, Any]]]:
    """(the parameter's name, its optimizer, its number there, its state), for all of them."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    rows = []
    for optimizer in optimizers.values():
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        rows += [(names[p], optimizer, number, optimizer.state.get(p, {})) for number, p in enumerate(parameters)]
    return rows


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
