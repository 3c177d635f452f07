"""The trainer's promises: who moves, what is drawn, what survives."""

import copy
import json
from dataclasses import dataclass

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.files import sha256
from ganzoo.training.scores import Score

SETTINGS = {"image_size": 8, "channels": 1}
SMALL = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8, "steps": 2}


def weights(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_every_move_changes_the_mover_and_nobody_else(toy):
    model = ganzoo.create("toy", **SETTINGS)
    trainer = ganzoo.Trainer(model, "toy-squares:16", device="cpu")
    next(trainer)
    model.begin(1)
    before = weights(model)
    for turn in trainer.turns(trainer.batch(1)):
        player = turn.player
        for optimizer in trainer.optimizers.values():
            optimizer.zero_grad()
        trainer.backward(turn)
        others = [p for p in model.parameters() if p not in set(player.parameters())]
        assert all(parameter.grad is None for parameter in others)
        trainer.update(player)
        name = "generator" if player is model.generator else "discriminator"
        changed = {
            key
            for key, tensor in model.state_dict().items()
            if not torch.equal(tensor, before[key])
        }
        assert changed == {key for key in before if key.startswith(name)}
        before = weights(model)


def test_a_plugin_that_forgets_detach_trains_as_if_it_had_not(toy):
    from ganzoo_toy import Toy

    class Detached(Toy):
        def losses(self, real):
            fake = self.generator(self.randn(len(real), self.hp.latent_dim))
            real_term = nn.functional.softplus(-self.discriminator(real)).mean()
            fake_term = nn.functional.softplus(self.discriminator(fake.detach())).mean()
            yield self.discriminator, {"real": real_term, "fake": fake_term}
            yield self.generator, nn.functional.softplus(-self.discriminator(fake)).mean()

    ends = []
    for kind in (Toy, Detached):
        model = ganzoo.create(kind, **SETTINGS)
        list(ganzoo.Trainer(model, "toy-squares:16", device="cpu"))
        ends.append(weights(model))
    assert equal(*ends)


def test_equal_seeds_give_equal_weights_and_another_does_not(toy):
    def trained(seed):
        model = ganzoo.create("toy", seed=seed, **SETTINGS)
        torch.randn(3)  # what a caller draws changes nothing
        for _ in ganzoo.Trainer(model, "toy-squares:16", device="cpu"):
            torch.rand(1)
        return weights(model)

    assert equal(trained(1), trained(1))
    assert not equal(trained(1), trained(2))


def test_the_callers_random_numbers_are_left_alone(toy):
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    trainer = ganzoo.Trainer(ganzoo.create("toy", **SETTINGS), "toy-squares:16", device="cpu")
    next(trainer)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("stop", [1, 4, 5, 6, 11])
def test_saved_and_resumed_equals_uninterrupted(toy, tmp_path, stop):
    """Phases, schedule, dropout, a pool, averages, two kinds of optimizer; step 5 unfreezes."""
    whole = ganzoo.Trainer(ganzoo.create("toy-phases", **SETTINGS), "toy-squares:16", device="cpu")
    list(whole)
    whole.save(tmp_path / "whole")
    first = ganzoo.Trainer(ganzoo.create("toy-phases", **SETTINGS), "toy-squares:16", device="cpu")
    for step in first:
        if step.number == stop:
            break
    first.save(tmp_path / "parts")
    second = ganzoo.Trainer.resume(tmp_path / "parts", device="cpu")
    assert second.steps_done == stop
    list(second)
    second.save(tmp_path / "parts")
    for name in ("model.safetensors", "config.json", "train/step-000012/training.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (
            tmp_path / "parts" / name
        ).read_bytes(), name
    assert torch.equal(second.model.pool, whole.model.pool)
    assert second.model.pool.any()


def test_averages_follow_their_formula_and_are_what_is_published(toy, tmp_path):
    model = ganzoo.create("toy-phases", **SETTINGS)
    trainer = ganzoo.Trainer(model, "toy-squares:16", device="cpu")
    expected = copy.deepcopy(model.generator[0].weight.detach())
    for step in trainer:
        decay = min(0.9, step.number / (9 + step.number))  # (1 + i) / (10 + i) with i from 0
        expected = decay * expected + (1 - decay) * model.generator[0].weight.detach()
    raw = model.generator
    with trainer.averaged_model() as published:
        assert published.generator is not raw
        torch.testing.assert_close(published.generator[0].weight, expected)
    assert model.generator is raw
    trainer.save(tmp_path / "run")
    torch.testing.assert_close(ganzoo.load(tmp_path / "run").generator[0].weight, expected)


def test_breaking_off_and_going_on_is_one_training(toy):
    trainer = ganzoo.Trainer(ganzoo.create("toy", **SETTINGS), "toy-squares:16", device="cpu")
    for step in trainer:
        if step.number == 5:
            break
    assert [step.number for step in trainer] == list(range(6, 13))


def test_steps_may_grow_unless_the_schedule_depends_on_them(toy, tmp_path):
    trainer = ganzoo.Trainer(
        ganzoo.create("toy", steps=6, **SETTINGS), "toy-squares:16", device="cpu"
    )
    list(trainer)
    trainer.save(tmp_path / "grown")
    longer = ganzoo.Trainer.resume(tmp_path / "grown", steps=12, device="cpu")
    list(longer)
    whole = ganzoo.Trainer(
        ganzoo.create("toy", steps=12, **SETTINGS), "toy-squares:16", device="cpu"
    )
    list(whole)
    assert equal(weights(longer.model), weights(whole.model))
    with pytest.raises(ganzoo.StateError, match=r"steps.*\b6\b"):
        ganzoo.Trainer.resume(tmp_path / "grown", steps=3, device="cpu")
    scheduled = ganzoo.Trainer(
        ganzoo.create("toy-phases", **SETTINGS), "toy-squares:16", device="cpu"
    )
    next(scheduled)
    scheduled.save(tmp_path / "scheduled")
    with pytest.raises(ganzoo.StateError, match="schedule"):
        ganzoo.Trainer.resume(tmp_path / "scheduled", steps=20, device="cpu")


def test_a_trainer_plugin_decides_how_players_move(toy):
    def end(trainer):
        list(trainer)
        return weights(trainer.model)

    kind = ganzoo.trainers["toy-trainer"].load()
    sgd = {
        "optimizers": lambda self: {
            child: torch.optim.SGD(child.parameters(), 0.1) for child in self.children()
        }
    }
    model_class = type("Plain", (ganzoo.models["toy"].load(),), sgd)
    halved = end(kind(ganzoo.create(model_class, **SETTINGS), "toy-squares:16", device="cpu"))
    whole = end(
        ganzoo.Trainer(ganzoo.create(model_class, **SETTINGS), "toy-squares:16", device="cpu")
    )
    assert not equal(halved, whole)


def test_a_step_interrupted_half_way_is_not_saved(toy, tmp_path):
    trainer = ganzoo.Trainer(ganzoo.create("toy", **SETTINGS), "toy-squares:16", device="cpu")
    next(trainer)
    trainer.step = lambda batch: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        next(trainer)
    with pytest.raises(ganzoo.StateError, match="step 2"):
        trainer.save(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_weights_that_are_not_finite_are_not_saved(toy, tmp_path):
    trainer = ganzoo.Trainer(ganzoo.create("toy", **SETTINGS), "toy-squares:16", device="cpu")
    trainer.model.generator[0].bias.data[0] = float("nan")
    with pytest.raises(ganzoo.Diverged, match=r"generator\.0\.bias"):
        trainer.save(tmp_path / "run")


def broken(losses):
    """A model that makes one mistake."""

    class Broken(ganzoo.Model):
        """Broken."""

        task = "unconditional-image-generation"

        @dataclass(frozen=True, kw_only=True)
        class Hparams(ganzoo.Hparams):
            batch_size: int = 4

        def __init__(self, hp):
            super().__init__(hp)
            self.net = nn.Linear(2, 1)
            self.other = nn.Linear(2, 1)

    if losses:
        Broken.losses = losses
    return ganzoo.create(Broken)


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (None, "losses"),
        (lambda self, batch: iter([(self.net, self.net(batch[:, 0, 0]))]), r"\(4, 1\)"),
        (lambda self, batch: iter([(self.net, 0.5)]), r"0\.5"),
        (lambda self, batch: iter([(nn.Linear(1, 1), batch.sum())]), "Linear"),
        (lambda self, batch: iter([(self.net, batch.sum())]), r"\bnet\b"),
        (lambda self, batch: self.net(batch[:, 0, 0]).mean(), "must yield"),
        (lambda self, batch: iter([batch.sum()]), r"tensor\("),
        (lambda self, batch: iter([("net", batch.sum())]), "'net'"),
        (lambda self, batch: iter([(self.net, {})]), r"\bnet\b"),
        (lambda self, batch: iter([None]), "None"),
    ],
)
def test_a_mistake_in_losses_is_named(losses, message):
    trainer = ganzoo.Trainer(broken(losses), torch.zeros(8, 1, 2, 2) - 0.5, device="cpu")
    with pytest.raises(ganzoo.PluginError, match=message):
        next(trainer)


