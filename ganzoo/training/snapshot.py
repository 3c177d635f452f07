"""The tensors of a training, taken between two steps and put back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import StateError
from ganzoo.model.contract import Model
from ganzoo.state.checkpoints import TrainState
from ganzoo.state.config import Config
from ganzoo.state.weights import cpu_tensors, load_strict
from ganzoo.training.averages import Averages
from ganzoo.training.optimizers import Optimizers, join, split


def published_weights(model: Model, averages: Averages) -> dict[str, Tensor]:
    """The weights to use: averages in their players' places. On the CPU."""
    with averages.substituted():
        return cpu_tensors(model.state_dict())


def training_tensors(
    model: Model, averages: Averages, optimizers: Optimizers
) -> tuple[dict[str, Tensor], Any]:
    """What else is needed to go on: tensors by name, on the CPU, and the optimizers' plain numbers."""
    raw = model.state_dict(keep_vars=True)
    with averages.substituted():
        used = model.state_dict(keep_vars=True)
    state, plain = split(optimizers.state())
    tensors = {f"raw/{name}": tensor for name, tensor in raw.items() if tensor is not used[name]}
    tensors |= {
        f"buffer/{name}": buffer for name, buffer in model.named_buffers() if name not in raw
    }
    tensors |= {f"optimizer/{name}": tensor for name, tensor in state.items()}
    return cpu_tensors(tensors), plain


@torch.no_grad()
def restore_training(
    model: Model, averages: Averages, optimizers: Optimizers, state: TrainState, origin: Path
) -> None:
    """Everything, into a trainer's parts. Raises StateError, naming the folder, for what does not fit."""
    with averages.substituted():
        load_strict(model, state.weights, origin)
    load_strict(model, {**state.weights, **_part(state.training, "raw/")}, origin)
    device = model.device
    for path, value in _part(state.training, "buffer/").items():
        parent, _, name = path.rpartition(".")
        owner = model.get_submodule(parent)
        if name not in owner._buffers:
            raise StateError(f"{origin} has a buffer {path!r} that the model does not know")
        setattr(owner, name, value.to(device))  # a pool may have grown since the model was made
    model.begin(state.config.step)
    optimizers.enter(state.config.step)
    optimizers.restore(join(_part(state.training, "optimizer/"), state.extra["optimizer"]))
    model.progress_was_read = bool(state.extra["progress_was_read"])


def depends_on_steps(model: Model) -> bool:
    """Whether another number of steps would have trained the model otherwise."""
    return model.progress_was_read or type(model).lr_scale is not Model.lr_scale


def check_steps(model: Model, state: TrainState) -> None:
    """More steps than were planned are fine where the schedule does not depend on their number."""
    planned, asked = state.config.hyperparameters["steps"], model.hp.steps
    if asked == planned:
        return
    if state.extra["progress_was_read"] or depends_on_steps(model):
        name = state.config.model
        raise StateError(
            f"steps: {planned} here, {asked} asked for, and the schedule of {name} depends on it"
        )
    if asked < state.config.step:
        raise StateError(f"steps: {asked} asked for, and {state.config.step} are made already")


def changes(
    state: TrainState, config: Config, device: torch.device, *, compiled: bool
) -> list[str]:
    """What is not as it was when the state was saved, and may change the last bits of the result."""
    compared = {
        "threads": (state.extra["threads"], torch.get_num_threads()),
        "device": (state.extra["device"], device.type),
        "--compile": (state.extra.get("compiled", False), compiled),
        config.distribution: (state.config.version, config.version),
    }
    return [
        f"{name}: {then} before, {now} now; the result may differ in its last bits from a run in one go"
        for name, (then, now) in compared.items()
        if then != now
    ]


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
