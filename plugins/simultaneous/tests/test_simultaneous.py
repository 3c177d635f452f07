"""The simultaneous trainer, against games with a known course and loops written by hand."""

import copy
from dataclasses import dataclass

import pytest
import torch
from support import TINY
from tensors import equal, weights_of
from torch import nn
from torch.nn.functional import softplus

import ganzoo
from ganzoo.seeds import rng

SETTINGS = {"image_size": 8, "channels": 1}
MINI = {
    "image_size": 8,
    "channels": 1,
    "width": 4,
    "latent_dim": 6,
    "batch_size": 8,
    "steps": 6,
    "lr": 5e-4,
    "ema": 0,
    "translation": 0,
}
NOTHING = torch.zeros(8, 1, 2, 2) - 0.5


def simultaneous(model, data):
    return ganzoo.trainers["simultaneous"].load()(model, data, device="cpu")


class Number(nn.Module):
    """A player whose weights are one number."""

    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))


def game(losses, rates=(0.5, 0.5)):
    """Two numbers, at 1 and 2, against each other, with gradient descent at these rates."""

    class Game(ganzoo.Model):
        """A game of two numbers."""

        task = "unconditional-image-generation"

        @dataclass(frozen=True, kw_only=True)
        class Hparams(ganzoo.Hparams):
            batch_size: int = 4
            steps: int = 20

        def __init__(self, hp):
            super().__init__(hp)
            self.one, self.other = Number(1.0), Number(2.0)

        def optimizers(self):
            return {
                player: torch.optim.SGD(player.parameters(), rate)
                for player, rate in zip(self.children(), rates, strict=True)
            }

    Game.losses = lambda self, batch: losses(self, self.one.value, self.other.value)
    return ganzoo.create(Game)


def test_a_bilinear_game_spirals_outwards_as_it_must():
    """min_x max_y xy: |(x, y)| grows by sqrt(1 + rate^2) a step; in turns, it stays the same."""

    def losses(self, x, y):
        yield self.one, x * y
        yield self.other, -x * y

    distances = {}
    for kind in (ganzoo.trainers["simultaneous"].load(), ganzoo.Trainer):
        trainer = kind(game(losses), NOTHING, device="cpu")
        x, y = 1.0, 2.0
        for _ in trainer:
            x, y = (x - 0.5 * y, y + 0.5 * x)
            if kind is not ganzoo.Trainer:
                found = trainer.model.one.value.item(), trainer.model.other.value.item()
                assert found == pytest.approx((x, y), rel=1e-5)
        distances[kind] = (
            trainer.model.one.value.item() ** 2 + trainer.model.other.value.item() ** 2
        )
    growing, bounded = distances.values()
    assert growing == pytest.approx(5 * 1.25**20, rel=1e-4)
    assert bounded < 15


def test_a_player_that_moves_several_times_moves_once_on_the_sum():
    seen = []

    def losses(self, x, y):
        for factor in (1, 10):
            yield self.one, {"square": factor * x**2, f"only {factor}": factor * x}
            seen.append(x.item())
        yield self.other, x * y

    trainer = simultaneous(game(losses, rates=(0.01, 0.01)), NOTHING)
    step = next(trainer)
    assert seen == [1.0, 1.0]
    assert trainer.model.one.value.item() == pytest.approx(1 - 0.01 * (2 + 1 + 20 + 10))
    assert trainer.model.other.value.item() == pytest.approx(
        2 - 0.01 * 1
    )  # by the other's old place
    assert step.read() == {"one/square": 11, "one/only 1": 1, "one/only 10": 10, "other": 2}


def test_players_that_share_a_weight_each_move_it_by_their_own_gradient():
    def losses(self, x, y):
        yield self.one, 3 * x**2
        yield self.other, 5 * x + y**2

    model = game(losses)
    one, other = model.one, model.other
    model.optimizers = lambda: {
        one: torch.optim.SGD(one.parameters(), 0.01),
        other: torch.optim.SGD([*other.parameters(), *one.parameters()], 0.1),
    }
    next(simultaneous(model, NOTHING))
    assert one.value.item() == pytest.approx(1 - 0.01 * 6 - 0.1 * 5)
    assert other.value.item() == pytest.approx(2 - 0.1 * 4)


