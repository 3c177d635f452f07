"""A training that is watched move by move: who changed, when, and what was done to the batch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.model import Model, Move
from ganzoo.trainer import Trainer


@dataclass
class Recording:
    """What was seen. Parameters are named as in the model."""

    model: Model
    losses: list[dict[str, float]] = field(default_factory=list)
    disturbed: list[str] = field(default_factory=list)
    """Whose parameters were changed in a move of another, or between moves."""
    players: set[str] = field(default_factory=set)
    batches_changed: bool = False
    rates_changed: bool = False
    """Whether the model set a learning rate by itself."""
    counters: list[str] = field(default_factory=list)
    """Plain numbers of the model, or of a part of it, that are others after the training."""
    first: dict[str, Tensor] = field(default_factory=dict)
    last: dict[str, Tensor] = field(default_factory=dict)


def recorded(trainer: Trainer) -> Recording:
    """Drives the training to its end."""
    model = trainer.model
    seen = Recording(model, first=_parameters(model))
    counted = _numbers(model)
    model.losses = _watched(trainer, seen)  # type: ignore[method-assign]
    try:
        seen.losses = [step.read() for step in trainer]
    finally:
        del model.losses
    seen.last = _parameters(model)
    seen.counters = [name for name, number in _numbers(model).items() if counted.get(name, number) != number]
    return seen


def _watched(trainer: Trainer, seen: Recording) -> Any:
    model, losses = trainer.model, trainer.model.losses

    def watched(batch: Any) -> Iterator[Move]:
        given = [tensor.clone() for tensor in _tensors(batch)]
        before, own, mover = _parameters(model), set[str](), "nobody"
        rates = _rates(trainer)
        moves = losses(batch)
        while True:
            move = next(moves, None)
            after = _parameters(model)
            _note(seen, before, after, own, f"after the move of {mover}")
            if move is None:
                break
            mover, own = _name(model, move[0]), _owned(trainer, move[0])
            seen.players.add(mover)
            yield move
            before = _parameters(model)
            _note(seen, after, before, own, f"in the move of {mover}")
        seen.rates_changed |= rates != _rates(trainer)
        seen.batches_changed |= not all(map(torch.equal, given, _tensors(batch)))

    return watched


def _note(seen: Recording, before: dict[str, Tensor], after: dict[str, Tensor], own: set[str], when: str) -> None:
    others = [name for name in after if name not in own and not torch.equal(before[name], after[name])]
    seen.disturbed += [f"{name} {when}" for name in others]


def _owned(trainer: Trainer, player: nn.Module) -> set[str]:
    trained = set(trainer.optimizers.trained(player)) if player in trainer.optimizers else set()
    return {name for name, parameter in trainer.model.named_parameters() if parameter in trained}


def _rates(trainer: Trainer) -> list[float]:
    return [group["lr"] for optimizer in trainer.optimizers.values() for group in optimizer.param_groups]


def _numbers(model: Model) -> dict[str, float]:
    """`self.count`, `self.critic.seen`: the plain numbers that modules keep, but for what a trainer sets."""
    return {
        f"self.{path}.{name}".replace("..", "."): value
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, int | float) and name not in ("training", "step", "progress_was_read")
    }


def _name(model: Model, player: nn.Module) -> str:
    return next((name for name, module in model.named_modules() if module is player), type(player).__name__)


def _parameters(model: Model) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def _tensors(batch: Any) -> list[Tensor]:
    if isinstance(batch, Tensor):
        return [batch]
    return [tensor for part in batch for tensor in _tensors(part)]
