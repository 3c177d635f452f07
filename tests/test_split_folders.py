"""train/ and val/ in a folder or a zip: one is trained on, the other is validation data."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from support import SMALL

import ganzoo
from ganzoo.data.open import open_data
from ganzoo.data.split_folders import SplitFolders, divided

FINETUNE = ["backbone=test_resnet", "pretrained=false", "image_size=32", "batch_size=2", "steps=1"]
NAMES = ["train/cats/1", "train/cats/2", "train/dogs/1", "train/dogs/2", "train/dogs/3"]
VALIDATION = ["val/cats/4", "val/dogs/4", "val/dogs/5"]


def draw(root, *names):
    for number, name in enumerate(names):
        path = Path(root, f"{name}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((20, 20), 10 + number).save(path)
    return root


def zipped(root):
    return shutil.make_archive(root, "zip", ".", root)


@pytest.fixture
def flowers():
    return draw("flowers", *NAMES, *VALIDATION)


def train(ganzoo_command, *words, model="finetune", settings=FINETUNE):
    pairs = [("--set", setting) for setting in settings]
    return ganzoo_command("train", model, *words, *(word for pair in pairs for word in pair))


def finetune():
    parse = ganzoo.models["finetune"].load().Hparams.parse
    return ganzoo.create("finetune", classes=2, channels=1, **dict(map(parse, FINETUNE)))


def config(run):
    return json.loads(Path("runs", run, "config.json").read_text())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train/a/1", "val/a/1"], ("train", "val", ())),
        (["Train/a/1", "VALIDATION/a/1"], ("Train", "VALIDATION", ())),
        (["train/a/1", "valid/a/1", "test/a/1"], ("train", "valid", ("test",))),
        (["train/a/1", "test/a/1"], ("train", "test", ())),
        (["train/a/1", "test/1"], ("train", None, ("test",))),
        (["train/1", "test/1"], ("train", "test", ())),
        (["train/a/1"], ("train", None, ())),
        (["train/a/1", "val/a/1", ".cache/1"], ("train", "val", ())),
        (["trainA/1", "trainB/1", "testA/1"], None),
        (["train/1", "tram/1"], None),
        (["train/1", "val/1", "extra/1"], None),
        (["train/1", "val/1", "valid/1"], None),
        (["train/1", "val/1", "loose"], None),
        (["cats/1", "dogs/1"], None),
        (["val/1", "test/1"], None),
    ],
)
def test_folders_are_recognised_by_all_their_names(names, expected):
    draw("data", *names)
    for source in ("data", "./data/", "folder:data", zipped("data")):
        found = SplitFolders.of(source)
        assert (found and (found.train, found.validation, found.left_out)) == expected


def test_other_sources_have_no_such_folders():
    assert SplitFolders.of("digits") is None
    images = torch.zeros(2, 1, 8, 8)
    assert divided(images, None, validates=True) == (images, None)


def test_a_classifier_trains_on_one_and_is_scored_on_the_other(flowers, ganzoo_command, caplog):
    done = train(ganzoo_command, "--data", flowers)
    assert done.exit_code == 0, done.output
    assert "flowers: train/ is trained on, val/ is validation data" in caplog.messages
    written = config("finetune")
    assert written["classes"] == ["cats", "dogs"]
    assert (written["data"]["source"], written["data"]["images"]) == ("flowers/train", 5)
    validation = written["data"]["validation"]
    assert (validation["source"], validation["images"]) == ("flowers/val", 3)
    again = train(ganzoo_command, "--data", flowers)
    assert again.exit_code == 0, again.output
    resumed = ganzoo.Trainer.resume("runs/finetune", device="cpu")
    assert resumed.validation.total == 3


def test_a_folder_in_a_zip_is_a_source(flowers):
    source = zipped(flowers)
    hp = ganzoo.Hparams(image_size=8, batch_size=2)
    sources, _ = divided(source, None, validates=True)
    assert sources == (f"{source}/train",)
    inside, outside = open_data(sources, hp), open_data("flowers/train", hp)
    assert inside.fingerprint == outside.fingerprint
    assert inside.info == outside.info


def test_python_reads_them_too_and_what_is_asked_for_wins(flowers, caplog):
    caplog.set_level("INFO")
    model = finetune()
    trainer = ganzoo.Trainer(model, Path(flowers), device="cpu")
    assert (len(trainer.data), trainer.validation.total) == (5, 3)
    draw("mine", "cats/7", "dogs/7")
    trainer = ganzoo.Trainer(model, flowers, validation="mine", device="cpu")
    assert trainer.validation.total == 2
    assert "flowers: train/ is trained on, val/ is left out" in caplog.messages
    trainer = ganzoo.Trainer(model, f"{flowers}/train", device="cpu")
    assert trainer.held_out is None


def test_without_scores_the_others_are_left_out(flowers, ganzoo_command, caplog):
    draw(flowers, "test/cats/9")
    settings = [f"{name}={value}" for name, value in SMALL["dcgan-mini"].items()]
    done = train(
        ganzoo_command,
        "--data",
        flowers,
        model="dcgan-mini",
        settings=[*settings, "batch_size=2", "steps=1"],
    )
    assert done.exit_code == 0, done.output
    line = "flowers: train/ is trained on, val/ is left out, test/ is left out"
    assert line in caplog.messages
    assert config("dcgan-mini")["data"]["images"] == 5


def test_a_folder_train_alone_is_the_data(ganzoo_command, caplog):
    draw("flowers", *NAMES)
    done = train(ganzoo_command, "--data", "flowers")
    assert done.exit_code == 0, done.output
    assert "flowers: train/ is trained on, with the classes inside" in caplog.messages
    assert config("finetune")["classes"] == ["cats", "dogs"]


def test_two_domains_in_train_are_left_their_folders(ganzoo_command):
    draw("horses", "train/A/1", "train/A/2", "train/B/1", "train/B/2", "test/A/1")
    data = divided("horses", None, validates=False)[0]
    opened = open_data(data, ganzoo.Hparams(batch_size=2), ganzoo.Domains)
    assert list(map(len, opened.parts)) == [2, 2]


def test_an_older_run_goes_on_with_train_and_val_as_its_classes(flowers, ganzoo_command):
    opened = open_data(flowers, ganzoo.Hparams(image_size=32, batch_size=2), ganzoo.Labelled)
    trainer = ganzoo.Trainer(finetune(), opened, device="cpu")
    list(trainer)
    trainer.save("runs/finetune")
    assert config("finetune")["classes"] == ["train", "val"]
    done = train(ganzoo_command, "--data", flowers)
    assert done.exit_code == 0, done.output
    resumed = ganzoo.Trainer.resume("runs/finetune", device="cpu")
    assert resumed.data.info.classes == ("train", "val")


def test_data_check_reports_both_and_pictures_in_both(flowers, ganzoo_command, caplog):
    shutil.copy("flowers/train/cats/1.png", "flowers/val/cats/9.png")
    Path("flowers/val/cats/broken.png").write_bytes(b"nothing")
    done = ganzoo_command("data", "check", flowers)
    assert done.exit_code == 1
    assert "flowers: train/ is trained on, val/ is validation data" in caplog.messages
    assert "flowers/train: 5 files, 5 usable" in done.stdout
    assert "flowers/val: 5 files, 4 usable, 1 skipped" in done.stdout
    assert "in the training data too" in done.stdout
    report = json.loads(ganzoo_command("data", "check", flowers, "--json").stdout)
    assert report["classes"] == {"dogs": 3, "cats": 2}
    assert report["validation"]["files"] == 5


def test_a_folder_that_a_zip_lacks_is_named(flowers):
    source = zipped(flowers)
    with pytest.raises(ganzoo.DataError, match="no folder tram"):
        open_data(f"{source}/tram", ganzoo.Hparams())