def test_ends_with_the_bits_of_a_loop_written_by_hand():
    model = ganzoo.create("dcgan-mini", **MINI)
    trainer = simultaneous(model, "digits")
    net_g, net_d = copy.deepcopy(model.generator), copy.deepcopy(model.discriminator)
    adam_g, adam_d = (
        torch.optim.Adam(net.parameters(), 5e-4, (0.5, 0.999)) for net in (net_g, net_d)
    )
    for step in range(6):
        fake = net_g(torch.randn(8, 6, 1, 1, generator=rng("draws", 0, step)))
        loss_d = (
            softplus(-net_d(trainer.batches[step])).mean() + softplus(net_d(fake.detach())).mean()
        )
        loss_g = softplus(-net_d(fake)).mean()
        adam_g.zero_grad()
        loss_g.backward()
        adam_d.zero_grad()  # of what the generator's loss has left there
        loss_d.backward()
        adam_d.step()
        adam_g.step()
        made = next(trainer)
        assert made.losses["generator"].item() == loss_g.item()
    for ours, theirs in ((model.generator, net_g), (model.discriminator, net_d)):
        assert equal(weights_of(ours), weights_of(theirs))


def test_it_differs_from_taking_turns_in_the_first_step_by_the_generator_alone():
    simultaneously, by_turns = (
        ganzoo.create("dcgan-mini", **MINI),
        ganzoo.create("dcgan-mini", **MINI),
    )
    next(simultaneous(simultaneously, "digits"))
    next(ganzoo.Trainer(by_turns, "digits", device="cpu"))
    parameters = [dict(model.named_parameters()) for model in (simultaneously, by_turns)]
    same = {
        name.split(".")[0]
        for name in parameters[0]
        if torch.equal(*(one[name] for one in parameters))
    }
    assert same == {"discriminator"}


def test_saved_and_resumed_equals_uninterrupted(toy, tmp_path):
    """Phases, two critic steps on a pool, players that share parameters; step 5 unfreezes."""
    stop = 5
    whole = simultaneous(ganzoo.create("toy-phases", **SETTINGS), "toy-squares:16")
    list(whole)
    first = simultaneous(ganzoo.create("toy-phases", **SETTINGS), "toy-squares:16")
    next(step for step in first if step.number == stop)
    first.save(tmp_path / "run")
    second = ganzoo.Trainer.resume(tmp_path / "run", device="cpu")
    assert type(second) is type(whole)
    assert second.steps_done == stop
    list(second)
    assert equal(weights_of(second.model), weights_of(whole.model))
    assert equal({"pool": second.model.pool}, {"pool": whole.model.pool})
    for one, other in zip(
        second.averages.pairs.values(), whole.averages.pairs.values(), strict=True
    ):
        assert equal(weights_of(one), weights_of(other))


def test_a_model_whose_penalties_are_differentiated_twice_trains():
    tiny = {**SETTINGS, "width": 4, "group_size": 2, "latent_dim": 3, "batch_size": 4, "steps": 2}
    model = ganzoo.create("r3gan", **tiny)
    before = weights_of(model)
    steps = list(simultaneous(model, ganzoo.noise(8, 1, 8, 8, seed=0).clamp(-1, 1)))
    assert set(steps[0].losses) == {
        "discriminator/pairs",
        "discriminator/r1",
        "discriminator/r2",
        "generator",
    }
    assert not equal(before, weights_of(model))


def test_the_command_trains_with_it_and_goes_on_with_it(ganzoo_command):
    words = ("train", "dcgan-mini", *TINY, "--trainer", "simultaneous")
    for steps in (2, 4):
        done = ganzoo_command(*words, "--set", f"steps={steps}")
        assert done.exit_code == 0, done.output
    assert "step 2" in done.output
    done = ganzoo_command("train", "dcgan-mini", *TINY, "--set", "steps=6")
    assert done.exit_code == 1
    assert "trainer" in done.stderr
    settings = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8, "steps": 4}
    whole = simultaneous(ganzoo.create("dcgan-mini", **settings), "digits")
    list(whole)
    with whole.averaged_model() as published:
        assert equal(weights_of(ganzoo.load("runs/dcgan-mini")), weights_of(published))


def test_it_does_not_compile_and_says_so(ganzoo_command):
    done = ganzoo_command("train", "dcgan-mini", *TINY, "--trainer", "simultaneous", "--compile")
    assert done.exit_code == 1
    assert "Simultaneous" in done.stderr
