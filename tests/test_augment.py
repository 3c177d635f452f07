"""Generated images as a labelled folder."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.images import to_pil
from ganzoo.use.generate import folder_name

SMALL = [
    "--data",
    "digits",
    "--set",
    "image_size=16",
    "--set",
    "channels=1",
    "--set",
    "width=4",
    "--set",
    "batch_size=8",
    "--set",
    "steps=2",
    "--device",
    "cpu",
]


@pytest.fixture
def run(ganzoo_command):
    """A conditional generator of digits that knows nothing yet."""
    done = ganzoo_command("train", "cdcgan-mini", *SMALL, "--out", "run")
    assert done.exit_code == 0, done.output
    return Path("run")


@pytest.fixture
def classifier(ganzoo_command):
    words = ["backbone=test_resnet", "pretrained=false", "image_size=32", "batch_size=8", "steps=2"]
    words = [word for one in words for word in ("--set", one)]
    assert (
        ganzoo_command("train", "finetune", "--data", "digits", *words, "--out", "judge").exit_code
        == 0
    )
    return Path("judge")


def pixels(path):
    return np.asarray(Image.open(path))


def test_each_class_gets_so_many_and_the_manifest_draws_them_again(run, ganzoo_command):
    done = ganzoo_command(
        "augment", run, "--data", "digits", "--per-class", "3", "--out", "more", "--seed", "5"
    )
    assert done.exit_code == 0, done.output
    assert "30" in done.output
    assert "manifest.json" in done.output
    assert sorted(os.listdir("more")) == [*"0123456789", "manifest.json"]
    manifest = json.loads(Path("more/manifest.json").read_text())
    assert (
        manifest["model"]["sha256"]
        == json.loads((run / "config.json").read_text())["weights"]["sha256"]
    )
    files = [row["file"] for row in manifest["images"]]
    assert sorted(files) == sorted(
        path.relative_to("more").as_posix() for path in Path("more").glob("*/*")
    )
    model = ganzoo.load(run)
    for row in manifest["images"]:
        count, label = row["index"] + 1, model.classes.index(row["class"])
        again = model.sample(count, row["seed"], torch.full((count,), label))[-1]
        assert np.array_equal(pixels(Path("more", row["file"])), np.asarray(to_pil(again)[0])), row
    assert len({pixels(Path("more", file)).tobytes() for file in files}) == 30


def test_more_than_fit_into_memory_at_once_are_all_different(run, ganzoo_command):
    assert ganzoo_command("augment", run, "--per-class", "70", "--out", "more").exit_code == 0
    for name in ("0", "9"):
        assert len({pixels(path).tobytes() for path in Path("more", name).iterdir()}) == 70


def test_the_folder_is_a_training_set(run, ganzoo_command):
    assert ganzoo_command("augment", run, "--per-class", "2", "--out", "more").exit_code == 0
    settings = [
        "--set",
        "backbone=test_resnet",
        "--set",
        "pretrained=false",
        "--set",
        "image_size=32",
    ]
    settings += ["--set", "batch_size=4", "--set", "steps=2", "--out", "second"]
    done = ganzoo_command(
        "train", "finetune", "--data", "more", "--validation", "digits", *settings
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(Path("second/config.json").read_text())["classes"] == list("0123456789")


def test_the_real_images_can_stand_beside_them(run, ganzoo_command):
    words = ["augment", run, "--per-class", "2", "--with-real", "--out", "more"]
    done = ganzoo_command(*words)
    assert (done.exit_code, "--with-real" in done.stderr) == (2, True)
    done = ganzoo_command(*words, "--data", "digits")
    assert "1,797" in done.output
    items = ganzoo.datasets["digits"].load()("").items()
    for number in (0, 999):
        file = Path("more", items[number].label, f"real-{number:06}.png")
        assert np.array_equal(pixels(file), np.asarray(items[number].read()))
    assert len(list(Path("more").glob("*/real-*"))) == 1797


def test_files_of_a_folder_are_copied_as_they_are_and_broken_ones_left_out(run, ganzoo_command):
    for name in "0123456789":
        Path("real", name).mkdir(parents=True)
        Image.new("RGB", (9, 7), (25 * int(name), 0, 0)).save(f"real/{name}/a.jpg")
    Path("real/3/broken.png").write_bytes(b"x")
    done = ganzoo_command(
        "augment", run, "--data", "real", "--with-real", "--per-class", "1", "--out", "more"
    )
    assert done.exit_code == 0, done.stderr
    assert len(list(Path("more").glob("*/real-*"))) == 10
    (copied,) = Path("more/4").glob("real-*.jpg")
    assert copied.read_bytes() == Path("real/4/a.jpg").read_bytes()


def test_a_classifier_keeps_what_it_is_sure_of(run, classifier, ganzoo_command):
    words = ["augment", run, "--per-class", "4", "--out", "more", "--classifier", classifier]
    done = ganzoo_command(*words, "--confidence", "0")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(Path("more/manifest.json").read_text())["images"]
    judge = ganzoo.load(classifier)
    for row in rows[::7]:
        image = (
            torch.from_numpy(pixels(Path("more", row["file"])).copy())[None, None].float() / 127.5
            - 1
        )
        sure = judge.classify(image)[0, judge.classes.index(row["class"])].item()
        assert row["confidence"] == pytest.approx(sure, abs=5e-3)  # a file has 256 levels
    limit = sorted(row["confidence"] for row in rows if row["class"] == "0")[-2]
    done = ganzoo_command(*words[:4], "--out", "less", *words[6:], "--confidence", "0.9999")
    assert done.exit_code == 1
    assert "--confidence" in done.stderr
    assert not Path("less").exists()
    assert not list(Path().glob(".tmp-*"))
    done = ganzoo_command(*words[:4], "--out", "deep/er/less", *words[6:], "--confidence", "0.9999")
    assert not Path("deep").exists()
    assert 0 < limit < 1


def test_what_cannot_be_is_one_line_and_leaves_nothing(run, classifier, ganzoo_command):
    Path("two/x").mkdir(parents=True), Path("two/y").mkdir()
    for name in "xy":
        Image.new("L", (9, 9)).save(f"two/{name}/1.png")
    Path("full").mkdir()
    Path("full/mine.txt").write_text("keep me")
    assert ganzoo_command("train", "dcgan-mini", *SMALL, "--out", "plain").exit_code == 0
    for words, expected in {
        ("plain",): "dcgan-mini",
        (classifier,): "finetune",
        (run, "--data", "two"): "0, 1, 2, 3, 4",
        (run, "--classifier", run): "--classifier",
        ("nowhere",): "nowhere",
    }.items():
        done = ganzoo_command("augment", *words, "--per-class", "1", "--out", "new")
        assert done.exit_code == 1
        assert expected in done.stderr
        assert not Path("new").exists()
    for out in (".", Path.cwd()):
        done = ganzoo_command("augment", run, "--per-class", "1", "--out", out)
        assert (done.exit_code, "--out" in done.stderr) == (2, True)
    done = ganzoo_command("augment", run, "--per-class", "1", "--out", "full")
    assert (done.exit_code, "full" in done.stderr) == (2, True)
    assert Path("full/mine.txt").read_text() == "keep me"


def test_no_class_name_leads_out_of_the_folder():
    names = ["../up", "/root", "..", "", "a/b", "C:\\x", ".hidden", "plain", "\x00"]
    found = [folder_name(name) for name in names]
    assert all(
        "/" not in name and "\\" not in name and name not in ("", ".", "..") for name in found
    )
    assert folder_name("brown hair") == "brown hair"
