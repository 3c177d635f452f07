"""Weights that packages publish: declared, listed, created from."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data
from ganzoo.images import enlarged, grid
from ganzoo.state.config import Config

OLD = Path(__file__).parent / "format-1"
WEIGHTS = Path(__file__).parents[1] / "weights/ganzoo_weights"
SHIPPED = json.loads((WEIGHTS / "weights.json").read_text())["weights"]


@pytest.fixture
def stranger(distribution):
    """A package that publishes weights of dcgan-mini; returns its folder."""
    site = distribution("their-weights", {"their": "their_weights"}, group="ganzoo.weights")
    package = site / "their_weights"
    shutil.copytree(OLD, package / "small")
    (package / "__init__.py").write_text("raise RuntimeError('nobody needs to import this')\n")
    declare(package, folder="small")
    return package


def declare(package, **row):
    sha256 = Config.read(OLD / "config.json").sha256
    row = {"model": "dcgan-mini", "name": "small", "licence": "cc0-1.0", "sha256": sha256, **row}
    (package / "weights.json").write_text(json.dumps({"weights": [row]}))


def test_they_are_created_from_by_name_bit_for_bit(stranger):
    model = ganzoo.create("dcgan-mini", pretrained="small", steps=9)
    assert all(
        torch.equal(model.state_dict()[n], t) for n, t in ganzoo.load(OLD).state_dict().items()
    )
    assert (model.hp.width, model.hp.steps, model.classes) == (4, 9, tuple("0123456789"))
    assert model.origin == f"dcgan-mini {Config.read(OLD / 'config.json').sha256}"
    assert "their_weights" not in sys.modules


def test_a_folder_is_as_good_as_a_name(stranger):
    model = ganzoo.create("dcgan-mini", pretrained=f"{OLD}")
    assert torch.equal(model.sample(1), ganzoo.load(OLD).sample(1))


def test_they_are_listed_without_import(stranger, ganzoo_command):
    rows = json.loads(ganzoo_command("list", "--pretrained", "--json").output)
    (row,) = (row for row in rows if row["weights"] == "small")
    assert "their_weights" in row["where"]
    assert row["licence"] == "cc0-1.0"
    assert "dcgan-mini  small  cc0-1.0" in ganzoo_command("list", "--pretrained", "dc*").output
    assert "their_weights" not in sys.modules


def test_what_cannot_be_is_said(stranger):
    for name, settings, expected in [
        ("dcgan-mini", {"pretrained": "smal"}, "'smal'"),
        ("pix2pix", {"pretrained": True}, "pix2pix"),
        ("dcgan-mini", {"pretrained": "small", "width": 8}, ".weight"),
        ("dcgan", {"pretrained": f"{OLD}"}, "dcgan-mini"),
    ]:
        with pytest.raises(ganzoo.GanzooError) as caught:
            ganzoo.create(name, **settings)
        assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"folder": "small", "sha256": "0" * 64}, "sha256"),
        ({"folder": "../../elsewhere"}, "../../elsewhere"),
        ({}, "'hub'"),
    ],
)
def test_a_declaration_that_is_wrong_is_refused_when_it_is_used(
    stranger, row, expected, ganzoo_command
):
    declare(stranger, **row)
    with pytest.raises(ganzoo.GanzooError) as caught:
        ganzoo.create("dcgan-mini", pretrained="small")
    assert expected in str(caught.value)
    done = ganzoo_command("list", "--pretrained")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) >= len(SHIPPED)


def test_what_is_trained_from_them_remembers_it(stranger):
    model = ganzoo.create("dcgan-mini", pretrained="small", steps=2)
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    list(trainer)
    trainer.save("run")
    assert Config.read(Path("run/config.json")).origin == model.origin


@pytest.mark.parametrize("row", SHIPPED, ids=lambda row: row["folder"])
def test_the_shipped_ones_are_what_they_say(row):
    folder = WEIGHTS / row["folder"]
    assert {path.name for path in folder.iterdir()} <= {
        "config.json",
        "model.safetensors",
        "README.md",
        "samples.png",
        "curve.png",
    }
    config = Config.read(folder / "config.json")
    assert config.sha256 == row["sha256"]
    assert config.metrics["measured on"]
    card = (folder / "README.md").read_text()
    assert f"ganzoo train {row['model']}" in card
    assert "license: cc-by-4.0" in card
    model = ganzoo.create(row["model"], pretrained=row["name"])
    loaded = ganzoo.load(folder)
    assert all(
        torch.equal(model.state_dict()[name], tensor)
        for name, tensor in loaded.state_dict().items()
    )


def shipped_with_pictures():
    """Thousands of faces take long to draw."""
    cases = []
    for row in SHIPPED:
        (source,) = Config.read(WEIGHTS / row["folder"] / "config.json").sources()
        marks = [pytest.mark.slow] if source.startswith("faces") else []
        cases.append(pytest.param(row, id=row["folder"], marks=marks))
    return cases


@pytest.mark.parametrize("row", shipped_with_pictures())
def test_the_picture_of_the_card_is_what_they_make(row):
    """Within 2 of 255 levels: another machine may round otherwise."""
    model = ganzoo.create(row["model"], pretrained=row["name"])
    (source,) = Config.read(WEIGHTS / row["folder"] / "config.json").sources()
    data = open_data(source, model.hp, model.view)
    batch = Batches(
        data, model.view, model.hp.batch_size, model.hp.seed, torch.device("cpu")
    ).preview_batch(8)
    with torch.no_grad():
        made = np.asarray(enlarged(grid(model.preview(batch)))).astype(int)
    shown = np.asarray(Image.open(WEIGHTS / row["folder"] / "samples.png")).astype(int)
    assert abs(made - shown).max() <= 2


@pytest.mark.slow
def test_a_wheel_has_them_and_they_are_the_same(released, process):
    """Built and installed by pip, used in an empty folder: not one file of the checkout is near."""
    code = f"""
import json, hashlib, ganzoo, ganzoo_weights
assert ganzoo_weights.__file__.startswith({str(released)!r}), ganzoo_weights.__file__
found = {{}}
for row in {SHIPPED!r}:
    state = ganzoo.create(row["model"], pretrained=row["name"]).state_dict()
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    found[row["folder"]] = digest.hexdigest()
print(json.dumps(found))
"""
    env = {**os.environ, "PYTHONPATH": str(released), "HF_HUB_OFFLINE": "1"}
    found = json.loads(process("-c", code, env=env).stdout)
    for row in SHIPPED:
        digest = hashlib.sha256()
        for name, tensor in sorted(ganzoo.load(WEIGHTS / row["folder"]).state_dict().items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
        assert found[row["folder"]] == digest.hexdigest()


def test_the_shipped_ones_are_a_few_megabytes():
    assert sum(file.stat().st_size for file in WEIGHTS.rglob("*") if file.is_file()) < 24 * 2**20
