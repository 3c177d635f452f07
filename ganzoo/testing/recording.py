"""A training that is watched move by move: who changed, when, and what was done to the batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ganzoo.model.contract import Model, Move
from ganzoo.testing.compared import changed_since, same, settings_of_torch
from ganzoo.training.trainer import Trainer


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
    settings_changed: str | None = None
    """What of torch was otherwise after the training."""
    unfinished: int = 0
    """Steps in which the trainer did not go through all moves."""
    twice: set[str] = field(default_factory=set)
    """Parameters through which gradients were taken of gradients."""
    first: dict[str, Tensor] = field(default_factory=dict)
    last: dict[str, Tensor] = field(default_factory=dict)


def recorded(trainer: Trainer) -> Recording:
    """Drives the training to its end."""
    model, settings = trainer.model, settings_of_torch()
    seen = Recording(model, first=_parameters(model))
    model.losses = _watched(trainer, seen)  # type: ignore[method-assign]
    try:
        with _noting_second_derivatives(seen):
            for step in trainer:
                seen.losses.append(step.read())
    finally:
        del model.losses
    seen.last = _parameters(model)
    seen.settings_changed = changed_since(settings)
    return seen


@contextmanager
def _noting_second_derivatives(seen: Recording) -> Iterator[None]:
    """Inside, torch.autograd.grad(..., create_graph=True) leaves the names of the parameters that it went through."""
    names: dict[Tensor, str] = {
        parameter: name for name, parameter in seen.model.named_parameters()
    }
    plain: Any = torch.autograd.grad

    def grad(outputs: Any, *args: Any, create_graph: Any = False, **kwargs: Any) -> Any:
        if create_graph:
            seen.twice |= {names[leaf] for leaf in _leaves(outputs) if leaf in names}
        return plain(outputs, *args, create_graph=create_graph, **kwargs)

    torch.autograd.grad = grad
    try:
        yield
    finally:
        torch.autograd.grad = plain


def _leaves(outputs: Any) -> Iterator[Tensor]:
    """The tensors at the ends of a graph."""
    functions, known = [tensor.grad_fn for tensor in tree_leaves(outputs)], set[object]()
    while functions:
        function = functions.pop()
        if function is None or function in known:
            continue
        known.add(function)
        if hasattr(function, "variable"):
            yield function.variable
        functions += [earlier for earlier, _ in function.next_functions]


def _watched(trainer: Trainer, seen: Recording) -> Any:
    model, losses = trainer.model, trainer.model.losses

    def watched(batch: Any) -> Any:
        moves = losses(batch)
        return (
            observed(moves, batch) if isinstance(moves, Iterator) else moves
        )  # of which the trainer says what it is

    def observed(moves: Iterator[Move], batch: Any) -> Iterator[Move]:
        seen.unfinished += 1  # until the end is reached
        given = [tensor.clone() for tensor in _tensors(batch)]
        before, own, mover = _parameters(model), set[str](), "nobody"
        rates, trained = _rates(trainer), _owned(trainer, *trainer.optimizers)
        for move in moves:
            after = _parameters(model)
            _note(seen, before, after, trained - own, f"after the move of {mover}")
            if isinstance(move, tuple) and isinstance(move[0], nn.Module):
                mover, own = _name(model, move[0]), _owned(trainer, move[0])
                seen.players.add(mover)
            yield move
            before = _parameters(model)
            _note(seen, after, before, trained - own, f"in the move of {mover}")
        _note(seen, before, _parameters(model), trained - own, f"after the move of {mover}")
        seen.unfinished -= 1
        seen.rates_changed |= rates != _rates(trainer)
        seen.batches_changed |= not all(map(same, given, _tensors(batch)))

    return watched


def _note(
    seen: Recording,
    before: dict[str, Tensor],
    after: dict[str, Tensor],
    others: set[str],
    when: str,
) -> None:
    """Who else has changed; parameters that nobody trains, as a teacher's, are nobody's."""
    seen.disturbed += [
        f"{name} {when}" for name in after if name in others and not same(before[name], after[name])
    ]


def _owned(trainer: Trainer, *players: nn.Module) -> set[str]:
    known = [player for player in players if player in trainer.optimizers]
    trained = {parameter for player in known for parameter in trainer.optimizers.trained(player)}
    return {name for name, parameter in trainer.model.named_parameters() if parameter in trained}


def _rates(trainer: Trainer) -> list[float]:
    return [
        group["lr"] for optimizer in trainer.optimizers.values() for group in optimizer.param_groups
    ]


def _name(model: Model, player: nn.Module) -> str:
    return next(
        (name for name, module in model.named_modules() if module is player), type(player).__name__
    )


def _parameters(model: Model) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def _tensors(batch: Any) -> list[Tensor]:
    if isinstance(batch, Tensor):
        return [batch]
    return [tensor for part in batch for tensor in _tensors(part)]
