"""Runs, their journal and card, ids of the Hub, atomic writes: each test is a fault that was."""

import json
import os
import shlex
import shutil
from pathlib import Path

import huggingface_hub
import pytest
import torch
from PIL import Image
from support import TINY
from torch import nn

import ganzoo
from ganzoo import files
from ganzoo.files import new_folder
from ganzoo.images import save_png
from ganzoo.model.construct import on_meta
from ganzoo.state import checkpoints
from ganzoo.state.card import write_card
from ganzoo.state.config import Config
from ganzoo.state.run import Run

SMALL = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8, "latent_dim": 4}
NOISE = torch.randint(0, 256, (16, 1, 8, 8), dtype=torch.uint8)


class MyGAN(ganzoo.Model):
    """A class of a notebook."""

    task = "unconditional-image-generation"

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Linear(2, 64)

    def losses(self, real):
        yield self.generator, self.generator(self.randn(4, 2)).square().mean()

    def latents(self, n, seed):
        return ganzoo.noise(n, 2, seed=seed)

    def generate(self, latents, labels=None):
        return self.generator(latents).tanh().view(-1, 1, 8, 8)


class MyTrainer(ganzoo.Trainer):
    """A trainer of a notebook."""


def trained(
    folder, data="digits", steps=2, total=4, trainer=ganzoo.Trainer, model=None, **settings
):
    model = model or ganzoo.create("dcgan-mini", **{**SMALL, "steps": total, **settings})
    result = trainer(model, data, device="cpu")
    for _ in range(steps):
        next(result)
    result.save(folder)
    return result


# Models without an entry point


def test_a_class_without_an_entry_point_is_saved_loaded_and_resumed():
    whole = trained("whole", NOISE, steps=4, model=ganzoo.create(MyGAN, steps=4, batch_size=4))
    trained("run", NOISE, steps=2, model=ganzoo.create(MyGAN, steps=4, batch_size=4))
    document = json.loads(Path("run/config.json").read_text())
    assert document["model"] == {"name": "MyGAN", "distribution": None, "version": None}
    with pytest.raises(ganzoo.StateError, match=r"MyGAN.*pass ganzoo.load\(run, model=MyGAN\)"):
        ganzoo.load("run")
    assert ganzoo.load("run", model=MyGAN).sample(2).shape == (2, 1, 8, 8)
    resumed = ganzoo.Trainer.resume("run", NOISE, model=MyGAN, device="cpu")
    for _ in resumed:
        pass
    assert torch.equal(resumed.model.generator.weight, whole.model.generator.weight)
    assert "model=MyGAN" in Path("run/README.md").read_text()
    with pytest.raises(ganzoo.PluginError, match="MyGAN is registered under no name"):
        ganzoo.push("run", "ada/mine", dry_run=True)


def test_a_trainer_class_without_an_entry_point_is_resumed_by_its_class():
    trained("run", trainer=MyTrainer)
    assert Config.read(Path("run/config.json")).trainer == "MyTrainer"
    assert isinstance(MyTrainer.resume("run", device="cpu"), MyTrainer)
    with pytest.raises(ganzoo.StateError, match=r"MyTrainer.resume"):
        ganzoo.Trainer.resume("run", device="cpu")


# Ids of the Hub


@pytest.fixture
def downloads(monkeypatch):
    """What the Hub is asked for."""
    names = []

    def snapshot(name, revision, **rest):
        names.append((name, revision))
        raise OSError("offline")

    monkeypatch.setattr("ganzoo.hub.transfer.snapshot_download", snapshot)
    return names


def test_a_typo_in_a_path_never_asks_the_hub(downloads):
    Path("mine").mkdir()
    for run in ("runs/dcgan-mini", "mine/dcgan", Path("runs/x"), "./ada/digits"):
        with pytest.raises(ganzoo.StateError, match="there is no run"):
            ganzoo.load(run)
    assert not downloads


def test_an_id_may_say_that_it_is_one(downloads):
    for run in ("hf:mine/dcgan@v1", "ada/dcgan@v1", Path("hf:runs/dcgan")):
        with pytest.raises(ganzoo.HubError):
            ganzoo.load(run)
    Path("mine").mkdir()
    with pytest.raises(ganzoo.HubError):
        ganzoo.pull("hf:mine/dcgan@v1")
    wanted = [("mine/dcgan", "v1"), ("ada/dcgan", "v1"), ("runs/dcgan", None), ("mine/dcgan", "v1")]
    assert downloads == wanted


# The card and what is uploaded