def test_a_loss_that_was_computed_before_an_earlier_move_is_named():
    def losses(self, batch):
        loss = (self.net(batch[:, 0, 0]) * self.other.weight.sum()).mean()
        yield self.net, loss
        yield self.other, loss

    trainer = ganzoo.Trainer(broken(losses), torch.zeros(8, 1, 2, 2) - 0.5, device="cpu")
    with pytest.raises(ganzoo.PluginError, match=r"\bother\b.* move"):
        next(trainer)


def test_a_player_that_is_frozen_while_it_moves_is_named():
    def losses(self, batch):
        loss = self.net(batch[:, 0, 0]).mean()
        with ganzoo.frozen(self.net):
            yield self.net, loss

    trainer = ganzoo.Trainer(broken(losses), torch.zeros(8, 1, 2, 2) - 0.5, device="cpu")
    with pytest.raises(ganzoo.PluginError, match=r"\bnet\b"):
        next(trainer)


def test_the_loss_of_the_model_itself_has_a_name():
    model = broken(lambda self, batch: iter([(self, self.net(batch[:, 0, 0]).mean())]))
    model.optimizers = lambda: {model: torch.optim.Adam(model.parameters())}
    assert list(
        next(ganzoo.Trainer(model, torch.zeros(8, 1, 2, 2) - 0.5, device="cpu")).losses
    ) == ["model"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda self: [torch.optim.Adam(self.parameters())], "Adam"),
        (lambda self: {self.net: 1e-3}, r"0\.001"),
        (
            lambda self: dict.fromkeys([self.net, self.other], torch.optim.Adam(self.parameters())),
            "players",
        ),
        (
            lambda self: {
                self.net: torch.optim.Adam([*self.net.parameters(), nn.Parameter(torch.ones(1))])
            },
            "Parameter",
        ),
    ],
)
def test_a_mistake_in_optimizers_is_named(given, message):
    model = broken(lambda self, batch: iter([(self.net, self.net(batch[:, 0, 0]).mean())]))
    model.optimizers = lambda: given(model)
    with pytest.raises(ganzoo.PluginError, match=message):
        next(ganzoo.Trainer(model, torch.zeros(8, 1, 2, 2) - 0.5, device="cpu"))


