"""What every registered trainer promises, tried on a small model."""

from pathlib import Path

import torch

from ganzoo.discovery.registry import trainers
from ganzoo.testing.broken import broken
from ganzoo.testing.cases import ModelCase
from ganzoo.testing.model_checks import (
    is_loaded_as_it_was_saved,
    is_saved_and_resumed_bit_for_bit,
    trains_the_same_again,
)
from ganzoo.testing.recording import recorded
from ganzoo.testing.reference import reference_trainer


def is_a_trainer(case: ModelCase, folder: Path) -> None:
    """It is a subclass of ganzoo.Trainer, found again by its class."""
    kind = case.trainer_kind
    if trainers.of(kind) is None:
        broken(
            f"{kind.__name__} is not found by its class: let the entry point name the module that defines it"
        )


def lets_gradients_reach_the_mover_alone(case: ModelCase, folder: Path) -> None:
    """On a model that neither freezes nor detaches, a move changes the parameters of its player, and no others."""
    seen = recorded(reference_trainer(case.trainer_kind))
    if seen.unfinished:
        broken("step(batch) leaves losses before its end: go through all of self.moves(batch)")
    if seen.disturbed:
        broken(
            f"{seen.disturbed[0]}: take the gradients of a move with self.backward(player, terms), and step once"
        )
    if still := [name for name in seen.first if torch.equal(seen.first[name], seen.last[name])]:
        broken(f"{still[0]} never changes: every player that losses yields has to move")
    reported = {name.partition("/")[0] for losses in seen.losses for name in losses}
    if silent := seen.players - reported:
        broken(
            f"step(batch) does not return the losses of the {min(silent)}: return the terms of every move"
        )


def trains_every_player(case: ModelCase, folder: Path) -> None:
    """Every player's weights change, stay finite, and every step reports its losses."""
    trainer = case.trainer()
    before = {
        name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()
    }
    for step in trainer:
        if not step.losses:
            broken("step(batch) returns no losses: return the terms of every move, detached")
        for name, loss in step.losses.items():
            if loss.requires_grad:
                broken(f"step(batch) returns {name} with its graph: return loss.detach()")
    after = dict(trainer.model.named_parameters())
    for player, _ in trainer.model.named_children():
        inside = [
            name
            for name, tensor in after.items()
            if name.startswith(f"{player}.") and tensor.requires_grad
        ]
        if inside and all(before[name].equal(after[name]) for name in inside):
            broken(f"the {player} never moves: call self.optimizers[player].step() for each move")
        if broken_one := next((name for name in inside if not after[name].isfinite().all()), None):
            broken(f"{broken_one} is not finite after {case.hp.steps} steps")


CHECKS = [
    is_a_trainer,
    lets_gradients_reach_the_mover_alone,
    trains_every_player,
    trains_the_same_again,
    is_saved_and_resumed_bit_for_bit,
    is_loaded_as_it_was_saved,
]
