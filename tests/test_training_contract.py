"""What a model may declare about its training: helpers, reports, rates, published weights."""

import json
import logging

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import ganzoo
from ganzoo import losses
from ganzoo.errors import PluginError, StateError

IMAGES = torch.rand(24, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1


class Small(ganzoo.Model):
    """A generator with BatchNorm, and a discriminator (Goodfellow et al. 2014, arXiv:1406.2661)."""

    task = "unconditional-image-generation"

    class Hparams(ganzoo.Hparams):
        batch_size: int = 4
        steps: int = 6
        ema: float = 0.9

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Sequential(
            nn.Linear(3, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Unflatten(1, (1, 4, 4))
        )
        self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))

    def losses(self, real):
        fake = self.generator(self.randn(len(real), 3))
        on_real, on_fake = self.discriminator(real), self.discriminator(fake.detach())
        yield self.discriminator, losses.non_saturating_discriminator(on_real, on_fake)
        with ganzoo.frozen(self.discriminator):
            yield self.generator, losses.non_saturating_generator(self.discriminator(fake))

    def averaged(self):
        return [self.generator]

    def latents(self, n, seed):
        return ganzoo.noise(n, 3, seed=seed)

    def generate(self, latents, labels=None):
        return self.generator(latents)


def trainer_of(kind, **hyperparameters):
    return ganzoo.Trainer(ganzoo.create(kind, **hyperparameters), IMAGES, device="cpu")


def tensors(folder):
    newest = sorted((folder / "train").iterdir())[-1]
    return {path.name: path.read_bytes() for path in newest.glob("*.safetensors")}


def ends_as_in_one_go(kind, tmp_path):
    whole = trainer_of(kind)
    list(whole)
    whole.save(tmp_path / "whole")
    part = trainer_of(kind)
    for step in part:
        if step.number == 3:
            break
    part.save(tmp_path / "part")
    resumed = ganzoo.Trainer.resume(tmp_path / "part", IMAGES, model=kind, device="cpu")
    list(resumed)
    resumed.save(tmp_path / "part")
    return tensors(tmp_path / "whole") == tensors(tmp_path / "part")


# Helpers


@pytest.fixture
def teacher_file(tmp_path):
    network = nn.Linear(16, 2)
    with torch.no_grad():
        network.weight.fill_(0.5)
        network.bias.fill_(0.1)
    save_file(dict(network.state_dict()), tmp_path / "teacher.safetensors")
    return tmp_path / "teacher.safetensors"


@pytest.fixture
def distilled(teacher_file):
    class Distilled(Small):
        """A generator that a teacher helps."""

        def load_helpers(self):
            return {"teacher": ganzoo.Helper.of_file(nn.Linear(16, 2), teacher_file)}

        def losses(self, real):
            assert not self.helpers["teacher"].training
            for player, loss in super().losses(real):
                if player is self.generator:
                    fake = self.generator(self.randn(len(real), 3))
                    loss = loss + self.helpers["teacher"](fake.flatten(1)).square().mean()
                yield player, loss

    return Distilled


def test_a_helper_is_used_and_neither_trained_nor_published(distilled, tmp_path):
    trainer = trainer_of(distilled)
    before = trainer.model.helpers["teacher"].weight.clone()
    list(trainer)
    trainer.save(tmp_path / "run")
    assert trainer.model.helpers["teacher"].weight.equal(before)
    assert not any("teacher" in name for name in trainer.model.state_dict())
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["helpers"]["teacher"]["source"] == "teacher.safetensors"
    assert len(config["helpers"]["teacher"]["sha256"]) == 64


def test_a_run_with_a_helper_ends_as_in_one_go(distilled, tmp_path):
    assert ends_as_in_one_go(distilled, tmp_path)


def test_weights_are_used_without_the_helper(distilled, teacher_file, tmp_path):
    trainer = trainer_of(distilled)
    trainer.save(tmp_path / "run")
    teacher_file.unlink()
    assert ganzoo.load(tmp_path / "run", model=distilled).sample(2).shape == (2, 1, 4, 4)
    with pytest.raises(StateError, match=r"teacher\.safetensors"):
        trainer_of(distilled)


def test_a_run_goes_on_with_no_other_helper(distilled, teacher_file, tmp_path):
    trainer_of(distilled).save(tmp_path / "run")
    save_file(dict(nn.Linear(16, 2).state_dict()), teacher_file)
    with pytest.raises(StateError, match="helper teacher"):
        ganzoo.Trainer.resume(tmp_path / "run", IMAGES, model=distilled, device="cpu")


def test_a_file_with_another_sha256_is_refused(teacher_file):
    with pytest.raises(StateError, match="sha256"):
        ganzoo.Helper.of_file(nn.Linear(16, 2), teacher_file, "0" * 64)


def test_helpers_move_with_the_model(distilled):
    model = trainer_of(distilled).model.to(torch.float64)
    assert model.helpers["teacher"].weight.dtype == torch.float64


def test_a_helper_that_fails_is_one_line():
    class Failing(Small):
        def load_helpers(self):
            return {"teacher": torch.load("nowhere.pt")}

    with pytest.raises(StateError, match="helper cannot be loaded"):
        trainer_of(Failing)


def test_statistics_of_networks_that_nobody_trains_stay():
    class WithTeacher(Small):
        def __init__(self, hp):
            super().__init__(hp)
            self.teacher = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16)).requires_grad_(False)

        def losses(self, real):
            self.teacher(real)
            yield from super().losses(real)

    trainer = trainer_of(WithTeacher)
    list(trainer)
    assert not trainer.model.teacher[1].running_mean.any()
    assert trainer.model.generator[1].running_mean.any()


# Reports