def test_the_cards_command_makes_the_same_run(ganzoo_command):
    words = [*TINY, "--set", "steps=2", "--report-every", "1", "--device", "cpu"]
    for more in (["--out", "first"], ["--from", "first", "--partial", "--set", "width=8"]):
        more += ["--trainer", "simultaneous", "--precision", "bf16"]
        done = ganzoo_command("train", "dcgan-mini", *words, *more)
        assert done.exit_code == 0, done.output
    card = Path("runs/dcgan-mini/README.md").read_text()
    command = card.partition("Again:\n\n```\n")[2].partition("\n```")[0]
    again = [word.replace("RUN", "first") for word in shlex.split(command)]
    done = ganzoo_command(*again[1:], "--device", "cpu", "--out", "again")
    assert done.exit_code == 0, done.output
    weights = Path("again/model.safetensors").read_bytes()
    assert weights == Path("runs/dcgan-mini/model.safetensors").read_bytes()


def config_with(**values):
    fields = {"model": "finetune", "distribution": "ganzoo", "version": "0", "task": "a-task"}
    fields |= {"hyperparameters": {}, "trainer": "alternating", "precision": "fp32", "data": {}}
    return Config(**{**fields, **values})


def test_values_on_the_card_are_quoted_for_the_shell():
    trained("run")
    config = Config.read(Path("run/config.json"))
    spaces = {**config.hyperparameters, "checkpoint": "with spaces/x.safetensors"}
    path = Run("again").config
    path.parent.mkdir()
    path.write_text(config_with(hyperparameters=spaces, data=config.data, step=1).to_json())
    write_card(path.parent, ganzoo.load("run"))
    card = Run("again").card.read_text()
    assert "--set 'checkpoint=with spaces/x.safetensors'" in card


@pytest.mark.parametrize(
    ("value", "public"),
    [
        ("/home/ada/cats", "cats"),
        ("folder:/home/ada/cats/", "folder:cats"),
        ("../cats", "cats"),
        ("data/../../cats.zip", "cats.zip"),
        ("~/cats", "cats"),
        ("/home/ada/cats/train", "cats/train"),
        ("/home/ada/train", "train"),
        ("C:\\Users\\ada\\val", "val"),
        ("zip:/home/ada/cats.zip/Val", "zip:cats.zip/Val"),
        ("/train", "train"),
        ("~ada/cats", "cats"),
        ("folder:~/cats", "folder:cats"),
        ("C:\\Users\\ada\\cats", "cats"),
        ("C:/Users/ada/cats/", "cats"),
        ("zip:C:\\Users\\ada\\cats.zip", "zip:cats.zip"),
        ("\\\\server\\ada\\cats", "cats"),
        ("..\\cats", "cats"),
        ("file:///home/ada/cats", "cats"),
        ("digits and /home/ada/cats", "digits and cats"),
        ("data/cats", "data/cats"),
        ("hf:ada/cats", "hf:ada/cats"),
        ("hf:ada/cats/small:train@main", "hf:ada/cats/small:train@main"),
        ("https://ada.org/licence", "https://ada.org/licence"),
    ],
)
def test_local_paths_are_not_public(value, public):
    config = config_with(
        hyperparameters={"checkpoint": value, "width": 4},
        data={"source": [value, "digits"], "validation": {"source": value}},
        metrics={"accuracy": 0.5, "measured on": value},
        origin=value,
        first_weights=value,
    ).public()
    assert (config.origin, config.first_weights) == (public, public)
    assert config.hyperparameters == {"checkpoint": public, "width": 4}
    assert config.data == {"source": [public, "digits"], "validation": {"source": public}}
    assert config.metrics == {"accuracy": 0.5, "measured on": public}


def test_a_local_path_is_neither_on_the_card_nor_pushed(tmp_path, monkeypatch):
    pictures = tmp_path / "secret-place" / "digits"
    pictures.mkdir(parents=True)
    for i in range(8):
        Image.fromarray(NOISE[i, 0].numpy()).save(pictures / f"{i}.png")
    trained("run", str(pictures))
    assert str(pictures) in Path("run/config.json").read_text()
    assert "secret-place" not in Path("run/README.md").read_text()
    uploads = {}

    def create_commit(api, name, operations, **rest):
        for operation in operations:
            uploads[operation.path_in_repo] = Path(operation.path_or_fileobj).read_bytes()
        raise OSError("enough")

    api = huggingface_hub.HfApi
    monkeypatch.setattr(api, "create_commit", create_commit)
    monkeypatch.setattr("ganzoo.hub.transfer._tip", lambda *rest: None)
    monkeypatch.setattr("ganzoo.hub.transfer._card_was_edited", lambda *rest: False)
    with pytest.raises(ganzoo.HubError, match="enough"):
        ganzoo.push("run", "ada/digits")
    assert {"config.json", "README.md", "model.safetensors"} <= set(uploads)
    assert not [name for name, content in uploads.items() if b"secret-place" in content]


def test_a_data_set_on_the_card_is_one_that_the_hub_knows():
    trained("run")
    config = json.loads(Path("run/config.json").read_text())
    config["data"]["source"] = "hf:ada/cats/small:train@v1"
    Path("run/config.json").write_text(json.dumps(config))
    write_card(Path("run"), ganzoo.load("run"))
    assert "datasets:\n- ada/cats\n" in Path("run/README.md").read_text()


