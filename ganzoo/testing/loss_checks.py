"""The checks of what losses compute: gradients, labels, the players' opposition, averages."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim import SGD
from torch.utils._pytree import tree_leaves

from ganzoo.data.views import Labelled
from ganzoo.model.contract import Model
from ganzoo.seeds import seeded
from ganzoo.testing.cases import ModelCase, broken, plain_use
from ganzoo.testing.recording import names_of

MOVES = 15
"""Moves of one player alone, to see whether the other loses by them."""


def takes_gradients_of_all_terms(case: ModelCase) -> None:
    """No term of a loss is without a gradient, as a penalty without `create_graph=True` is."""
    recording = case.recorded
    for names, reason in (
        (recording.cut_gradients, "depends on a gradient that has no graph of its own"),
        (recording.without_gradient, "changes, and no gradient passes it"),
    ):
        if names:
            broken(
                f"the loss {min(names)} {reason}, so it trains nothing",
                "torch.autograd.grad(..., create_graph=True); what is only watched is "
                "self.report(name, value)",
            )


def has_an_optimizer_for_every_parameter(case: ModelCase) -> None:
    """A parameter that requires a gradient is in the optimizer of a player."""
    recording = case.recorded
    trained = {name for name, one in recording.model.named_parameters() if one.requires_grad}
    forgotten = trained - recording.in_optimizers
    if recording.players and forgotten:
        broken(
            f"{min(forgotten)} is in no optimizer in {case.hp.steps} steps",
            "give it to one in optimizers(), or call requires_grad_(False); "
            f"if it is trained later, {case.settings_hint({'steps': 10})}",
        )


def uses_the_labels_of_every_batch(case: ModelCase) -> None:
    """Other labels of a batch change the losses."""
    if case.kind.view is not Labelled:
        return
    model, trainer = case.model(), case.trainer()
    batch = trainer.batch(0)
    batches = [batch] if isinstance(batch, Labelled) else list(batch)
    plain = _losses(model, batch)
    for number, one in enumerate(batches):
        classes = case.hp.classes or int(one.labels.max()) + 1
        changed = list(batches)
        changed[number] = one._replace(labels=(one.labels + 1) % classes)
        other = _losses(model, changed[0] if isinstance(batch, Labelled) else tuple(changed))
        if plain == other:
            place = f" of batch {number}" if len(batches) > 1 else ""
            broken(
                f"the losses are the same whatever the labels{place} are",
                "use the labels of the batch whose images you use",
            )


def _losses(model: Model, batch: Any) -> list[float]:
    """The terms of one step in which nobody moves."""
    values: list[float] = []
    model.begin(0)
    with seeded("step", 0, device=torch.device("cpu")):
        for _, loss in model.losses(batch):
            values += [term.item() for term in tree_leaves(loss)]
    return values


def has_players_that_oppose_each_other(case: ModelCase) -> None:
    """What the generator gains, the discriminator loses; not so if the sign of a loss is turned.

    The discriminator moves alone, then the generator does: the discriminator's own loss must not
    fall clearly, for three seeds.
    """
    for seed in range(3):
        if not _generator_helps_discriminator(case, seed):
            return
    broken(
        "the discriminator's loss falls while the generator alone moves",
        "one of them learns the opposite of what it should: turn the sign of its loss",
    )


def _generator_helps_discriminator(case: ModelCase, seed: int) -> bool:
    model = case.model(seed=seed)
    batch = case.trainer(model).batch(0)
    roles = {model.role_of(player): player for player in model.optimizers()}
    discriminator, generator = roles.get("discriminator"), roles.get("generator")
    if discriminator is None or generator is None or len(model.optimizers()) != 2:
        return False
    _move_alone(model, discriminator, batch)
    before = _loss_of(model, discriminator, batch)
    _move_alone(model, generator, batch)
    after = _loss_of(model, discriminator, batch)
    return after < before - 0.1 * abs(before)


def _move_alone(model: Model, player: nn.Module, batch: Any) -> None:
    trained = [one for one in player.parameters() if one.requires_grad]
    optimizer = SGD(trained, lr=0.05)
    for _ in range(MOVES):
        for turn in _turns_of(model, player, batch):
            optimizer.zero_grad()
            turn.backward(inputs=trained)  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()


def _loss_of(model: Model, player: nn.Module, batch: Any) -> float:
    return sum(turn.item() for turn in _turns_of(model, player, batch))


def _turns_of(model: Model, player: nn.Module, batch: Any) -> Iterator[Tensor]:
    """The losses of a player in one step, always with the same draws."""
    model.begin(0)
    with seeded("step", 0, device=torch.device("cpu")):
        for mover, loss in model.losses(batch):
            if mover is player:
                yield torch.stack(tree_leaves(loss)).sum()


def averages_all_that_draws(case: ModelCase) -> None:
    """If a network that images are made with is averaged, all of its kind are."""
    model = case.model(ema=0.9)
    averaged: set[nn.Parameter] = set()
    for player in model.averaged():
        averaged.update(player.parameters())
    if not averaged:
        return
    trained: set[nn.Parameter] = set()
    for optimizer in model.optimizers().values():
        for group in optimizer.param_groups:
            trained.update(group["params"])
    executed: set[nn.Module] = set()
    hook = register_module_forward_pre_hook(lambda module, _: executed.add(module))
    with hook, torch.no_grad():
        plain_use(model, case.images(2))
    used: set[nn.Parameter] = set()
    for module in executed:
        used.update(module.parameters(recurse=False))
    forgotten = names_of(model, (used & trained) - averaged)
    if forgotten:
        broken(
            f"images are made with {min(forgotten)}, which is trained and not averaged",
            "name its network in averaged() too, or keep both in one nn.ModuleDict",
        )


def follows_its_direction(case: ModelCase) -> None:
    """Translations depend on the direction; two that lead to one domain may be equal."""
    model = case.model()
    for _ in islice(case.trainer(model), 1):
        pass
    directions = list(model.directions)
    if len(directions) < 2:
        return
    images = case.inputs(2)
    first, *others = (model.translate(images, direction=direction) for direction in directions)
    if all(map(first.equal, others)):
        broken(
            f"translate gives the same for {' and '.join(directions[:2])}",
            "use the direction in translated(images, direction)",
        )


CHECKS = [
    takes_gradients_of_all_terms,
    has_an_optimizer_for_every_parameter,
    uses_the_labels_of_every_batch,
    has_players_that_oppose_each_other,
    averages_all_that_draws,
    follows_its_direction,
]
