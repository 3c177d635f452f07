"""Packing: once, complete or absent, renewed when images change, with the same batches."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data import pack
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data

HP = ganzoo.create("dcgan", image_size=8, width=2, batch_size=4).hp


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures in two classes."""
    random = np.random.default_rng(1)
    for i in range(12):
        path = tmp_path / "pictures" / ("cat", "dog")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (12, 10, 3), dtype=np.uint8)).save(path)
    return tmp_path / "pictures"


@pytest.fixture
def decodings(monkeypatch):
    """The names of what was decoded, in a list that grows."""
    names = []
    plain = pack.verified

    def counted(row, expected, preparation):
        names.append(row[0].name)
        return plain(row, expected, preparation)

    monkeypatch.setattr(pack, "verified", counted)
    return names


def test_a_second_run_decodes_and_reads_nothing(folder, decodings, monkeypatch):
    first = open_data(str(folder), HP)
    assert len(decodings) == 12
    monkeypatch.setattr(pack, "row_digest", lambda row: pytest.fail("an image was read"))
    second = open_data(str(folder), HP)
    assert len(decodings) == 12
    assert second.fingerprint == first.fingerprint
    assert torch.equal(second.parts[0].images, first.parts[0].images)


def test_files_that_were_only_touched_or_moved_are_not_decoded_again(folder, decodings):
    first = open_data(str(folder), HP)
    for path in folder.rglob("*.png"):
        os.utime(path, (1, 1))
    moved = folder.rename(folder.with_name("elsewhere"))
    assert open_data(str(moved), HP).fingerprint == first.fingerprint
    assert len(decodings) == 12


def repaint(folder):
    path = folder / "cat" / "0.png"
    before = path.stat()
    Image.new("RGB", (12, 10), "red").save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        repaint,
        lambda folder: (folder / "dog" / "1.png").unlink(),
        lambda folder: (folder / "dog" / "1.png").rename(folder / "cat" / "1.png"),
        lambda folder: Image.new("RGB", (9, 9), "blue").save(folder / "cat" / "new.png"),
    ],
    ids=["repainted, with its old time", "deleted", "of another class", "added"],
)
def test_a_changed_folder_is_noticed(folder, change):
    before = open_data(str(folder), HP).fingerprint
    change(folder)
    assert open_data(str(folder), HP).fingerprint != before


def test_another_size_is_another_pack_and_mirroring_is_not(folder, decodings):
    open_data(str(folder), HP)
    open_data(str(folder), HP.replaced({"flip": True}))
    assert len(decodings) == 12
    assert open_data(str(folder), HP.replaced({"load_size": 9})).parts[0].images.shape == (
        12,
        3,
        9,
        9,
    )
    assert len(decodings) == 24


def test_a_pack_that_was_damaged_is_made_again(folder, decodings):
    expected = open_data(str(folder), HP).parts[0].images.clone()
    (images,) = (Path(os.environ["GANZOO_CACHE"]) / "packs").glob("*/images.bin")
    for damage in (
        lambda: os.truncate(images, 100),
        lambda: (images.parent / "manifest.json").write_text("{"),
    ):
        damage()
        assert torch.equal(open_data(str(folder), HP).parts[0].images, expected)
    assert len(decodings) == 36


def test_wherever_images_are_kept_the_batches_have_the_same_bytes(folder):
    hp = HP.replaced({"load_size": 11, "flip": True})
    kept = {}
    for cache, workers in [("disk", 1), ("none", 1), ("none", 3), ("device", 2), ("auto", 2)]:
        data = open_data(str(folder), hp, cache=cache, workers=workers)
        batches = Batches(data, ganzoo.Labelled, 5, 0, torch.device("cpu"))
        kept[cache, workers] = [batches[i] for i in (0, 1, 2, 3, 4, 5, 0, 9, 6)]
        assert data.fingerprint == open_data(str(folder), hp).fingerprint
    for found in kept.values():
        for one, other in zip(found, kept["disk", 1], strict=True):
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.labels, other.labels)
    with pytest.raises(ganzoo.UsageError, match="ram"):
        open_data(str(folder), hp, cache="ram")


def test_what_does_not_fit_the_disk_is_decoded_anew_and_said(folder, monkeypatch, caplog):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(pack.shutil, "disk_usage", lambda path: usage)
    data = open_data(str(folder), HP)
    assert "epoch" in caplog.text
    assert not list(Path(os.environ["GANZOO_CACHE"]).rglob("images.bin"))
    assert Batches(data, torch.Tensor, 4, 0, torch.device("cpu"))[0].shape == (4, 3, 8, 8)


