"""What a model and a trainer keep beside tensors that are saved: a count, a list of images."""

from collections import deque
from collections.abc import Mapping

from torch import Tensor

from ganzoo.training.trainer import Trainer


def unsaved_state(trainer: Trainer) -> dict[str, object]:
    """`self.count`, `self.critic.pool`: what a model, its parts and a trainer keep that no checkpoint has."""
    saved = {id(tensor) for tensor in [*trainer.model.parameters(), *trainer.model.buffers()]}
    owners = [
        (f"self.{path}.".replace("..", "."), module)
        for path, module in trainer.model.named_modules()
    ]
    return {
        f"{path}{name}": plain
        for path, owner in [*owners, ("trainer.", trainer)]
        for name, value in vars(owner).items()
        if (plain := _plain(value, saved)) is not None
    }


def _plain(value: object, saved: set[int]) -> object:
    """A number, a tensor, or what holds such, as something to compare; None for what is saved, and for all else."""
    if isinstance(value, Tensor):
        return (
            None
            if id(value) in saved
            else (tuple(value.shape), value.detach().cpu().flatten().tolist())
        )
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inside, saved) for key, inside in value.items()}
    if isinstance(value, list | tuple | deque):
        return [_plain(inside, saved) for inside in value]
    if isinstance(value, set | frozenset):
        return {str(_plain(inside, saved)) for inside in value}
    return None