@pytest.mark.parametrize("losses", [None, [nn.Linear(1, 1)], {"net": 0.5}])
def test_a_step_that_gives_no_losses_is_named(losses):
    kind = type("Odd", (ganzoo.Trainer,), {"step": lambda self, batch: losses})
    with pytest.raises(ganzoo.PluginError, match=r"Odd\.step"):
        next(kind(broken(None), torch.zeros(8, 1, 2, 2) - 0.5, device="cpu"))


def test_another_kind_of_optimizer_in_a_later_phase_starts_afresh(toy):
    from ganzoo_toy import Toy

    class Phases(Toy):
        def phase(self, step):
            return step // 2

        def optimizers(self):
            parameters = self.generator.parameters()
            first = [torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.SGD][
                self.step // 2 % 4
            ]
            return {
                self.generator: first(parameters, 0.01),
                self.discriminator: torch.optim.Adam(
                    self.discriminator.parameters(), amsgrad=self.step >= 4
                ),
            }

    trainer, steps = (
        ganzoo.Trainer(ganzoo.create(Phases, **SETTINGS), "toy-squares:16", device="cpu"),
        [],
    )
    for _ in trainer:
        state = trainer.optimizers.state()
        known = [
            state.get(name, {})
            for name in ("generator/generator.0.bias", "discriminator/discriminator.1.bias")
        ]
        steps.append([int(of.get("step", 0)) for of in known])
    assert steps[:8] == [[1, 1], [2, 2], [3, 3], [4, 4], [1, 1], [2, 2], [0, 3], [0, 4]]


