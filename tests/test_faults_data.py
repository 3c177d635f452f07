"""Faults of the data that were found, each with the test that keeps it mended."""

import multiprocessing
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data import files
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data
from ganzoo.data.source import open_source
from ganzoo.data.threads import with_progress
from ganzoo.images import from_pil, levels

HP = ganzoo.create("dcgan", image_size=8, width=2, batch_size=2).hp


@pytest.fixture
def two_folders(tmp_path):
    for domain in "AB":
        (tmp_path / domain).mkdir()
        for i in range(6):
            Image.new("RGB", (9, 9), (40 * i, 0, 9)).save(tmp_path / domain / f"{i}.png")
    return [str(tmp_path / domain) for domain in "AB"]


def test_what_is_left_of_more_than_a_day_is_more_than_24_hours(capsys, monkeypatch):
    clock = iter([0.0, 3600.0, 7200.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    list(with_progress(iter([1, 2]), 31, "reading"))
    assert "30:00:00 left" in capsys.readouterr().err


def test_reading_ahead_leaves_the_callers_warning_filters_alone(two_folders):
    before = list(warnings.filters)
    data = open_data(two_folders[0], HP, cache="none")
    Batches(data, torch.Tensor, 2, 0, torch.device("cpu"))[0]
    assert warnings.filters == before
    data.close()


def test_threads_that_read_ahead_end_with_close_and_start_again(two_folders):
    data = open_data(two_folders[0], HP, cache="none")
    batches = Batches(data, torch.Tensor, 2, 0, torch.device("cpu"))
    before = threading.active_count()
    first = batches[0]
    assert threading.active_count() > before
    data.close()
    assert threading.active_count() == before
    assert torch.equal(batches[0], first)
    data.close()


def test_a_trainer_at_its_end_closes_its_data(two_folders):
    model = ganzoo.create("dcgan", image_size=8, width=2, batch_size=2, steps=2)
    trainer = ganzoo.Trainer(model, two_folders[0], cache="none", device="cpu")
    before = threading.active_count()
    list(trainer)
    assert threading.active_count() == before


def test_a_folder_is_measured_once(two_folders, monkeypatch):
    read = []
    plain = files.read_size_and_mode
    monkeypatch.setattr(files, "read_size_and_mode", lambda item: read.append(item) or plain(item))
    source = open_source(two_folders[0])
    assert source.info is source.info
    assert len(read) == 6


def test_two_sources_in_a_list_are_two_sources(two_folders):
    for view in (ganzoo.Domains, ganzoo.Pair):
        listed = open_data(two_folders, HP, view)
        assert listed.fingerprint == open_data(tuple(two_folders), HP, view).fingerprint
        assert listed.name == two_folders


def test_halves_of_a_picture_are_decoded_once_and_not_kept(tmp_path):
    Image.new("RGB", (16, 8), "red").save(tmp_path / "0.png")
    item = open_source(str(tmp_path)).items()[0]
    read = []
    counted = ganzoo.Item(item.name, lambda: read.append(1) or item.read())
    left, right = files.split_side_by_side(counted)
    assert left.read().size == right.read().size == (8, 8)
    assert len(read) == 1
    left.read()
    assert len(read) == 2


def test_pictures_become_tensors_and_back():
    for mode in ("L", "RGB", "RGBA"):
        picture = Image.effect_noise((5, 4), 60).convert(mode)
        tensor = from_pil(picture)
        assert tensor.shape == (len(picture.getbands()), 4, 5)
        assert torch.equal(levels(picture).float() / 127.5 - 1, tensor)
        assert ganzoo.to_pil(tensor)[0].tobytes() == picture.tobytes()
    with pytest.raises(ganzoo.DataError, match="mode P"):
        from_pil(Image.new("P", (4, 4)))
    with pytest.raises(ganzoo.DataError, match="not list"):
        from_pil([Image.new("L", (4, 4))])
    with pytest.raises(ganzoo.DataError, match="not ndarray"):
        ganzoo.to_pil(np.zeros((1, 4, 4)))


def test_sources_folders_and_zips_start_without_torch():
    program = "import sys, ganzoo.data.source, ganzoo.data.files, ganzoo_sources.hf\n"
    program += (
        "import ganzoo_sources.vision, ganzoo_sources.digits_photo; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_processes_that_make_items_end_with_close():
    data = open_data(list(torch.zeros(8, 1, 4, 4, dtype=torch.uint8)), ganzoo.Hparams(), workers=2)
    before = set(multiprocessing.active_children())
    Batches(data, torch.Tensor, 2, 0, torch.device("cpu"))[0]
    assert set(multiprocessing.active_children()) - before
    data.close()
    assert not set(multiprocessing.active_children()) - before