# Checkpoints and the journal


def test_a_checkpoint_without_a_hash_of_its_weights_is_damaged():
    trained("run")
    path = Path("run/train/step-000002/training.json")
    document = json.loads(path.read_text())
    del document["sha256"]["model.safetensors"]
    path.write_text(json.dumps(document))
    with pytest.raises(ganzoo.StateError, match=r"training\.json"):
        ganzoo.Trainer.resume("run", device="cpu")


def test_weights_are_hashed_once_for_a_checkpoint(monkeypatch):
    trainer = trained("run")
    next(trainer)
    hashed = []

    def sha256(path):
        hashed.append(path.name)
        return files.sha256(path)

    monkeypatch.setattr(checkpoints, "sha256", sha256)
    monkeypatch.setattr("ganzoo.state.run.sha256", sha256)
    trainer.save("run")
    assert hashed.count("model.safetensors") == 1


def test_a_checkpoint_that_was_being_replaced_is_there_after_a_kill():
    trained("run")
    train = Run("run").train
    whole = train / "step-000002"
    os.rename(whole, train / ".tmp-step-000002-old-123")
    shutil.copytree(train / ".tmp-step-000002-old-123", train / ".tmp-step-000002-123")
    with Run("run").lock():
        assert [path.name for path in train.iterdir() if path.is_dir()] == ["step-000002"]
    assert ganzoo.Trainer.resume("run", device="cpu").steps_done == 2


def test_the_journal_reads_old_lines_and_leaves_torn_ones():
    run = Run(Path.cwd())
    run.journal.path.write_text(
        '{"step": 1, "steps_per_second": 9.0, "generator": 0.5}\n{"step": 2, "ge'
    )
    run.journal.truncate(1)
    run.journal.append("event", 2, {"message": "began"})
    run.journal.append("report", 2, {"steps_per_second": 9.0, "generator": float("nan")})
    run.journal.append("scores", 3, {"validation/accuracy": 0.25})
    assert run.journal.series() == {"generator": [(1, 0.5)], "validation/accuracy": [(3, 0.25)]}
    lines = [json.loads(line) for line in run.journal.path.read_text().splitlines()]
    assert [line.get("kind") for line in lines] == [None, "event", "report", "scores"]
    run.journal.truncate(2)
    assert len(run.journal.path.read_text().splitlines()) == 3


# Files


def test_the_mask_of_the_process_stays_as_it_is_while_files_are_written(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "umask", None)
        with new_folder(Path("new")) as folder:
            (folder / "file").touch(mode=0o600)
    mask = os.umask(0o022)
    os.umask(mask)
    assert Path("new/file").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_folder_that_must_be_free_takes_nothings_place():
    Path("full").mkdir()
    Path("full/mine").touch()
    for path in ("full", "full/mine", "."):
        with (
            pytest.raises(ganzoo.UsageError, match="exists"),
            new_folder(Path(path), must_be_free=True),
        ):
            pass
    Path("empty").mkdir()
    with new_folder(Path("empty"), must_be_free=True) as folder:
        (folder / "file").touch()
    assert Path("empty/file").exists()


def test_two_processes_may_save_one_picture(monkeypatch):
    names = []
    monkeypatch.setattr(files.os, "replace", lambda source, target: names.append(source.name))
    for process in (1, 2):
        monkeypatch.setattr(files.os, "getpid", lambda process=process: process)
        save_png(Image.new("L", (2, 2)), Path("a.png"))
    assert len(set(names)) == 2
    assert not list(Path().iterdir())


def test_a_model_that_computes_in_its_constructor_is_shown_and_loaded():
    class Computes(MyGAN):
        def __init__(self, hp):
            super().__init__(hp)
            self.scale = float(self.generator.weight.sum())

    assert on_meta(Computes, Computes.Hparams()) is None
    assert on_meta(MyGAN, MyGAN.Hparams()) is not None


def test_a_folder_that_cannot_be_replaced_keeps_its_name_and_its_files(monkeypatch):
    Path("saved").mkdir()
    Path("saved/old").touch()
    rename = os.rename

    def refused(source, target):
        is_old = "-old-" in Path(source).name
        if Path(target).name == "saved" and not is_old:
            raise PermissionError(13, "Permission denied", str(target))
        rename(source, target)

    monkeypatch.setattr(os, "rename", refused)
    with (
        pytest.raises(ganzoo.StateError, match="cannot write saved"),
        new_folder(Path("saved")) as folder,
    ):
        (folder / "new").touch()
    assert [path.name for path in Path("saved").iterdir()] == ["old"]
    assert [path.name for path in Path().iterdir()] == ["saved"]