class Lazy(Small):
    """Reports a number in each step, and has a term in every third."""

    def losses(self, real):
        for player, loss in super().losses(real):
            if player is self.generator:
                self.report("number", torch.full((2,), float(self.step)))
                if self.step % 3 == 0:
                    yield player, {"plain": loss, "lazy": 0 * loss + self.step}
                    continue
            yield player, loss


def test_reports_are_means_and_lazy_terms_are_not_lost(tmp_path):
    run = ganzoo.train(Lazy, IMAGES, report_every=3, steps=9, out=tmp_path / "run", device="cpu")
    lines = [line for line in run.metrics if line["kind"] == "report"]
    assert [line["number"] for line in lines] == [1, 4, 7]
    assert [line["generator/lazy"] for line in lines] == [0, 3, 6]


def test_a_step_has_its_reports():
    step = next(trainer_of(Lazy))
    assert step.read()["number"] == 0
    assert "number" not in step.losses


def test_a_report_outside_of_a_step_does_nothing():
    ganzoo.create(Small, image_size=4, channels=1).report("x", torch.ones(1))


def test_a_report_needs_a_name_of_its_own():
    class Twice(Small):
        def losses(self, real):
            self.report("generator", torch.ones(1))
            yield from super().losses(real)

    with pytest.raises(PluginError, match="rename the report"):
        next(trainer_of(Twice))


def test_a_report_is_a_tensor():
    class Plain(Small):
        def losses(self, real):
            self.report("share", 0.3)
            yield from super().losses(real)

    with pytest.raises(PluginError, match="needs a tensor"):
        next(trainer_of(Plain))


# Scores


class Scored(Small):
    """Its score is the number of the step."""

    class Hparams(Small.Hparams):
        validation: float = 0.2

    def evaluate(self, batches):
        return ganzoo.Evaluation({"distance": float(self.step)}, better="lower")


def test_the_lowest_score_is_the_best_where_lower_is_better(tmp_path):
    run = ganzoo.train(Scored, IMAGES, eval_every=2, out=tmp_path / "run", device="cpu")
    config = json.loads((run.folder / "config.json").read_text())
    assert config["weights"]["step"] == 2
    assert config["metrics"]["better"] == "lower"


def test_a_score_is_better_higher_or_lower():
    with pytest.raises(PluginError, match="higher"):
        ganzoo.Evaluation({"x": 1.0}, better="smaller")


# Rates, roles, data


def test_a_rate_may_depend_on_the_player():
    class TwoRates(Small):
        def lr_scale(self, progress, player=None):
            return 0.5 if self.role_of(player) == "discriminator" else 1.0

    trainer = trainer_of(TwoRates, lr=0.01)
    next(trainer)
    model = trainer.model
    assert trainer.optimizers[model.generator].param_groups[0]["lr"] == 0.01
    assert trainer.optimizers[model.discriminator].param_groups[0]["lr"] == 0.005


def test_a_rate_takes_the_player_by_its_name_alone():
    class Named(Small):
        def lr_scale(self, progress, *, player=None):
            return 0.5 if self.role_of(player) == "discriminator" else 1.0

    class Older(Small):
        def lr_scale(self, progress, warmup=0.5):
            return warmup

    for kind, generator_rate in ((Named, 0.01), (Older, 0.005)):
        trainer = trainer_of(kind, lr=0.01)
        next(trainer)
        model = trainer.model
        assert trainer.optimizers[model.generator].param_groups[0]["lr"] == generator_rate
        assert trainer.optimizers[model.discriminator].param_groups[0]["lr"] == 0.005


def test_roles_follow_from_names_or_are_declared():
    class Odd(Small):
        roles = {"painter": "generator"}  # noqa: RUF012

        def __init__(self, hp):
            super().__init__(hp)
            self.painter = nn.Linear(1, 1)
            self.other = nn.Linear(1, 1)

    model = ganzoo.create(Odd, image_size=4, channels=1)
    roles = [model.role_of(child) for child in model.children()]
    assert roles == ["generator", "discriminator", "generator", None]


def test_a_model_looks_at_its_data_before_the_first_step():
    class Centred(Small):
        def __init__(self, hp):
            super().__init__(hp)
            self.register_buffer("mean", torch.zeros(1, 4, 4))

        def on_data(self, summary):
            self.mean.copy_(summary.mean())
            self.counts = summary.images, dict(summary.class_counts)

    model = trainer_of(Centred).model
    assert torch.allclose(model.mean, IMAGES.mean(0), atol=1e-6)
    assert model.counts == (24, {})


# Published weights


class Recomputed(Small):
    """The averaged generator gets BatchNorm statistics of its own."""

    def before_publishing(self):
        norm = self.generator[1]
        self.generator.train()
        norm.reset_running_stats()
        for _ in range(3):
            self.generator(self.randn(16, 3))


def test_what_is_changed_before_publishing_does_not_reach_the_training(tmp_path):
    plain, changed = trainer_of(Small), trainer_of(Recomputed)
    for one, other in zip(plain, changed, strict=True):
        assert one.read() == other.read()
        with changed.averaged_model():
            pass
    assert ends_as_in_one_go(Recomputed, tmp_path)
    with plain.averaged_model() as model:
        mean = model.generator[1].running_mean.clone()
    with changed.averaged_model() as model:
        assert not model.generator[1].running_mean.equal(mean)
        assert model.generator[1].num_batches_tracked == 3


def test_published_weights_are_the_changed_ones(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    trainer = trainer_of(Recomputed)
    list(trainer)
    trainer.save(tmp_path / "run")
    loaded = ganzoo.load(tmp_path / "run", model=Recomputed)
    assert loaded.generator[1].num_batches_tracked == 3
