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

    On the machine that wrote them they are equal bit for bit; others differ in last bits. With a
    pool, a schedule or an optimizer's state lost, the mean difference is above 1e-4.
    """
    run = shutil.copytree(old, tmp_path / "run")
    assert ganzoo.load(run).hp.steps == 10
    trainer = ganzoo.Trainer.resume(run, device="cpu")
    assert trainer.steps_done == 5
    list(trainer)
    trainer.save(run)
    expected = load_file(run / "after-10-steps.safetensors")
    made = load_file(run / "model.safetensors")
    assert made.keys() == expected.keys()
    for name, tensor in expected.items():
        if tensor.is_floating_point():
            assert (tensor - made[name]).abs().mean() < 2e-5, name
    written = json.loads((run / "config.json").read_text())
    assert written["hyperparameters"] == trainer.model.hp.to_json()


def test_old_names_are_in_the_fixtures():
    old = next(path for path in RUNS if path.name == "cyclegan-mini")
    written = json.loads((old / "train/step-000005/config.json").read_text())["hyperparameters"]
    hp = ganzoo.models["cyclegan-mini"].load().Hparams.from_json(written)
    assert (hp.pool_size, hp.invert_probability) == (written["pool"], written["negatives"])
    assert hp.resize == written["fit"]
