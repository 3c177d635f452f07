"""The checks of a trainer, on a small model."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from ganzoo import losses
from ganzoo.discovery.registry import trainers
from ganzoo.hparams.hparams import Hparams
from ganzoo.model.construct import initialised
from ganzoo.model.contract import Model, Move
from ganzoo.modes import frozen
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


class Plain(Model):
    """Two players without draws, whose loss is a mean over the batch (arXiv:1406.2661)."""

    task = "unconditional-image-generation"

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.generator, self.discriminator = nn.Linear(9, 9), nn.Linear(9, 1)

    def losses(self, real: Tensor) -> Iterator[Move]:
        images = real.flatten(1)
        fake = self.generator(images)
        logits = self.discriminator(images), self.discriminator(fake.detach())
        yield self.discriminator, losses.non_saturating_discriminator(*logits)
        with frozen(self.discriminator):
            yield self.generator, losses.non_saturating_generator(self.discriminator(fake))

    def optimizers(self) -> dict[nn.Module, Optimizer]:
        return {player: SGD(player.parameters(), self.hp.lr) for player in self.children()}


def _images() -> Tensor:
    return torch.rand(8, 1, 3, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _stepped(kind: type[Trainer], images: Tensor, stale: float | None = None) -> Tensor:
    """The change of all parameters in one step of SGD, with old gradients if `stale` is set."""
    hp = Hparams(batch_size=8, steps=1, lr=0.01)
    trainer = kind(initialised(Plain, hp), images, device="cpu", precision="fp32")
    parameters = list(trainer.model.parameters())
    before = torch.cat([one.detach().flatten() for one in parameters])
    if stale is not None:
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, stale)
    next(trainer)
    return torch.cat([one.detach().flatten() for one in parameters]) - before


def uses_every_image(case: ModelCase) -> None:
    """A step depends on each image of its batch."""
    plain, images = _stepped(case.trainer_kind, _images()), _images()
    for number in range(len(images)):
        changed = images.clone()
        changed[number] = -changed[number]
        if torch.allclose(_stepped(case.trainer_kind, changed), plain, rtol=0, atol=1e-9):
            broken(
                f"image {number} of {len(images)} changes nothing in a step",
                "use all parts of the batch",
            )


def leaves_other_gradients_out(case: ModelCase) -> None:
    """Gradients that are left over from an earlier turn change nothing."""
    plain = _stepped(case.trainer_kind, _images())
    stale = _stepped(case.trainer_kind, _images(), stale=1000.0)
    if not torch.allclose(plain, stale, rtol=1e-4, atol=1e-7):
        broken(
            "old gradients of players that do not move change a step",
            "look at self.optimizers.trained(turn.player) alone, as clip_grad_norm_ should",
        )


def steps_as_far_as_the_plain_trainer(case: ModelCase) -> None:
    """A step is not a whole multiple of the plain trainer's, as if parts were summed."""
    plain, own = _stepped(Trainer, _images()), _stepped(case.trainer_kind, _images())
    ratio = (own.norm() / plain.norm()).item()
    whole = round(ratio)
    # the second player sees a first one that moved further
    if whole > 1 and (own - whole * plain).norm() < 0.05 * own.norm():
        broken(
            f"a step is {whole} times that of the plain trainer on the same batch",
            "divide by the number of parts: a loss is a mean over the batch",
        )


def leaves_rates_as_they_are(case: ModelCase) -> None:
    """Learning rates are the model's: `lr_scale` decides them."""
    hp = Hparams(batch_size=8, steps=2, lr=0.01)
    trainer = case.trainer_kind(initialised(Plain, hp), _images(), device="cpu", precision="fp32")
    next(trainer)
    for optimizer in trainer.optimizers.values():
        for group in optimizer.param_groups:
            if group["lr"] != group["initial_lr"]:
                broken(
                    f"a step leaves the learning rate {group['lr']:.4g}, not {hp.lr}",
                    "restore what you change: rates come from the model's lr_scale",
                )


CHECKS = [
    is_a_trainer,
    lets_gradients_reach_the_mover_alone,
    trains_every_player,
    uses_every_image,
    leaves_other_gradients_out,
    steps_as_far_as_the_plain_trainer,
    leaves_rates_as_they_are,
    trains_the_same_again,
    is_saved_and_resumed_bit_for_bit,
    is_loaded_as_it_was_saved,
]
