"""Runs that ganzoo 0.1.0 wrote are loaded and continued, old names of hyperparameters included."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

import ganzoo

RUNS = sorted((Path(__file__).parent / "format-1/unfinished").iterdir())


@pytest.mark.parametrize("old", RUNS, ids=lambda path: path.name)
def test_a_run_of_the_first_version_continues_as_it_would_have(old, tmp_path, caplog):
    """5 of 10 steps were made then; the ends are what the same code made of all 10.

    On the machine that wrote them they are equal bit for bit. Another processor rounds otherwise,
    and Adam's first steps are nearly signs: there, of the change in 5 steps, up to 0.08 is another
    for translators and 1e-7 for dcgan-mini. Without the optimizer's state, or with other draws, it
    is 0.6 to 0.9, and 0.03 to 0.05.
    """
    start = load_file(old / "train/step-000005/model.safetensors")
    run = shutil.copytree(old, tmp_path / "run")
    assert ganzoo.load(run).hp.steps == 10
    trainer = ganzoo.Trainer.resume(run, device="cpu")
    assert trainer.steps_done == 5
    list(trainer)
    trainer.save(run)
    expected = load_file(run / "after-10-steps.safetensors")
    made = load_file(run / "model.safetensors")
    assert made.keys() == expected.keys()
    wrong, change = 0.0, 0.0
    for name, tensor in expected.items():
        wrong += (tensor - made[name]).float().square().sum().item()
        change += (tensor - start[name]).float().square().sum().item()
    assert (wrong / change) ** 0.5 < (0.01 if old.name == "dcgan-mini" else 0.2)
    written = json.loads((run / "config.json").read_text())
    assert written["hyperparameters"] == trainer.model.hp.to_json()


def test_old_names_are_in_the_fixtures():
    old = next(path for path in RUNS if path.name == "cyclegan-mini")
    written = json.loads((old / "train/step-000005/config.json").read_text())["hyperparameters"]
    hp = ganzoo.models["cyclegan-mini"].load().Hparams.from_json(written)
    assert (hp.pool_size, hp.invert_probability) == (written["pool"], written["negatives"])
    assert hp.resize == written["fit"]
