"""Settings of trainers and augmentations: dotted names, config.json, resuming, errors."""

import importlib
import json
import shutil

import pytest
import torch
from support import TINY

import ganzoo
from ganzoo.cli import main
from ganzoo.discovery.registry import list_models
from ganzoo.errors import HparamError, StateError, UnknownName, UsageError
from ganzoo.state.run import Run

SMALL = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8, "steps": 4}
IMAGES = torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
TRAINER = '''
from typing import Annotated
import ganzoo

class Scaled(ganzoo.Trainer):
    """Multiplies gradients."""

    class Hparams(ganzoo.Settings):
        factor: Annotated[float, ganzoo.Range(0, 10), "of the gradients"] = 1.0

    def step(self, batch):
        losses = {}
        for turn in self.turns(batch):
            losses |= self.backward(turn)
            for parameter in self.optimizers.trained(turn.player):
                parameter.grad.mul_(self.hp.factor)
            self.update(turn.player)
        return losses
'''
ADAPTIVE = '''
from typing import Annotated
import torch
import ganzoo

class Adaptive(ganzoo.Augmentation):
    """Mirrors and shifts with a probability that follows r_t (arXiv:2006.06676, section 3)."""

    class Hparams(ganzoo.Settings):
        target: Annotated[float, ganzoo.Range(0, 1), "of r_t"] = 0.6
        speed: float = 0.25

    def __init__(self, hp):
        super().__init__(hp)
        self.register_buffer("probability", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    def forward(self, images, draws):
        coins = draws.rand(len(images), 1, 1, 1) < self.probability
        return torch.where(coins, images.flip(3).roll(1, 2), images)

    def observe(self, logits):
        self.seen += 1
        sure = logits.sign().mean() - self.hp.target
        change = torch.where(self.seen % 2 == 0, self.hp.speed * sure.sign(), 0.0)
        self.probability.copy_((self.probability + change).clamp(0, 1))
'''


@pytest.fixture
def scaled(distribution):
    distribution("zoo-scaled", {"scaled": "scaled:Scaled"}, "ganzoo.trainers", scaled=TRAINER)


@pytest.fixture
def adaptive(distribution):
    entries = {"adaptive": "adaptive:Adaptive"}
    return distribution("zoo-ada", entries, "ganzoo.augmentations", adaptive=ADAPTIVE)


# Trainers


def test_a_trainer_has_hyperparameters(scaled, tmp_path):
    settings = {"trainer.factor": 2.0, **SMALL}
    run = ganzoo.train(
        "dcgan-mini", IMAGES, trainer="scaled", out=tmp_path / "run", device="cpu", **settings
    )
    config = json.loads((run.folder / "config.json").read_text())
    assert config["options"]["trainer_hyperparameters"] == {"factor": 2.0}
    kind = ganzoo.trainers["scaled"].load()
    trainer = kind(ganzoo.create("dcgan-mini", **SMALL), IMAGES, device="cpu", factor=2)
    list(trainer)
    with trainer.averaged_model() as model:
        for name, tensor in model.state_dict().items():
            assert tensor.equal(run.model.state_dict()[name]), name


def test_a_trainer_goes_on_with_its_hyperparameters(scaled, tmp_path):
    kind = ganzoo.trainers["scaled"].load()
    trainer = kind(ganzoo.create("dcgan-mini", **SMALL), IMAGES, device="cpu", factor=0.5)
    next(trainer)
    trainer.save(tmp_path / "run")
    resumed = ganzoo.Trainer.resume(tmp_path / "run", IMAGES, device="cpu")
    assert resumed.hp.factor == 0.5
    other = kind(ganzoo.create("dcgan-mini", **SMALL), IMAGES, device="cpu")
    with pytest.raises(StateError, match=r"trainer\.factor"):
        other.restore(tmp_path / "run")


def test_the_command_sets_them_and_names_them(scaled, tmp_path, ganzoo_command):
    words = ["train", "dcgan-mini", *TINY, "--trainer", "scaled", "--out", str(tmp_path / "run")]
    done = ganzoo_command(*words, "--set", "steps=1", "--set", "trainer.factor=3")
    assert done.exit_code == 0, done.output
    shown = ganzoo_command("show", str(tmp_path / "run"))
    assert "trainer.factor=3" in shown.output
    assert "of the gradients" in ganzoo_command("show", "scaled").output
    refused = ganzoo_command(*words, "--set", "steps=1", "--set", "trainer.factor=2")
    assert refused.exit_code == 1
    assert "trainer.factor" in refused.stderr


def test_a_file_may_have_tables(scaled, tmp_path, ganzoo_command):
    (tmp_path / "hp.toml").write_text(
        "steps = 1\n[trainer]\nfactor = 0.5\n[augment]\nname = 'none'"
    )
    words = ["train", "dcgan-mini", *TINY, "--trainer", "scaled", "--out", str(tmp_path / "run")]
    done = ganzoo_command(*words, "--config", str(tmp_path / "hp.toml"))
    assert done.exit_code == 0, done.output
    config = Run(tmp_path / "run").read_config()
    assert config.trainer_hyperparameters == {"factor": 0.5}
    assert config.hyperparameters["augment"] == "none"
    assert config.hyperparameters["translation"] == 0


