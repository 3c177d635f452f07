"""Run folders: complete or absent, verified, without a pickle."""

import json
import os
import resource
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import ganzoo
from ganzoo.files import sha256
from ganzoo.state.run import Run

SMALL = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8, "latent_dim": 4}


def trained(folder, steps=2, total=20, **settings):
    trainer = ganzoo.Trainer(
        ganzoo.create("dcgan-mini", **{**SMALL, "steps": total, **settings}), "digits", device="cpu"
    )
    for _ in range(steps):
        next(trainer)
    trainer.save(folder)
    return trainer


@pytest.fixture
def run(tmp_path):
    trained(tmp_path / "run")
    return tmp_path / "run"


def test_the_folder_is_what_the_design_says(run):
    assert {path.name for path in run.iterdir()} == {
        "config.json",
        "model.safetensors",
        "README.md",
        "train",
    }
    assert {path.name for path in (run / "train/step-000002").iterdir()} == {
        "config.json", "model.safetensors", "training.safetensors", "training.json",
    }  # fmt: skip
    assert oct((run / "model.safetensors").stat().st_mode & 0o777) == oct(0o666 & ~current_umask())
    config = json.loads((run / "config.json").read_text())
    assert config["model"] == {
        "name": "dcgan-mini",
        "distribution": "ganzoo",
        "version": ganzoo.__version__,
    }
    assert config["hyperparameters"]["width"] == 4
    assert config["classes"] == list("0123456789")
    assert set(load_file(run / "model.safetensors")) == set(
        ganzoo.create("dcgan-mini", **SMALL).state_dict()
    )


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_load_gives_the_published_model(run, tmp_path):
    trainer = trained(tmp_path / "again")
    with trainer.averaged_model() as model:
        expected = model.sample(3, seed=1)
    loaded = ganzoo.load(run)
    assert torch.equal(loaded.sample(3, seed=1), expected)
    assert not loaded.training
    assert loaded.classes == tuple("0123456789")
    assert torch.equal(ganzoo.load(run / "train/step-000002").sample(3, seed=1), expected)


