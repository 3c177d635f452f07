"""What verbs write: grids, folders, and never over a file of somebody else."""

import os
import shutil
from pathlib import Path

import ganzoo_weights
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data import threads


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "run"
    ganzoo.create("dcgan-mini", image_size=8, width=2).save(folder)
    return folder


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "translator"
    settings = {"image_size": 16, "width": 2, "patch_layers": 1, "blocks": 1}
    ganzoo.create("cyclegan-mini", **settings).save(folder)
    return folder


def refused(done, *words):
    assert done.exit_code == 2, done.output
    assert len(done.stderr.splitlines()) == 1
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    ("count", "options", "columns", "rows"),
    [
        (1, [], 1, 1),
        (4, [], 2, 2),
        (5, [], 3, 2),
        (64, [], 8, 8),
        (100, [], 10, 10),
        (5, ["--columns", 5], 5, 1),
        (2, ["--columns", 3], 2, 1),
    ],
)
def test_a_grid_is_nearly_square(run, ganzoo_command, count, options, columns, rows):
    done = ganzoo_command("sample", run, "-n", count, *options)
    assert done.exit_code == 0, done.output
    with Image.open("samples.png") as picture:
        assert picture.size == (columns * 10 + 2, rows * 10 + 2)


def test_a_grid_is_drawn_again_and_a_strangers_picture_stays(run, ganzoo_command):
    for seed in (0, 1):
        assert ganzoo_command("sample", run, "--seed", seed).exit_code == 0
    for taken in ("photo.png", "notes.png"):
        Image.new("L", (8, 8)).save("photo.png")
        Path("notes.png").write_text("mine")
        before = Path(taken).read_bytes()
        refused(ganzoo_command("sample", run, "--out", taken), taken, "--out")
        assert Path(taken).read_bytes() == before


def test_the_pictures_of_a_run_are_not_drawn_over(ganzoo_command, monkeypatch):
    shutil.copytree(Path(ganzoo_weights.__file__).parent / "dcgan-mini-digits", "run")
    monkeypatch.chdir("run")
    refused(ganzoo_command("sample", Path.cwd()), "samples.png")


def test_a_folder_is_drawn_again_as_a_whole(run, ganzoo_command):
    assert ganzoo_command("sample", run, "-n", 5, "--out", "many").exit_code == 0
    assert ganzoo_command("sample", run, "-n", 2, "--seed", 1, "--out", "many").exit_code == 0
    assert sorted(os.listdir("many")) == ["000000.png", "000001.png", "settings.json"]
    expected = ganzoo.to_pil(ganzoo.load(run).sample(2, seed=1))[0]
    with Image.open("many/000000.png") as picture:
        assert picture.tobytes() == expected.tobytes()


def test_a_folder_with_other_files_stays_as_it_is(run, ganzoo_command):
    assert ganzoo_command("sample", run, "-n", 2, "--out", "noted").exit_code == 0
    Path("noted/notes.txt").write_text("mine")
    Path("faces").mkdir()
    Image.new("L", (8, 8)).save("faces/000000.png")
    Path("link").symlink_to("faces")
    Path("project").mkdir()
    Path("project/settings.json").write_text('{"colour": "blue"}')
    for taken in ("noted", "faces", "link", ".", "project"):
        before = sorted(os.listdir(taken))
        refused(ganzoo_command("sample", run, "-n", 1, "--out", taken), "--out", "choose another")
        assert sorted(os.listdir(taken)) == before
    assert "blue" in Path("project/settings.json").read_text()


def test_a_folder_of_samples_is_data_without_a_file_that_is_skipped(run, ganzoo_command):
    assert ganzoo_command("sample", run, "-n", 2, "--out", "many").exit_code == 0
    done = ganzoo_command("data", "check", "many")
    assert done.exit_code == 0, done.output
    assert "settings.json" not in done.output


def test_too_many_images_for_one_grid_are_one_line_before_any_is_drawn(run, ganzoo_command):
    done = ganzoo_command("sample", run, "-n", 10_000_000)
    refused(done, "10,000,000 images of 8x8", "--out FOLDER")
    refused(ganzoo_command("sample", run, "--columns", 3, "--out", "folder"), "--columns")


def test_a_folder_of_samples_shows_how_far_it_is(run, ganzoo_command, monkeypatch):
    monkeypatch.setattr(threads, "FIRST", 0)
    monkeypatch.setattr(threads, "EVERY", 0)
    done = ganzoo_command("sample", run, "-n", 3, "--out", "many")
    assert "drawing many: 2 of 3 images" in done.stderr


def test_translations_are_made_again_and_other_pictures_stay(translator, ganzoo_command):
    Path("photos").mkdir()
    for ending in ("png", "jpg", "webp", "tiff"):
        Image.new("RGB", (8, 8)).save(f"photos/a.{ending}")
    for _ in range(2):
        done = ganzoo_command("translate", translator, "photos", "out")
        assert done.exit_code == 0, done.output
    Path("paired").mkdir()
    Image.new("RGB", (8, 8), "red").save("paired/a.webp")
    before = Path("paired/a.webp").read_bytes()
    refused(ganzoo_command("translate", translator, "photos", "paired"), "a.webp", "OUT")
    refused(ganzoo_command("translate", translator, "photos/a.png", "paired/a.webp"), "OUT")
    assert os.listdir("paired") == ["a.webp"]
    assert Path("paired/a.webp").read_bytes() == before


def test_a_contact_sheet_is_made_again_and_another_picture_stays(ganzoo_command):
    images = torch.rand(4, 3, 8, 8) * 2 - 1
    Path("photos").mkdir()
    for number, picture in enumerate(ganzoo.to_pil(images)):
        picture.save(f"photos/{number}.png")
    for _ in range(2):
        done = ganzoo_command("data", "check", "photos", "--sheet", "sheet.png")
        assert done.exit_code == 0, done.output
    Image.new("L", (8, 8)).save("mine.png")
    done = ganzoo_command("data", "check", "photos", "--sheet", "mine.png")
    refused(done, "mine.png", "--sheet")