@pytest.mark.parametrize(
    ("setting", "error", "words"),
    [
        ({"trainer.fcator": 2}, UnknownName, "factor"),
        ({"trainer.factor": 11}, HparamError, "from 0 to 10"),
        ({"trainer.factor": "much"}, HparamError, "a number"),
    ],
)
def test_wrong_hyperparameters_of_a_trainer_are_one_line(scaled, tmp_path, setting, error, words):
    with pytest.raises(error, match=words):
        ganzoo.train("dcgan-mini", IMAGES, trainer="scaled", out=tmp_path / "x", **setting, **SMALL)
    assert not (tmp_path / "x").exists()


def test_a_trainer_without_hyperparameters_says_so(tmp_path):
    with pytest.raises(UsageError, match="alternating"):
        ganzoo.train("dcgan-mini", IMAGES, out=tmp_path / "x", **{"trainer.parts": 4}, **SMALL)
    with pytest.raises(UsageError, match="hyperparameter of the model"):
        ganzoo.Trainer(ganzoo.create("dcgan-mini", **SMALL), IMAGES, lr=0.1)


# Augmentations


def adaptive_trainer(**settings):
    model = ganzoo.create("dcgan-mini", augment="adaptive", **settings, **SMALL)
    return ganzoo.Trainer(model, IMAGES, device="cpu")


def test_an_augmentation_changes_what_discriminators_see(adaptive):
    trainer = adaptive_trainer(**{"augment.target": 0.0, "augment.speed": 0.5})
    assert trainer.model.augmentation.hp.target == 0
    list(trainer)
    assert trainer.model.augmentation.seen == 4
    plain = ganzoo.Trainer(
        ganzoo.create("dcgan-mini", augment="none", **SMALL), IMAGES, device="cpu"
    )
    list(plain)
    weights = plain.model.discriminator.state_dict()
    own = trainer.model.discriminator.state_dict()
    if trainer.model.augmentation.probability > 0:
        assert any(not own[name].equal(tensor) for name, tensor in weights.items())


def test_it_is_not_published_and_goes_on_bit_for_bit(adaptive, tmp_path):
    whole, half = adaptive_trainer(), adaptive_trainer()
    list(whole)
    for step in half:
        if step.number == 3:
            break
    half.save(tmp_path / "run")
    assert not any("augment" in name for name in ganzoo.load(tmp_path / "run").state_dict())
    resumed = ganzoo.Trainer.resume(tmp_path / "run", IMAGES, device="cpu")
    list(resumed)
    for name, buffer in whole.model.augmentation.named_buffers():
        assert buffer.equal(dict(resumed.model.augmentation.named_buffers())[name]), name
    for name, tensor in whole.model.state_dict().items():
        assert tensor.equal(resumed.model.state_dict()[name]), name


def test_its_settings_are_hyperparameters(adaptive, tmp_path, ganzoo_command):
    words = ["train", "dcgan-mini", *TINY, "--set", "steps=1", "--out", str(tmp_path / "run")]
    chosen = [*words, "--set", "augment=adaptive", "--set", "augment.target=0.50"]
    done = ganzoo_command(*chosen)
    assert done.exit_code == 0, done.output
    hyperparameters = Run(tmp_path / "run").read_config().hyperparameters
    assert hyperparameters["augment"] == "adaptive"
    assert hyperparameters["augment.target"] == 0.5
    assert "augment.target=0.5" in ganzoo_command("show", str(tmp_path / "run")).output
    again = ganzoo_command(*words, "--set", "augment=adaptive", "--set", "augment.target=0.6")
    assert "augment.target" in again.stderr
    assert ganzoo_command(*chosen).exit_code == 0
    assert "of r_t" in ganzoo_command("show", "adaptive").output
    assert "Mirrors and shifts" in ganzoo_command("list", "--kind", "augmentation").output


def test_weights_are_used_without_the_augmentation(adaptive, tmp_path):
    adaptive_trainer().save(tmp_path / "run")
    shutil.rmtree(adaptive / "zoo_ada-1.0.dist-info")
    importlib.invalidate_caches()
    assert ganzoo.load(tmp_path / "run").sample(1).shape == (1, 1, 8, 8)
    with pytest.raises(UnknownName, match="install the package"):
        ganzoo.Trainer.resume(tmp_path / "run", IMAGES, device="cpu")


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"augment": "adaptiv"}, UnknownName, "adaptive"),
        ({"augment": "adaptive", "augment.tagret": 1}, UnknownName, "target"),
        ({"augment": "adaptive", "augment.target": 7}, HparamError, "from 0 to 1"),
        ({"augment.target": 0.5}, HparamError, "diffaugment"),
    ],
)
def test_wrong_augmentations_are_one_line(adaptive, tmp_path, settings, error, words):
    with pytest.raises(error, match=words):
        ganzoo.train("dcgan-mini", IMAGES, out=tmp_path / "x", **settings, **SMALL)
    assert not (tmp_path / "x").exists()


def test_strengths_have_two_spellings_and_old_names_mean_diffaugment():
    kind = ganzoo.models["dcgan"].load().Hparams
    assert kind().replaced({"augment.colour": 0.5}).colour == 0.5
    assert kind.from_options(None, ["augment.cutout=0.25"]).cutout == 0.25
    old = {name: value for name, value in kind().to_json().items() if name != "augment"}
    assert kind.from_json({**old, "colour": 1.0}).augment == "diffaugment"


def test_models_are_listed_by_several_patterns():
    names = list_models(["dc*", "*cycle*"])
    assert {"dcgan", "dcgan-mini", "cyclegan", "cyclegan-mini"} <= set(names)
    assert "wgan-gp" not in names


def test_the_main_command_lists_kinds(ganzoo_command):
    assert main.name == "main"
    assert ganzoo_command("list", "--kind", "augmentation").exit_code == 0
