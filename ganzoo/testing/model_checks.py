"""What every registered model promises, in order. Each check fails with a line that says what to do."""

from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.testing.broken import broken
from ganzoo.testing.cases import ModelCase, finished
from ganzoo.testing.compared import difference, disturbed
from ganzoo.testing.meta_device import fault_in_losses, fault_in_use
from ganzoo.testing.of_uses import (
    gives_scores_that_are_numbers,
    makes_what_its_task_says,
    shows_a_preview,
    used,
)
from ganzoo.testing.untrained import (
    has_a_task_that_the_hub_knows,
    has_first_weights_that_follow_from_the_seed,
    is_created_from_its_defaults,
    is_listed_without_being_imported,
    names_its_paper,
)
from ganzoo.zoo import load


def changes_the_mover_and_nobody_else(case: ModelCase, folder: Path) -> None:
    """In a move only the player's own parameters change; after it, code may change that player's alone (clipping)."""
    seen = case.recorded
    if seen.disturbed:
        broken(
            f"{seen.disturbed[0]}: change parameters by yielding their player, or keep them as buffers"
        )
    if seen.settings_changed:
        broken(
            f"a step changes {seen.settings_changed} for everybody: leave torch's settings to whoever runs it"
        )


def trains_every_network(case: ModelCase, folder: Path) -> None:
    """Each network with parameters to train moves in a few steps."""
    seen, model = case.recorded, case.recorded.model
    if not seen.players:
        broken("losses(batch) yields nothing: yield (player, loss) for each move")
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    compiled = model.compiled()
    networks = {name for name, module in model.named_modules() if module in compiled}
    networks |= {name for name, _ in model.named_children()}
    parts = {
        name: {found for found in trained if found.startswith(f"{name}.")}
        for name in sorted(networks)
    }
    parts |= {
        f"the model's own parameter {name}": {name} for name in sorted(trained) if "." not in name
    }
    for name, inside in parts.items():
        if inside and all(torch.equal(seen.first[found], seen.last[found]) for found in inside):
            broken(
                f"{name} is never trained in {case.hp.steps} steps: yield a player that owns it (has optimizers() one "
                f"for it?), or say requires_grad_(False); if its turn comes later, {case.asked({'steps': 10})}"
            )


def stays_finite(case: ModelCase, folder: Path) -> None:
    """Losses and weights are finite after a few steps."""
    seen = case.recorded
    for number, losses in enumerate(seen.losses, 1):
        for name, value in losses.items():
            if not np.isfinite(value):
                broken(
                    f"the loss {name} is {value} in step {number}: take it from logits (softplus), not from log(p)"
                )
    for name, tensor in seen.last.items():
        if not tensor.isfinite().all():
            broken(f"{name} is not finite after {len(seen.losses)} steps")


def trains_in_bf16_too(case: ModelCase, folder: Path) -> None:
    """Two steps in the precision that is the default on a GPU: inside `losses`, convolutions give bfloat16."""
    try:
        for step in islice(case.trainer(precision="bf16"), 2):
            losses = step.read()
    except RuntimeError as cause:
        broken(
            f"with --precision bf16, the default on a GPU: {str(cause).partition(chr(10))[0]}: what networks make is "
            f"bfloat16 there; what is kept of it is fp32, fake.detach().float()"
        )
    for name, value in losses.items():
        if not np.isfinite(value):
            broken(
                f"with --precision bf16, the default on a GPU, the loss {name} is {value}: compute it of x.float()"
            )


def leaves_the_batch_as_it_is(case: ModelCase, folder: Path) -> None:
    """The data are shared with later steps."""
    if case.recorded.batches_changed:
        broken(
            "losses(batch) changes the batch in place: make new tensors, x * 2 instead of x.mul_(2)"
        )


def neither_waits_for_the_device_nor_leaves_it(case: ModelCase, folder: Path) -> None:
    """A step reads no value of a tensor, and has all its tensors on one device."""
    model = case.model()
    trainer = case.trainer(model)
    batch = trainer.batch(0)
    if fault := fault_in_losses(model, batch, steps=case.hp.steps):
        broken(
            f"losses(batch) would wait for a GPU, or fail on it: {fault}. Keep to tensors (torch.where instead of if), "
            f"made with device=self.device or self.randn"
        )
    if fault := fault_in_use(case.model(), case.images(2)):
        broken(
            f"it could not be exported, or would wait for a GPU: {fault}. Keep to tensors where images are made"
        )


def is_compiled_where_it_can_be(case: ModelCase, folder: Path) -> None:
    """`compiled()` leaves out the networks of which a second derivative is taken: torch.compile has none."""
    seen = case.recorded
    for network in seen.model.compiled():
        names = {
            name
            for name, parameter in seen.model.named_parameters()
            if parameter in set(network.parameters())
        }
        if twice := sorted(names & seen.twice):
            broken(
                f"{twice[0].partition('.')[0]} is in compiled(), and a penalty takes gradients of its gradients, which "
                f"torch.compile refuses: let compiled() return the other networks"
            )


