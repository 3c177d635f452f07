"""The checks of a trainer, on a small model."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ganzoo import losses
from ganzoo.discovery.registry import trainers
from ganzoo.hparams.hparams import Hparams
from ganzoo.model.construct import initialised
from ganzoo.model.contract import Model, Move
from ganzoo.testing.cases import ModelCase, broken
from ganzoo.testing.model_checks import (
    is_loaded_as_it_was_saved,
    is_saved_and_resumed_bit_for_bit,
    stays_finite,
    trained_parts,
    trains_the_same_again,
)
from ganzoo.testing.recording import recorded
from ganzoo.training.trainer import Trainer


class Reference(Model):
    """Two linear layers, neither frozen nor detached (Goodfellow et al. 2014, arXiv:1406.2661).

    Whether only the mover changes is then up to the trainer.
    """

    task = "unconditional-image-generation"

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.generator, self.discriminator = nn.Linear(4, 9), nn.Linear(9, 1)

    def losses(self, real: Tensor) -> Iterator[Move]:
        fake = self.generator(self.randn(len(real), 4))
        logits = self.discriminator(real.flatten(1)), self.discriminator(fake)
        yield self.discriminator, losses.non_saturating_discriminator(*logits)
        yield self.generator, losses.non_saturating_generator(self.discriminator(fake))


def reference_trainer(kind: type[Trainer]) -> Trainer:
    """A trainer of this kind that trains the reference model on noise."""
    hp = Hparams(batch_size=4, steps=2, lr=0.01)
    images = torch.rand(8, 1, 3, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return kind(initialised(Reference, hp), images, device="cpu", precision="fp32")


def is_a_trainer(case: ModelCase) -> None:
    """It is a subclass of ganzoo.Trainer, and its entry point is found by its class."""
    kind = case.trainer_kind
    if trainers.of(kind) is None:
        broken(
            f"{kind.__name__} is not found by its class",
            "name the module that defines it in the entry point",
        )


def lets_gradients_reach_the_mover_alone(case: ModelCase) -> None:
    """On a model that neither freezes nor detaches, a turn changes only its player's parameters."""
    recording = recorded(reference_trainer(case.trainer_kind))
    if recording.incomplete_steps:
        broken(
            "step(batch) leaves losses before its end",
            "go through all of self.turns(batch)",
        )
    if recording.foreign_changes:
        broken(
            recording.foreign_changes[0],
            "use self.backward(turn) and self.update(turn.player)",
        )


def trains_every_player(case: ModelCase) -> None:
    """Every player changes, stays finite, and reports its losses, detached."""
    recording, reported = case.recorded, set()
    for losses_of_step in recording.losses:
        for name in losses_of_step:
            reported.add(name.partition("/")[0])
    silent = recording.players - reported
    if silent:
        broken(
            f"step(batch) returns no losses of the {min(silent)}",
            "return those of every turn",
        )
    if recording.undetached:
        name = min(recording.undetached)
        broken(
            f"step(batch) returns {name} with its graph",
            "return loss.detach()",
        )
    stays_finite(case)
    for player, names in trained_parts(recording.model).items():
        if names and names <= recording.unchanged:
            broken(
                f"{player} never changes",
                "call self.update(turn.player) for each turn",
            )


CHECKS = [
    is_a_trainer,
    lets_gradients_reach_the_mover_alone,
    trains_every_player,
    trains_the_same_again,
    is_saved_and_resumed_bit_for_bit,
    is_loaded_as_it_was_saved,
]
