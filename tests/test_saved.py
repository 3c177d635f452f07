"""A model is saved and loaded on its own, in ganzoo's words and in those of Hugging Face."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from ganzoo_dcgan import DCGAN, DCGANMini
from torch import nn

import ganzoo
from ganzoo.state.config import Config

OLD = Path(__file__).parent / "format-1"
"""A run of dcgan-mini."""
FILES = ["README.md", "config.json", "model.safetensors"]


@pytest.fixture
def model():
    return ganzoo.create("cdcgan-mini", image_size=8, channels=1, width=2, classes=2)


def test_a_saved_model_is_loaded_with_its_weights_and_classes(model, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    model.classes = ("cat", "dog")
    for save, folder in ((model.save, "one/deep"), (model.save_pretrained, "~/two")):
        save(folder)
        path = Path(folder).expanduser()
        assert sorted(os.listdir(path)) == FILES
        assert torch.equal(ganzoo.load(path).sample(3), model.sample(3))
        assert ganzoo.load(path).class_names == ("cat", "dog")
        assert "imported, or saved from Python" in (path / "README.md").read_text()


def test_a_model_is_saved_over_itself_and_over_nothing_else(model):
    model.save("mine")
    other = ganzoo.create("cdcgan-mini", image_size=8, channels=1, width=2, classes=2, seed=5)
    other.save("mine")
    assert torch.equal(ganzoo.load("mine").sample(3), other.sample(3))
    Path("mine/README.md").write_text("my own words")
    model.save("mine")
    assert Path("mine/README.md").read_text() == "my own words"
    shutil.copytree(OLD, "run")
    Path("run/train").mkdir()
    Path("photos").mkdir()
    Path("photos/cat.png").touch()
    Path("link").symlink_to("mine")
    for taken in ("run", "photos", "photos/cat.png", "link", "."):
        with pytest.raises(ganzoo.UsageError, match="another folder"):
            model.save(taken)
    assert sorted(os.listdir("photos")) == ["cat.png"]


def test_unchanged_weights_keep_what_is_known_of_them():
    model = ganzoo.load("dcgan-mini:digits")
    model.save("copy")
    assert Config.read(Path("copy/config.json")) == model.loaded_config
    data = {**model.loaded_config.data, "source": "/home/ada/cats"}
    model.loaded_config = replace(model.loaded_config, data=data)
    model.save("copy")
    assert "/home/ada" not in Path("copy/config.json").read_text()
    with torch.no_grad():
        next(model.parameters()).add_(1)
    model.save("changed")
    changed = Config.read(Path("changed/config.json"))
    assert (changed.step, changed.metrics) == (0, {})


def test_from_pretrained_takes_a_run_and_checks_the_class():
    expected = ganzoo.load(OLD)
    for kind in (ganzoo.Model, DCGAN, DCGANMini):
        model = kind.from_pretrained(OLD)
        assert type(model) is DCGANMini
        assert not model.training
        assert torch.equal(model.sample(2), expected.sample(2))
    assert DCGANMini.from_pretrained("dcgan-mini:digits").hp.image_size == 32
    with pytest.raises(ganzoo.StateError, match="of dcgan-mini, not of the class CDCGAN"):
        ganzoo.models["cdcgan"].load().from_pretrained(OLD)
    with pytest.raises(ganzoo.StateError, match="nowhere"):
        ganzoo.Model.from_pretrained("nowhere")


class Own(ganzoo.Model):
    """Registered under no name."""

    task = "unconditional-image-generation"

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Linear(2, 2)


class Other(Own):
    """The same tensors."""


def test_from_pretrained_of_a_class_without_a_name():
    Own(Own.Hparams()).save("own")
    assert type(Own.from_pretrained("own")) is Own
    with pytest.raises(ganzoo.StateError, match="of Own, not of the class Other"):
        Other.from_pretrained("own")
    with pytest.raises(ganzoo.StateError, match=r"no Own in .*format-1"):
        Own.from_pretrained(OLD)
    with pytest.raises(ganzoo.StateError, match="registered under no name"):
        ganzoo.Model.from_pretrained("own")