def trains_the_same_again(case: ModelCase, folder: Path) -> None:
    """Two trainings of one seed end with the same weights, whatever else draws random numbers."""
    once, again = case.finished, disturbed(lambda: finished(case.trainer()))
    if name := difference(once.weights, again.weights):
        broken(
            f"two trainings of one seed differ in {name}: draw with self.randn, self.rand, or torch, nothing else"
        )


def is_saved_and_resumed_bit_for_bit(case: ModelCase, folder: Path) -> None:
    """Stopped after half of its steps, loaded and continued, it ends as in one go, even if half was all that was asked.

    Unless its schedule says that it depends on their number.
    """
    half = _half(case)
    fixed = case.recorded.model.schedule_depends_on_steps
    found = _lost(case, folder / "run", planned=case.hp.steps if fixed else half)
    if found and not fixed:
        grown, found = found, _lost(case, folder / "planned", planned=case.hp.steps)
        if not found:
            broken(
                f"planned for {half} steps and continued to {case.hp.steps}, it ends with another {grown} than in one "
                f"go: let what depends on hp.steps read self.progress, or be in lr_scale"
            )
    if found:
        broken(
            f"continued from a checkpoint, it ends with another {found} than in one go: what is kept between steps is "
            f"a buffer of the model, register_buffer(..., persistent=False), or follows from self.step"
        )


def _half(case: ModelCase) -> int:
    """An odd number: what is done every other step is then not done alike before and after."""
    return case.hp.steps // 2 | 1


def _lost(case: ModelCase, run: Path, *, planned: int) -> str | None:
    """What ends otherwise than in one go when so many steps are planned, half of all are made, and it is continued."""
    trainer = case.trainer(case.model(steps=planned))
    for _ in islice(trainer, _half(case)):
        pass
    trainer.save(run)
    again = finished(type(trainer).resume(run, case.data, steps=case.hp.steps, device="cpu"))
    aside = case.finished.aside
    kept = next((name for name, value in aside.items() if again.aside.get(name) != value), None)
    return kept or difference(case.finished.weights, again.weights)


def is_loaded_as_it_was_saved(case: ModelCase, folder: Path) -> None:
    """`ganzoo.load` needs no flags, and gives the weights that were published."""
    trainer = case.trainer()
    for _ in islice(trainer, 2):
        pass
    trainer.save(folder / "run")
    loaded = load(folder / "run")
    with trainer.averaged_model() as model:
        if name := difference(model.state_dict(), loaded.state_dict()):
            broken(
                f"{name} is not loaded as it was saved: make every network from the hyperparameters alone"
            )
        elsewhere = case.model(seed=case.hp.seed + 1)
        elsewhere.load_state_dict(model.state_dict())
        made, again = used(model, case.images(2)), used(elsewhere, case.images(2))
        if made is not None and again is not None and not torch.equal(made, again):
            broken(
                "the same weights in a model of another seed, or before its first step, make something else: what is "
                "drawn in __init__, or follows from self.step, and is used afterwards must be a parameter, or a buffer "
                "that is published (persistent=True)"
            )


def has_schedules_that_are_pure(case: ModelCase, folder: Path) -> None:
    """`lr_scale(progress)` and `phase(step)` depend on their argument alone."""
    model, later = case.model(), case.model()
    later.begin(3)
    for progress in (0.0, 0.25, 0.5, 1.0):
        scale, again = model.lr_scale(progress), later.lr_scale(progress)
        again = again if again != scale else model.lr_scale(progress)
        if isinstance(scale, Tensor) or not np.isfinite(scale) or scale < 0 or scale != again:
            broken(
                f"lr_scale({progress}) gives {scale}, then {again}: a pure function, a number that is at least 0"
            )
    if case.recorded.rates_changed:
        broken(
            "the learning rate of an optimizer changes in a step, and is set again before the next: use lr_scale"
        )
    for step in (0, 1, case.hp.steps):
        if len({model.phase(step), later.phase(step), model.phase(step)}) > 1:
            broken(
                f"phase({step}) is not the same twice: it may depend on its argument and the hyperparameters alone"
            )


CHECKS = [
    is_listed_without_being_imported,
    names_its_paper,
    has_a_task_that_the_hub_knows,
    is_created_from_its_defaults,
    has_first_weights_that_follow_from_the_seed,
    changes_the_mover_and_nobody_else,
    trains_every_network,
    stays_finite,
    trains_in_bf16_too,
    leaves_the_batch_as_it_is,
    neither_waits_for_the_device_nor_leaves_it,
    is_compiled_where_it_can_be,
    trains_the_same_again,
    is_saved_and_resumed_bit_for_bit,
    is_loaded_as_it_was_saved,
    makes_what_its_task_says,
    gives_scores_that_are_numbers,
    shows_a_preview,
    has_schedules_that_are_pure,
]
