"""Settings of trainers and augmentations: dotted names, config.json, resuming, errors."""

import importlib
import json
import shutil
import sys

import pytest
import torch
from support import TINY

import ganzoo
from ganzoo.cli import main
from ganzoo.discovery.registry import list_models
from ganzoo.errors import HparamError, PluginError, StateError, UnknownName, UsageError
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

KINDS = '''
import ganzoo

class Kinds(ganzoo.Augmentation):
    """Changes nothing."""

    class Hparams(ganzoo.Settings):
        text: str = "a"
        pair: tuple[float, float] = (0.1, 0.2)
        many: tuple[int, ...] = (1,)

    def forward(self, images, draws):
        return images
'''


@pytest.fixture
def scaled(distribution):
    distribution("zoo-scaled", {"scaled": "scaled:Scaled"}, "ganzoo.trainers", scaled=TRAINER)


@pytest.fixture
def adaptive(distribution):
    entries = {"adaptive": "adaptive:Adaptive"}
    return distribution("zoo-ada", entries, "ganzoo.augmentations", adaptive=ADAPTIVE)


def rewrite(site, module, source):
    """Replaces an imported module, as an update of its package does."""
    (site / f"{module}.py").write_text(source)
    shutil.rmtree(site / "__pycache__", ignore_errors=True)
    del sys.modules[module]
    importlib.invalidate_caches()


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
    trainer = adaptive_trainer(**{"augment.target": 0.0, "augment.speed": 0.0})
    assert trainer.model.augmentation.hp.target == 0
    trainer.model.augmentation.probability.fill_(0.5)
    list(trainer)
    assert trainer.model.augmentation.seen == 4
    plain = ganzoo.Trainer(
        ganzoo.create("dcgan-mini", augment="none", **SMALL), IMAGES, device="cpu"
    )
    list(plain)
    weights = plain.model.discriminator.state_dict()
    own = trainer.model.discriminator.state_dict()
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


def test_a_run_keeps_the_defaults_it_was_trained_with(adaptive, tmp_path):
    trainer = adaptive_trainer(**{"augment.speed": 0.5})
    trainer.save(tmp_path / "run")
    kept = Run(tmp_path / "run").read_config().hyperparameters
    assert (kept["augment.target"], kept["augment.speed"]) == (0.6, 0.5)
    adaptive_trainer(**{"augment.speed": 0.5, "augment.target": 0.6}).restore(tmp_path / "run")
    source = ADAPTIVE.replace("= 0.6", "= 0.1").replace("speed:", "fresh: int = 3\n        speed:")
    rewrite(adaptive, "adaptive", source)
    resumed = ganzoo.Trainer.resume(tmp_path / "run", IMAGES, device="cpu")
    assert resumed.model.augmentation.hp.target == 0.6
    assert resumed.model.augmentation.hp.fresh == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("text", "007"), ("text", ""), ("text", "a=b"), ("pair", (0.3, 0.4)), ("many", ())],
)
def test_values_of_an_augmentation_are_kept_as_they_are(distribution, tmp_path, name, value):
    distribution("zoo-kinds", {"kinds": "kinds:Kinds"}, "ganzoo.augmentations", kinds=KINDS)
    settings = {f"augment.{name}": value, **SMALL}
    model = ganzoo.create("dcgan-mini", augment="kinds", **settings)
    ganzoo.Trainer(model, IMAGES, device="cpu").save(tmp_path / "run")
    resumed = ganzoo.Trainer.resume(tmp_path / "run", IMAGES, device="cpu")
    for trained in (model, resumed.model):
        assert getattr(trained.augmentation.hp, name) == value


def test_a_trainer_may_gain_a_hyperparameter(distribution, tmp_path):
    entries = {"scaled": "scaled:Scaled"}
    site = distribution("zoo-scaled", entries, "ganzoo.trainers", scaled=TRAINER)
    kind = ganzoo.trainers["scaled"].load()
    kind(ganzoo.create("dcgan-mini", **SMALL), IMAGES, device="cpu").save(tmp_path / "run")
    source = TRAINER.replace("\n    def step", "        fresh: int = 3\n\n    def step")
    rewrite(site, "scaled", source)
    assert ganzoo.Trainer.resume(tmp_path / "run", IMAGES, device="cpu").hp.fresh == 3


def test_a_hyperparameter_of_a_trainer_is_no_argument_of_trainers(distribution, tmp_path):
    source = TRAINER.replace("factor", "device")
    distribution("zoo-scaled", {"scaled": "scaled:Scaled"}, "ganzoo.trainers", scaled=source)
    with pytest.raises(PluginError, match="device"):
        ganzoo.train("dcgan-mini", IMAGES, trainer="scaled", out=tmp_path / "x", **SMALL)


@pytest.mark.parametrize("augment", ["none", "adaptive"])
@pytest.mark.parametrize("name", ["colour", "augment.cutout"])
def test_strengths_of_another_augmentation_are_refused(adaptive, augment, name):
    with pytest.raises(HparamError, match="diffaugment"):
        ganzoo.create("dcgan-mini", augment=augment, **{name: 0.5}, **SMALL)
    assert ganzoo.create("dcgan-mini", augment=augment, **SMALL).hp.translation == 0


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
    with pytest.raises(HparamError, match="two values"):
        kind().replaced({"colour": 0.5, "augment.colour": 1.0})
    old = {name: value for name, value in kind().to_json().items() if name != "augment"}
    assert kind.from_json({**old, "colour": 1.0}).augment == "diffaugment"


def test_models_are_listed_by_several_patterns():
    names = list_models(["dc*", "*cycle*"])
    assert {"dcgan", "dcgan-mini", "cyclegan", "cyclegan-mini"} <= set(names)
    assert "wgan-gp" not in names


def test_the_main_command_lists_kinds(ganzoo_command):
    assert main.name == "main"
    assert ganzoo_command("list", "--kind", "augmentation").exit_code == 0