def test_networks_that_come_later_are_named_at_once(toy):
    from ganzoo_toy import Toy

    def grows(self):
        if self.step == 3:
            self.generator.append(nn.Conv2d(1, 1, 1))
        return Toy.optimizers(self)

    kind = type("Growing", (Toy,), {"phase": lambda self, step: step // 3, "optimizers": grows})
    trainer = ganzoo.Trainer(ganzoo.create(kind, **SETTINGS), "toy-squares:16", device="cpu")
    with pytest.raises(ganzoo.PluginError, match=r"generator\.3\.bias"):
        list(trainer)
    assert trainer.steps_done == 3

    class Lazy(Toy):
        def __init__(self, hp):
            super().__init__(hp)
            self.discriminator = nn.Sequential(nn.Flatten(), nn.LazyLinear(1), nn.Flatten(0))

    with pytest.raises(ganzoo.PluginError, match=r"discriminator\.1\.weight"):
        ganzoo.create(Lazy, **SETTINGS)


@pytest.mark.parametrize(
    "begin",
    [
        lambda self, hp: setattr(self, "net", nn.Linear(1, 1)),
        lambda self, hp: ganzoo.Model.__init__(self),
    ],
)
def test_a_constructor_that_forgets_its_base_is_told(begin):
    kind = type("Forgets", (ganzoo.Model,), {"__init__": begin, "task": "x"})
    with pytest.raises(ganzoo.PluginError, match="__init__"):
        ganzoo.create(kind)


def test_what_evaluate_gives_is_checked():
    model = broken(lambda self, batch: iter([(self.net, self.net(batch[:, 0, 0]).mean())]))
    for found in ({"score": 1.0}, ganzoo.Evaluation({"score": torch.ones(())})):
        type(model).evaluate = lambda self, batches, found=found: found
        images = torch.zeros(8, 1, 2, 2) - 0.5
        trainer = ganzoo.Trainer(model, images, device="cpu", validation=images + 0.1)
        with pytest.raises(ganzoo.PluginError, match="Evaluation"):
            trainer.evaluate()


def test_who_retains_a_graph_says_so_in_its_class():
    kind = type("Again", (ganzoo.Trainer,), {"step": lambda self, batch: again(self, batch)})

    def again(trainer, batch):
        for turn in trainer.turns(batch):
            trainer.backward(turn, retain_graph=True)

    model = broken(lambda self, batch: iter([(self.net, self.net(batch[:, 0, 0]).mean())]))
    with pytest.raises(ganzoo.PluginError, match="retains_graphs"):
        next(kind(model, torch.zeros(8, 1, 2, 2) - 0.5, device="cpu"))


def test_networks_in_a_plain_list_are_named(toy):
    from ganzoo_toy import Toy

    class Listed(Toy):
        def optimizers(self):
            self.heads = [nn.Linear(2, 2)]
            return {
                **super().optimizers(),
                self.heads[0]: torch.optim.Adam(self.heads[0].parameters()),
            }

    with pytest.raises(ganzoo.PluginError, match="ModuleList"):
        next(ganzoo.Trainer(ganzoo.create(Listed, **SETTINGS), "toy-squares", device="cpu"))


def test_a_loss_of_somebody_elses_parameters_is_named():
    def losses(self, batch):
        yield self.net, self.other(batch[:, 0, 0]).mean()

    trainer = ganzoo.Trainer(broken(losses), torch.zeros(8, 1, 2, 2) - 0.5, device="cpu")
    with pytest.raises(ganzoo.PluginError, match=r"\bnet\b"):
        next(trainer)


def test_frozen_computes_no_gradient_and_thaws():
    net, through = nn.Linear(2, 2), torch.ones(1, 2, requires_grad=True)
    net.bias.requires_grad_(False)
    with ganzoo.frozen(net):
        net(through).sum().backward()
    assert net.weight.grad is None
    assert through.grad is not None
    assert net.weight.requires_grad
    assert not net.bias.requires_grad


def test_bf16_computes_in_it_and_keeps_weights_in_fp32(toy):
    model = ganzoo.create("dcgan", image_size=8, width=4, channels=1, steps=2, batch_size=8)
    trainer = ganzoo.Trainer(model, "digits", device="cpu", precision="bf16")
    seen = []
    model.discriminator[0].register_forward_hook(
        lambda module, inputs, output: seen.append(output.dtype)
    )
    list(trainer)
    assert set(seen) == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_dataset_that_draws_is_resumed_bit_for_bit(tmp_path):
    class Flipping:
        def __len__(self):
            return 20

        def __getitem__(self, i):
            picture = torch.full((1, 8, 8), i, dtype=torch.uint8)
            return picture if torch.rand(()) < 0.5 else 255 - picture

    small = {"image_size": 8, "width": 4, "batch_size": 8, "steps": 4}
    whole = ganzoo.Trainer(ganzoo.create("dcgan-mini", **small), Flipping(), device="cpu")
    list(whole)
    parts = ganzoo.Trainer(ganzoo.create("dcgan-mini", **small), Flipping(), device="cpu")
    next(parts), next(parts)
    parts.save(tmp_path / "run")
    torch.rand(3)
    resumed = ganzoo.Trainer.resume(tmp_path / "run", Flipping(), device="cpu")
    list(resumed)
    assert equal(weights(resumed.model), weights(whole.model))


def test_averages_of_a_player_inside_another_are_refused(toy):
    from ganzoo_toy import Toy

    for pick in (lambda self: [self.generator, self.generator[0]], lambda self: [self]):
        kind = type("Nested", (Toy,), {"averaged": pick})
        with pytest.raises(ganzoo.PluginError, match=r"averaged\(\)"):
            ganzoo.Trainer(ganzoo.create(kind, **SETTINGS, ema=0.9), "toy-squares:16", device="cpu")
    kind = type("Named", (Toy,), {"averaged": lambda self: ["generator"]})
    with pytest.raises(ganzoo.PluginError, match="'generator'"):
        ganzoo.Trainer(ganzoo.create(kind, **SETTINGS, ema=0.9), "toy-squares:16", device="cpu")
    kind = type("Elsewhere", (Toy,), {"averaged": lambda self: [copy.deepcopy(self.generator)]})
    with pytest.raises(ganzoo.PluginError, match="Sequential"):
        ganzoo.Trainer(ganzoo.create(kind, **SETTINGS, ema=0.9), "toy-squares:16", device="cpu")


def test_restoring_heals_an_interrupted_step(toy, tmp_path):
    trainer = ganzoo.Trainer(ganzoo.create("toy", **SETTINGS), "toy-squares:16", device="cpu")
    next(trainer)
    trainer.save(tmp_path / "run")
    whole, trainer.step = trainer.step, lambda batch: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        next(trainer)
    trainer.step = whole
    with pytest.raises(ganzoo.StateError, match=r"step 2.*restore"):
        next(trainer)  # some players may have moved in it
    assert trainer.restore(tmp_path / "run") == []
    assert next(trainer).number == 2
    trainer.save(tmp_path / "run")


def test_a_score_that_is_no_number_is_never_the_best(toy, tmp_path):
    trainer = ganzoo.Trainer(ganzoo.create("toy", **SETTINGS), "toy-squares:16", device="cpu")
    best = []
    for score in (float("nan"), 0.5, float("nan")):
        next(trainer)
        trainer.evaluated = Score(trainer.steps_done, {"accuracy": score}, 4)
        trainer.save(tmp_path / "run")
        best.append(trainer.best and trainer.best.step)
    assert best == [None, 2, 2]
    assert ganzoo.Trainer.resume(tmp_path / "run", device="cpu").best.step == 2


def test_restoring_the_very_beginning_forgets_what_the_optimizers_know(toy, tmp_path):
    trainer = ganzoo.Trainer(ganzoo.create("toy", **SETTINGS), "toy-squares:16", device="cpu")
    trainer.save(tmp_path / "run")
    list(trainer)
    once = weights(trainer.model)
    trainer.restore(tmp_path / "run")
    assert trainer.optimizers.state() == {}
    list(trainer)
    assert equal(weights(trainer.model), once)


def test_a_run_that_is_older_than_a_hyperparameter_goes_on_at_its_default(toy, tmp_path):
    trainer = ganzoo.Trainer(ganzoo.create("dcgan-mini", **SMALL), "digits")
    next(trainer)
    trainer.save(tmp_path / "run")
    checkpoint = tmp_path / "run/train/step-000001"
    for path in (tmp_path / "run/config.json", checkpoint / "config.json"):
        document = json.loads(path.read_text())
        del document["hyperparameters"]["cutout"]
        path.write_text(json.dumps(document))
    training = json.loads((checkpoint / "training.json").read_text())
    training["sha256"]["config.json"] = sha256(checkpoint / "config.json")
    (checkpoint / "training.json").write_text(json.dumps(training))
    resumed = ganzoo.Trainer.resume(tmp_path / "run")
    list(trainer), list(resumed)
    assert equal(weights(trainer.model), weights(resumed.model))
    other = ganzoo.Trainer(ganzoo.create("dcgan-mini", **SMALL, cutout=0.5), "digits")
    with pytest.raises(ganzoo.StateError, match="cutout"):
        other.restore(tmp_path / "run")
    with pytest.raises(ganzoo.StateError, match="cutout"):
        other.save(tmp_path / "run")
    resumed.save(tmp_path / "run")


def test_what_the_model_allows_is_compiled_and_nothing_else(toy, monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda network: compiled.append(network))
    model = ganzoo.create("cyclegan", image_size=16, width=2, patch_layers=1, blocks=1)
    trainer = ganzoo.Trainer(model, "digits-photo", compile=True)
    assert compiled[:4] == [*model.generators.values(), *model.discriminators.values()]
    assert trainer.state().extra["compiled"]
    compiled.clear()
    critics = ganzoo.create("wgan-gp", image_size=8, channels=1, width=2, batch_size=4)
    ganzoo.Trainer(critics, "digits", compile=True)
    assert compiled == [critics.generator]
    compiled.clear()
    ganzoo.Trainer(ganzoo.create("toy", **SETTINGS), "toy-squares")
    assert compiled == []


@pytest.mark.slow
def test_compiled_it_learns_the_same_and_a_penalty_is_why_a_critic_is_not(tmp_path, process):
    """In its own process: compiled code stays in memory, and torch warns of what is missing."""
    code = """
import torch, ganzoo
ends = []
for compile in (False, True):
    model = ganzoo.create("dcgan-mini", image_size=8, width=4, batch_size=8, steps=3)
    list(ganzoo.Trainer(model, "digits", device="cpu", compile=compile))
    ends.append(model.state_dict())
assert all(torch.allclose(tensor, ends[1][name], atol=2e-3) for name, tensor in ends[0].items())
assert list(ends[0]) == list(ends[1])
class Whole(type(ganzoo.create("wgan-gp", width=2))):
    def compiled(self):
        return [self.discriminator]
model = ganzoo.create(Whole, image_size=8, channels=1, width=2, batch_size=4)
try:
    next(ganzoo.Trainer(model, "digits", device="cpu", compile=True))
except RuntimeError as error:
    print(error)
"""
    assert "double backward" in process("-c", code).stdout
