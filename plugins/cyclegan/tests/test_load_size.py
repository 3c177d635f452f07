"""load_size follows image_size as the authors' 286 follows 256, unless it is set."""

import json
from pathlib import Path

import pytest
from PIL import Image

import ganzoo
from ganzoo.data.open import open_data

SETTINGS = ["image_size=16", "width=2", "patch_layers=1", "blocks=1", "batch_size=2"]


def words(*settings):
    pairs = [("--set", setting) for setting in (*SETTINGS, *settings)]
    return ["train", "cut", "--data", "two", *(word for pair in pairs for word in pair)]


@pytest.fixture
def two():
    for domain in "AB":
        Path("two", domain).mkdir(parents=True)
        for i in range(3):
            Image.effect_noise((20, 20), 10 * i).save(f"two/{domain}/{i}.png")
    return "two"


@pytest.mark.parametrize("name", ["cyclegan", "cut", "pix2pix"])
@pytest.mark.parametrize(("image_size", "expected"), [(256, 286), (128, 143), (64, 72), (32, 36)])
def test_the_default_is_in_proportion(name, image_size, expected):
    hp = ganzoo.models[name].load().Hparams(image_size=image_size)
    assert hp.stored_size(image_size) == expected
    assert hp.to_json()["load_size"] == expected
    assert type(hp).from_json(hp.to_json()).load_size == expected


def test_a_value_that_is_set_wins_also_none(two):
    kind = ganzoo.models["cut"].load().Hparams
    small = {"image_size": 16, "batch_size": 2, "patch_layers": 1}
    for load_size, stored in (("auto", 18), (16, 16), (40, 40), (None, 16)):
        hp = kind(**small, load_size=load_size)
        images = open_data(two, hp, ganzoo.Domains).parts[0].images
        assert images.shape[-1] == stored
    assert kind.from_json({**small, "load_size": None}).load_size is None


def test_a_run_goes_on_with_the_load_size_that_it_records(two, ganzoo_command):
    assert ganzoo_command(*words("steps=1", "load_size=40")).exit_code == 0
    done = ganzoo_command(*words("steps=1"))
    assert done.exit_code == 0, done.output
    written = json.loads(Path("runs/cut/config.json").read_text())["hyperparameters"]
    assert written["load_size"] == 40
    refused = ganzoo_command(*words("steps=1", "load_size=30"))
    assert refused.exit_code == 1
    assert "load_size" in refused.stderr
    assert ganzoo.Trainer.resume("runs/cut", device="cpu").steps_done == 1


def test_a_picture_that_is_too_small_names_the_size_that_asks_for_more(two):
    kind = ganzoo.models["cut"].load().Hparams
    hp = kind(image_size=160, batch_size=2)
    with pytest.raises(ganzoo.DataError, match="load_size=179"):
        open_data(two, hp, ganzoo.Domains)