@pytest.mark.parametrize(
    "change", [lambda path: path.unlink(), lambda path: Image.new("RGB", (9, 9)).save(path)]
)
def test_a_file_that_vanishes_or_changes_while_it_is_streamed_is_named(folder, change):
    data = open_data(str(folder), HP, cache="none")
    change(folder / "dog" / "3.png")
    batches = Batches(data, torch.Tensor, 12, 0, torch.device("cpu"))
    with pytest.raises(ganzoo.DataError, match=r"dog/3\.png"):
        batches[0]


def test_a_cache_that_cannot_be_written_is_one_line_with_the_way_out(folder, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(ganzoo.DataError, match="GANZOO_CACHE"):
        open_data(str(folder), HP)


def test_a_full_disk_leaves_nothing_half_packed(folder):
    hp = HP.replaced({"image_size": 64})
    limit, handler = (
        resource.getrlimit(resource.RLIMIT_FSIZE),
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        with pytest.raises(ganzoo.DataError, match="GANZOO_CACHE"):
            open_data(str(folder), hp)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    cache = Path(os.environ["GANZOO_CACHE"])
    assert not list(cache.rglob("images.bin"))
    assert not list(cache.rglob("manifest.json"))


SLOW = """
import io
import time
from PIL import Image
import ganzoo


class Slow:
    licence = None
    info = ganzoo.DataInfo(size=8, channels=1)

    def __init__(self, argument):
        self.log = argument

    def items(self):
        return [ganzoo.Item(f"{i:02}", lambda i=i: self.read(i)) for i in range(40)]

    def read(self, i):
        with open(self.log, "a") as file:
            file.write("x")
        time.sleep(0.02)
        file = io.BytesIO()
        Image.new("L", (8, 8), i).save(file, "PNG")
        return file.getvalue()
"""
PROGRAM = """
import sys, ganzoo
from ganzoo.data.open import open_data
data = open_data("slow:" + sys.argv[1], ganzoo.Hparams(batch_size=4), workers=1)
print(data.fingerprint, sorted(data.parts[0].images[:, 0, 0, 0].tolist()) == list(range(40)))
"""


@pytest.mark.slow
def test_two_processes_pack_the_same_thing_once(distribution, site_env, tmp_path):
    site = distribution("slow", {"slow": "slow:Slow"}, "ganzoo.datasets", slow=SLOW)
    log = tmp_path / "log"
    command = [sys.executable, "-c", PROGRAM, str(log)]
    other = subprocess.Popen(command, env=site_env(site), stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 100
    while time.monotonic() < end and not log.exists():
        time.sleep(0.005)  # until it reads
    data = open_data(f"slow:{log}", ganzoo.Hparams(batch_size=4), workers=1)
    assert other.communicate(timeout=120)[0].split() == [data.fingerprint, "True"]
    assert len(log.read_text()) == 40 + 40 + 40  # each tells what the images are; one decodes them
    assert len(list((Path(os.environ["GANZOO_CACHE"]) / "packs").glob("*/manifest.json"))) == 1


def test_a_drawn_picture_is_drawn_once(distribution, monkeypatch, tmp_path):
    drawing = SLOW.replace("return file.getvalue()", "return Image.new('L', (8, 8), i)")
    distribution("drawing", {"drawing": "drawing:Slow"}, "ganzoo.datasets", drawing=drawing)
    log = tmp_path / "log"
    open_data(f"drawing:{log}", ganzoo.Hparams(batch_size=4))
    assert len(log.read_text()) == 40
    monkeypatch.setattr(pack, "KEPT", 10 * 64)
    open_data(f"drawing:{log}", ganzoo.Hparams(batch_size=4, load_size=10))
    assert len(log.read_text()) == 40 + 40 + 30


@pytest.mark.slow
def test_packing_that_is_killed_leaves_nothing_that_is_taken_for_whole(
    distribution, site_env, tmp_path
):
    site = distribution("slow", {"slow": "slow:Slow"}, "ganzoo.datasets", slow=SLOW)
    log, packs = tmp_path / "log", Path(os.environ["GANZOO_CACHE"]) / "packs"
    command = [sys.executable, "-c", PROGRAM, str(log)]
    killed = subprocess.Popen(command, env=site_env(site))
    end = time.monotonic() + 100
    while time.monotonic() < end and (not log.exists() or len(log.read_text()) < 60):
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert list(packs.glob(".tmp-*"))
    assert not list(packs.glob("*/manifest.json"))
    data = open_data(f"slow:{log}", ganzoo.Hparams(batch_size=4), workers=1)
    assert sorted(data.parts[0].images[:, 0, 0, 0].tolist()) == list(range(40))
    assert not list(packs.glob(".tmp-*"))
    (manifest,) = packs.glob("*/manifest.json")
    assert json.loads(manifest.read_text())["rows"] == list(range(40))


def test_a_run_on_a_folder_goes_on_bit_for_bit_wherever_its_images_are_kept(folder, ganzoo_command):
    settings = ["image_size=8", "width=4", "batch_size=5", "load_size=10", "flip=true"]
    words = [
        "train",
        "dcgan-mini",
        "--data",
        folder,
        *(word for setting in settings for word in ("--set", setting)),
    ]
    done = ganzoo_command(*words, "--set", "steps=7", "--out", "whole")
    assert done.exit_code == 0, done.output
    assert (
        ganzoo_command(*words, "--set", "steps=3", "--out", "parts", "--workers", 1).exit_code == 0
    )
    done = ganzoo_command(*words, "--set", "steps=7", "--out", "parts", "--data-cache", "none")
    assert "from step 3" in done.output, done.output
    assert (
        Path("parts/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()
    )
    (folder / "cat" / "0.png").unlink()
    done = ganzoo_command(*words, "--set", "steps=8", "--out", "parts")
    assert done.exit_code == 1
    assert "12 images" in done.stderr


def test_labels_and_plain_images_of_one_folder_do_not_mix(folder, caplog):
    Image.new("RGB", (9, 9), "red").save(folder / "of no class.png")
    for _ in range(2):
        assert len(open_data(str(folder), HP)) == 13
        labelled = open_data(str(folder), HP, ganzoo.Labelled)
        assert len(labelled) == 12
        assert "1 no class" in caplog.text
        assert sorted(labelled.parts[0].labels.tolist()) == [0] * 6 + [1] * 6


def test_a_fault_of_the_disk_that_passes_is_not_remembered(folder, monkeypatch, caplog):
    plain, faults = Path.read_bytes, ["7.png"]

    def faulty(path):
        if path.name in faults:
            raise OSError(5, "Input/output error")
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", faulty)
    open_data(str(folder), HP)
    assert "1 unreadable" in caplog.text
    faults.clear()
    caplog.clear()
    open_data(str(folder), HP)
    assert not caplog.messages


def test_a_file_that_changes_while_it_is_packed_is_named_and_nothing_kept(folder, monkeypatch):
    plain = pack._row

    def changing(preparation, row):
        repaint(folder)
        return plain(preparation, row)

    monkeypatch.setattr(pack, "_row", changing)
    with pytest.raises(ganzoo.DataError, match=r"cat/0\.png"):
        open_data(str(folder), HP)
    assert not list(Path(os.environ["GANZOO_CACHE"]).rglob("manifest.json"))


def test_hidden_folders_and_pairs_without_a_partner_do_not_slow_the_second_run(folder, monkeypatch):
    (folder / ".git").mkdir()
    for name in ("A/alone.png", *(f"{domain}/{i}.png" for domain in "AB" for i in range(4))):
        (folder / "pairs" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), "red").save(folder / "pairs" / name)
    pairs = str(folder / "pairs")
    open_data(str(folder), HP), open_data(pairs, HP, ganzoo.Pair)
    monkeypatch.setattr(pack, "row_digest", lambda row: pytest.fail("an image was read"))
    open_data(str(folder), HP), open_data(pairs, HP, ganzoo.Pair)


def test_a_pack_that_fills_the_disk_is_used_all_the_same(folder, monkeypatch, caplog):
    open_data(str(folder), HP)
    monkeypatch.setattr(pack.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 0}))
    open_data(str(folder), HP)
    assert not caplog.messages


def test_sources_of_one_stamp_are_told_apart(distribution):
    source = SLOW.replace(
        'ganzoo.Item(f"{i:02}", lambda i=i: self.read(i))',
        'ganzoo.Item(f"{i:02}", self.draw, stamp="v1")',
    )
    source += "\n    def draw(self):\n        return Image.new('L', (8, 8), int(self.log))\n"
    distribution("stamped", {"stamped": "stamped:Slow"}, "ganzoo.datasets", stamped=source)
    levels = [
        open_data(f"stamped:{level}", ganzoo.Hparams(batch_size=4)).parts[0].images[0, 0, 0, 0]
        for level in (10, 20)
    ]
    assert [int(level) for level in levels] == [10, 20]
