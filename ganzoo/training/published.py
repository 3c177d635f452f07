"""The weights of a training as they are used and saved: averaged, and as the model changes them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ganzoo.model.contract import Model
from ganzoo.modes import evaluating
from ganzoo.seeds import seeded
from ganzoo.training.averages import Averages


def changes_weights(model: Model) -> bool:
    """Whether the model changes the weights that are published."""
    return type(model).before_publishing is not Model.before_publishing


@contextmanager
def published(model: Model, averages: Averages, step: int) -> Iterator[Model]:
    """Inside, the model has the weights that are published after a step; then those of before."""
    with averages.substituted():
        if not changes_weights(model):
            yield model
            return
        undo = _undo(model)
        try:
            model.begin(step)
            draws = seeded("publishing", model.hp.seed, step, device=model.device)
            with evaluating(model), draws, torch.no_grad():
                model.before_publishing()
            yield model
        finally:
            with torch.no_grad():
                undo()


def _undo(model: Model) -> Callable[[], None]:
    """A function that puts each tensor back: the same object with the values of now."""
    places: list[tuple[dict[str, Any], str, Tensor, Tensor]] = []
    for module in model.modules():
        for group in (module._parameters, module._buffers):
            for name, tensor in group.items():
                if tensor is not None:
                    places.append((group, name, tensor, tensor.detach().clone()))

    def undo() -> None:
        for group, name, tensor, values in places:
            tensor.copy_(values)
            group[name] = tensor

    return undo