def test_equal_runs_have_equal_bytes_and_another_seed_has_not(run, tmp_path):
    trained(tmp_path / "again")
    trained(tmp_path / "other", seed=1)
    for file in (
        "model.safetensors",
        "config.json",
        "README.md",
        "train/step-000002/training.safetensors",
    ):
        assert (run / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
        assert (run / file).read_bytes() != (tmp_path / "other" / file).read_bytes()


def test_the_last_three_checkpoints_are_kept(tmp_path):
    trainer = ganzoo.Trainer(ganzoo.create("dcgan-mini", **SMALL, steps=5), "digits", device="cpu")
    for _ in trainer:
        trainer.save(tmp_path / "run")
    kept = sorted(path.name for path in (tmp_path / "run/train").iterdir())
    assert kept == ["step-000003", "step-000004", "step-000005"]


def test_a_damaged_file_is_named_with_the_way_out(run):
    checkpoint = run / "train/step-000002"
    for name in ("model.safetensors", "training.safetensors", "config.json", "training.json"):
        whole = (checkpoint / name).read_bytes()
        for damaged in (whole[: len(whole) // 2], b"", bytes([whole[0] ^ 1]) + whole[1:]):
            (checkpoint / name).write_bytes(damaged)
            with pytest.raises(ganzoo.StateError, match="step-000002") as caught:
                ganzoo.Trainer.resume(run, device="cpu")
            assert name in str(caught.value)
        (checkpoint / name).unlink()
        with pytest.raises(ganzoo.StateError, match=name):
            ganzoo.Trainer.resume(run, device="cpu")
        (checkpoint / name).write_bytes(whole)
    trainer = ganzoo.Trainer.resume(run, device="cpu")
    next(trainer)
    trainer.save(run)
    (run / "train/step-000003/training.safetensors").write_bytes(b"")
    with pytest.raises(ganzoo.StateError, match="step-000002"):
        ganzoo.Trainer.resume(run, device="cpu")


def test_a_torn_top_is_loaded_from_the_checkpoint_and_made_again(run):
    expected = ganzoo.load(run).sample(2)
    whole = (run / "model.safetensors").read_bytes()
    for damaged in (whole[:100], None):
        (run / "model.safetensors").unlink()
        if damaged:
            (run / "model.safetensors").write_bytes(damaged)
        assert torch.equal(ganzoo.load(run).sample(2), expected)
        ganzoo.Trainer.resume(run, device="cpu")
        assert (run / "model.safetensors").read_bytes() == whole
    shutil.rmtree(run / "train")
    (run / "model.safetensors").write_bytes(whole[:100])
    with pytest.raises(ganzoo.StateError, match=r"model\.safetensors"):
        ganzoo.load(run)


def test_weights_that_do_not_fit_are_named(run):
    def load_with(change):
        weights = load_file(run / "train/step-000002/model.safetensors")
        change(weights)
        save_file(weights, run / "model.safetensors", metadata={"format": "pt"})
        config = json.loads((run / "config.json").read_text())
        config["weights"]["sha256"] = sha256(run / "model.safetensors")
        (run / "config.json").write_text(json.dumps(config))
        (run / "train").rename(run / ".tmp-train") if (run / "train").exists() else None
        try:
            ganzoo.load(run)
        finally:
            (run / ".tmp-train").rename(run / "train")

    with pytest.raises(ganzoo.StateError, match=r"generator\.0\.weight"):
        load_with(lambda weights: weights.pop("generator.0.weight"))
    with pytest.raises(ganzoo.StateError, match="extra"):
        load_with(lambda weights: weights.update(extra=torch.zeros(1)))
    with pytest.raises(ganzoo.StateError, match=r"generator\.0\.weight.*\(4, 4, 4, 4\)"):
        load_with(lambda weights: weights.update({"generator.0.weight": torch.zeros(1, 2)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config.update(format=99), "pip install -U ganzoo"),
        (lambda config: config.pop("library_name"), "config.json"),
        (lambda config: config.pop("options"), "options"),
        (lambda config: config["model"].update(distribution="ganzoo-other"), "ganzoo-other"),
        (lambda config: config["hyperparameters"].update(widht=3), "widht"),
        (lambda config: config["hyperparameters"].update(width=10**9), "width=1000000000"),
    ],
)
def test_a_foreign_or_newer_configuration_says_so(run, change, message):
    config = json.loads((run / "config.json").read_text())
    change(config)
    (run / "config.json").write_text(json.dumps(config))
    shutil.rmtree(run / "train")
    with pytest.raises(ganzoo.StateError) as caught:
        ganzoo.load(run)
    assert message in str(caught.value)


def test_published_weights_are_not_overwritten(run):
    shutil.rmtree(run / "train")
    before = (run / "model.safetensors").read_bytes()
    with pytest.raises(ganzoo.StateError, match="checkpoint"):
        trained(run, seed=9)
    assert (run / "model.safetensors").read_bytes() == before


def test_another_run_in_the_folder_is_not_overwritten(run, tmp_path):
    before = (run / "model.safetensors").read_bytes()
    with pytest.raises(ganzoo.StateError, match=r"\blr\b"):
        trained(run, lr=0.1)
    with pytest.raises(ganzoo.StateError, match="step 2"):
        trained(run, steps=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ganzoo.StateError, match=r"thesis\.txt"):
        trained(tmp_path / "mine")
    (tmp_path / "data" / "train").mkdir(parents=True)
    (tmp_path / "data" / "train" / "cat.jpg").touch()
    with pytest.raises(ganzoo.StateError, match=r"train/cat\.jpg"):
        trained(tmp_path / "data")
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]
    assert (run / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("file", ["model.safetensors", "training.safetensors", "training.json"])
def test_a_full_disk_leaves_the_previous_checkpoint_as_it_was(run, file):
    """The system refuses the last byte of a file: at the start, in, at the end of a checkpoint."""
    room = (run / "train/step-000002" / file).stat().st_size - 1
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    trainer = ganzoo.Trainer.resume(run, device="cpu")
    next(trainer)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(ganzoo.StateError, match="step-000003"):
            trainer.save(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    trainer.save(run)
    assert ganzoo.Trainer.resume(run, device="cpu").steps_done == 3


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    with (
        Run(tmp_path / "run").lock(),
        pytest.raises(ganzoo.StateError, match="process"),
        Run(tmp_path / "run").lock(),
    ):
        pass
    with Run(tmp_path / "run").lock():
        pass


def test_a_card_that_was_edited_is_left_alone(run):
    trainer = ganzoo.Trainer.resume(run, device="cpu")
    first = (run / "README.md").read_text()
    assert "2 steps" in first
    next(trainer)
    trainer.save(run)
    assert "3 steps" in (run / "README.md").read_text()
    edited = (run / "README.md").read_text().replace("# dcgan-mini", "# my digits")
    (run / "README.md").write_text(edited)
    next(trainer)
    trainer.save(run)
    assert (run / "README.md").read_text() == edited


def test_data_that_changed_is_refused(tmp_path):
    images = torch.randint(0, 256, (16, 1, 8, 8), dtype=torch.uint8)
    model = ganzoo.create("dcgan-mini", **SMALL, steps=4)
    trainer = ganzoo.Trainer(model, images, device="cpu")
    next(trainer)
    trainer.save(tmp_path / "run")
    assert ganzoo.Trainer.resume(tmp_path / "run", images, device="cpu").steps_done == 1
    with pytest.raises(ganzoo.StateError, match="Python"):
        ganzoo.Trainer.resume(tmp_path / "run", device="cpu")
    with pytest.raises(ganzoo.StateError, match="content"):
        ganzoo.Trainer.resume(tmp_path / "run", images.flip(0), device="cpu")


@pytest.fixture
def _two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.usefixtures("_two_threads")
def test_other_threads_are_warned_of(run, caplog):
    torch.set_num_threads(1)
    ganzoo.Trainer.resume(run, device="cpu")
    assert "threads" in caplog.text


def test_a_tilde_is_the_home_folder_of_a_run_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    trained("~/run")
    assert (tmp_path / "run" / "config.json").exists()
    assert ganzoo.load("~/run").sample(1).shape == (1, 1, 8, 8)
    assert ganzoo.Trainer.resume("~/run", device="cpu").steps_done == 2


def test_a_run_that_is_not_there(tmp_path):
    for missing in (
        lambda: ganzoo.load(tmp_path / "no"),
        lambda: ganzoo.Trainer.resume(tmp_path / "no"),
    ):
        with pytest.raises(ganzoo.StateError, match="/no"):
            missing()
    (tmp_path / "file").touch()
    with pytest.raises(ganzoo.StateError, match="a file"):
        ganzoo.load(tmp_path / "file")
    with pytest.raises(ganzoo.StateError, match=r"config\.json"):
        ganzoo.load(tmp_path)
