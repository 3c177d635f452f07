"""The tensors of a training between two steps: taken for a checkpoint, and restored from one."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import StateError
from ganzoo.model.augmentation import restore_buffers
from ganzoo.model.contract import Model
from ganzoo.state.checkpoints import TrainState
from ganzoo.state.weights import cpu_tensors, load_strict
from ganzoo.training.averages import Averages
from ganzoo.training.optimizers import Optimizers
from ganzoo.training.published import changes_weights

Tensors = dict[str, Tensor]
States = dict[str, dict[str, Any]]


def training_tensors(
    model: Model, averages: Averages, optimizers: Optimizers, weights: Tensors
) -> tuple[Tensors, States]:
    """What a training needs besides its weights: tensors on the CPU, and optimizers' numbers.

    `raw/` are weights under averages, `unpublished/` those that `before_publishing` changed,
    `buffer/` buffers that are not published, `augmentation/` those of the augmentation,
    `optimizer/` the state of the optimizers.
    """
    tensors = _unpublished(model, averages, weights)
    numbers: States = {}
    for name, state in optimizers.state().items():
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{name}/{key}"] = value
            else:
                numbers.setdefault(name, {})[key] = value
    return cpu_tensors(tensors), numbers


def _unpublished(model: Model, averages: Averages, weights: Tensors) -> Tensors:
    """The tensors of the model that are not in its published weights."""
    raw = model.state_dict(keep_vars=True)
    with averages.substituted():
        used = model.state_dict(keep_vars=True)
    tensors = {}
    for name, tensor in raw.items():
        if tensor is not used[name]:
            tensors[f"raw/{name}"] = tensor
        if changes_weights(model) and not used[name].cpu().equal(weights[name]):
            tensors[f"unpublished/{name}"] = used[name]
    for name, buffer in model.named_buffers():
        if name not in raw:
            tensors[f"buffer/{name}"] = buffer
    if model.augmentation is not None:
        for name, buffer in model.augmentation.named_buffers():
            tensors[f"augmentation/{name}"] = buffer
    return tensors


@torch.no_grad()
def restore_training(
    model: Model,
    averages: Averages,
    optimizers: Optimizers,
    state: TrainState,
    checkpoint: Path,
) -> None:
    """Restores model, averages and optimizers. Raises StateError if a name or shape differs."""
    weights = {**state.weights, **_part(state.training, "unpublished/")}
    with averages.substituted():
        load_strict(model, weights, checkpoint)
    raw = _part(state.training, "raw/")
    load_strict(model, {**weights, **raw}, checkpoint)
    for path, value in _part(state.training, "buffer/").items():
        parent, _, name = path.rpartition(".")
        owner = model.get_submodule(parent)
        if name not in owner._buffers:
            raise StateError(f"{checkpoint} has an unknown buffer {path!r}")
        # replaced, not filled: a pool may have grown since it was made
        setattr(owner, name, value.to(model.device))
    if model.augmentation is not None:
        restore_buffers(model.augmentation, _part(state.training, "augmentation/"))
    states: States = {}
    for name, numbers in state.extra["optimizer"].items():
        states[name] = dict(numbers)
    for path, tensor in _part(state.training, "optimizer/").items():
        name, _, key = path.rpartition("/")
        states.setdefault(name, {})[key] = tensor
    model.begin(state.config.step)
    optimizers.enter(state.config.step)
    optimizers.restore(states)


def check_steps(model: Model, state: TrainState) -> None:
    """Raises StateError for a number of steps with which the run would have trained otherwise."""
    config, extra, wanted = state.config, state.extra, model.hp.steps
    planned = config.hyperparameters["steps"]
    if wanted == planned:
        return
    # an older checkpoint has progress_was_read
    depended = extra.get("depends_on_steps", extra.get("progress_was_read"))
    if depended or model.schedule_depends_on_steps:
        raise StateError(
            f"steps={wanted}: the run was planned for {planned}, "
            f"and the schedule of {config.model} depends on their number"
        )
    if wanted < config.step:
        raise StateError(f"steps={wanted}: the run is at step {config.step} already")


def _part(tensors: Tensors, prefix: str) -> Tensors:
    part = {}
    for name, tensor in tensors.items():
        if name.startswith(prefix):
            part[name.removeprefix(prefix)] = tensor
    return part
