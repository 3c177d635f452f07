"""Training that starts from trained weights, on other data."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from support import TINY, TINY_SETTINGS

import ganzoo


@pytest.fixture
def pictures(tmp_path):
    """A folder of twelve in colour."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(12):
        Image.new("RGB", (8, 8), (20 * i, 0, 99)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def run(ganzoo_command):
    done = ganzoo_command("train", "dcgan-mini", *TINY, "--set", "steps=3", "--out", "first")
    assert done.exit_code == 0, done.output
    return Path("first")


def test_all_weights_come_along_and_training_goes_on_from_there(run, pictures, ganzoo_command):
    words = [
        "train",
        "dcgan-mini",
        "--data",
        pictures,
        *TINY_SETTINGS,
        "--set",
        "channels=1",
        "--from",
        run,
        "--out",
        "second",
    ]
    done = ganzoo_command(*words, "--set", "steps=2", "--set", "lr=0")
    assert done.exit_code == 0, done.output
    weights = load_file("second/model.safetensors")
    first = load_file(run / "model.safetensors")
    assert f"{len(first)} tensors" in done.output
    assert "0 skipped" in done.output
    learned = [name for name, _ in ganzoo.load(run).named_parameters()]
    assert all(torch.equal(weights[name], first[name]) for name in learned)
    config = json.loads(Path("second/config.json").read_text())
    assert (
        config["origin"]
        == f"dcgan-mini {json.loads((run / 'config.json').read_text())['weights']['sha256']}"
    )


def test_the_same_command_continues_and_another_origin_is_refused(run, pictures, ganzoo_command):
    words = ["train", "dcgan-mini", "--data", pictures, *TINY_SETTINGS, "--out", "second"]
    whole = [*words[:-1], "whole", "--from", run, "--set", "steps=5"]
    assert ganzoo_command(*whole).exit_code == 0
    assert ganzoo_command(*words, "--from", run, "--set", "steps=2").exit_code == 0
    done = ganzoo_command(*words, "--from", run, "--set", "steps=5")
    assert "step 2" in done.output
    assert (
        Path("second/model.safetensors").read_bytes()
        == Path("whole/model.safetensors").read_bytes()
    )
    assert ganzoo.Trainer.resume("second", steps=6, device="cpu").model.origin
    done = ganzoo_command(*words, "--set", "steps=6")
    assert done.exit_code == 1
    assert ganzoo.load("second").origin in done.stderr


def test_what_does_not_fit_is_named_and_needs_partial(run, pictures, ganzoo_command):
    words = [
        "train",
        "dcgan-mini",
        "--data",
        pictures,
        *TINY_SETTINGS,
        "--set",
        "channels=3",
        "--set",
        "steps=1",
        "--from",
        run,
    ]
    done = ganzoo_command(*words, "--out", "second")
    assert done.exit_code == 1
    assert all(
        word in done.stderr for word in ("discriminator.0.weight", "(4, 1, 4, 4)", "(4, 3, 4, 4)")
    ), done.stderr
    assert "--partial" in done.stderr
    assert not Path("second").exists()
    done = ganzoo_command(*words, "--out", "second", "--partial")
    assert done.exit_code == 0, done.output
    assert "2 skipped" in done.output
    assert "discriminator.0.weight" in done.output


def test_classes_that_differ_are_new_and_the_rest_comes_along():
    settings = {"image_size": 8, "width": 4}
    trainer = ganzoo.Trainer(
        ganzoo.create("cdcgan-mini", classes=10, **settings), "digits", device="cpu"
    )
    next(trainer)
    trainer.save("digits")
    model = ganzoo.create("cdcgan-mini", classes=3, seed=5, **settings)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ganzoo.StateError, match="--partial"):
        ganzoo.adapt(model, "digits")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    found = ganzoo.adapt(model, "digits", partial=True)
    of_classes = [
        name
        for name in before
        if "scale" in name or "shift" in name or name == "discriminator.classes.weight"
    ]
    assert {name.partition(" ")[0] for name in found.skipped} == set(of_classes)
    assert set(found.loaded) == set(before) - set(of_classes)
    with trainer.averaged_model() as published:
        theirs = published.state_dict()
        for name in found.loaded:
            assert torch.equal(model.state_dict()[name], theirs[name])


@pytest.mark.parametrize("name", ["dcgan-mini", "cdcgan-mini"])
def test_the_first_layers_of_the_discriminator_stay(name):
    settings = {
        "image_size": 16,
        "width": 4,
        "batch_size": 8,
        "steps": 3,
        "freeze_discriminator": 2,
    }
    model = ganzoo.create(name, **settings, **({"classes": 10} if name == "cdcgan-mini" else {}))
    before = {name: tensor.clone() for name, tensor in model.discriminator.named_parameters()}
    list(ganzoo.Trainer(model, "digits", device="cpu"))
    convolutions = [name for name, tensor in before.items() if tensor.ndim == 4]
    same = {
        name
        for name, tensor in model.discriminator.named_parameters()
        if torch.equal(tensor, before[name])
    }
    assert same >= set(convolutions[:2])
    assert same.isdisjoint(convolutions[2:])
    with pytest.raises(ganzoo.HparamError, match="freeze_discriminator"):
        ganzoo.create(name, **{**settings, "freeze_discriminator": 3})


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--from", "nowhere"], 1, "nowhere"),
        (["--partial"], 2, "--from"),
        (["--from", "."], 1, "config.json"),
    ],
)
def test_an_origin_that_is_none_is_one_line(words, code, message, ganzoo_command):
    done = ganzoo_command("train", "dcgan-mini", *TINY, *words)
    assert (done.exit_code, message in done.stderr) == (code, True), done.stderr
    assert not Path("runs").exists()


def test_weights_of_which_nothing_fits_are_refused(run):
    model = ganzoo.create("cyclegan-mini", image_size=16, width=2, blocks=1, patch_layers=1)
    with pytest.raises(ganzoo.StateError, match="cyclegan-mini"):
        ganzoo.adapt(model, run, partial=True)
