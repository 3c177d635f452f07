"""Data sources that ship with ganzoo, besides folders and zips."""

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub import constants
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

import ganzoo
from ganzoo.data.open import open_data
from ganzoo.data.source import open_source

HP = ganzoo.create("dcgan", image_size=32, width=2, batch_size=2).hp


def test_digits_photo_is_two_domains_of_different_digits_and_a_test_part():
    a, b = open_source("digits-photo").domains()
    a_test, b_test = open_source("digits-photo:test").domains()
    numbers = [int(item.name.partition("/")[2]) for part in (a, b, a_test, b_test) for item in part]
    assert sorted(numbers) == list(range(1797))
    assert [len(part) for part in (a, b, a_test, b_test)] == [720, 719, 179, 179]
    labels = load_digits().target
    for part in (a, b, a_test, b_test):
        assert all(labels[int(item.name.partition("/")[2])] == int(item.label) for item in part)
    assert [item.name for item in open_source("digits-photo:b-test").items()] == [
        item.name for item in b_test
    ]
    assert len(open_source("digits-photo").items()) == 1439


def test_a_digit_on_a_photo_is_the_absolute_difference_of_ink_and_patch():
    item = open_source("digits-photo:b").items()[7]
    picture = np.asarray(item.read()).astype(int)
    number = int(item.name.partition("/")[2])
    digit = Image.fromarray(np.rint(load_digits().images[number] * 255 / 16).astype(np.uint8))
    ink = np.asarray(digit.resize((32, 32), Image.Resampling.BICUBIC)).astype(int)[..., None]
    assert np.array_equal(picture, np.asarray(item.read()))
    windows = [
        np.lib.stride_tricks.sliding_window_view(photo, (32, 32), axis=(0, 1)).transpose(
            0, 1, 3, 4, 2
        )
        for photo in load_sample_images().images
    ]
    blank = (ink[..., 0] == 0).all(axis=1) | (
        np.arange(32) < 1
    )  # rows without ink are the photograph's own
    rows = np.flatnonzero(blank)[:1]
    matches = [
        (which, top, left)
        for which, window in enumerate(windows)
        for top, left in np.argwhere(
            (np.abs(window[:, :, rows].astype(int) - ink[rows]) == picture[rows]).all((2, 3, 4))
        )
    ]
    assert any(
        np.array_equal(np.abs(windows[which][top, left].astype(int) - ink), picture)
        for which, top, left in matches
    )


def test_digits_photo_as_two_domains_of_32_pixels_in_colour():
    data = open_data("digits-photo", HP, ganzoo.Domains)
    assert [part.images.shape for part in data.parts] == [(720, 3, 32, 32), (719, 3, 32, 32)]
    assert torch.equal(data.parts[0].images[:, 0], data.parts[0].images[:, 1])
    assert not torch.equal(data.parts[1].images[:, 0], data.parts[1].images[:, 1])
    assert "CC-BY-2.0" in data.licence


def mnist(folder, images, labels, train):
    """The files of MNIST as Yann LeCun's site had them."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "train" if train else "t10k"
    (folder / f"{name}-images-idx3-ubyte").write_bytes(
        struct.pack(">IIII", 2051, *images.shape) + images.tobytes()
    )
    (folder / f"{name}-labels-idx1-ubyte").write_bytes(
        struct.pack(">II", 2049, len(labels)) + labels.tobytes()
    )


def test_a_torchvision_data_set_whose_files_are_there_needs_no_network():
    random = np.random.default_rng(0)
    images, labels = (
        random.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        np.arange(20, dtype=np.uint8) % 10,
    )
    raw = Path(os.environ["GANZOO_CACHE"]) / "torchvision" / "MNIST" / "raw"
    mnist(raw, images, labels, train=True)
    mnist(raw, images[:5], labels[:5], train=False)
    hp = ganzoo.create("dcgan-mini", batch_size=4).hp
    data = open_data("torchvision:MNIST", hp.replaced({"image_size": 32}), ganzoo.Labelled)
    assert data.parts[0].labels.tolist() == labels.tolist()
    assert data.info.classes[7].startswith("7")
    expected = Image.fromarray(images[3]).resize((32, 32), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(data.parts[0].images[3, 0], expected)
    assert len(open_data("torchvision:MNIST:test", hp)) == 5
    mnist(raw, images[::-1], labels, train=True)
    assert open_data("torchvision:MNIST", hp).fingerprint != data.fingerprint


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("torchvision:CIFAR", "did you mean 'CIFAR10'"),
        ("torchvision:MNIST:odd", "train and test"),
        ("torchvision:Caltech101:odd", "torchvision:Caltech101:odd"),
        ("hf:", "user/name"),
    ],
)
def test_what_cannot_be_had_is_one_line(source, message):
    with pytest.raises(ganzoo.GanzooError) as caught:
        open_source(source)
    assert message in str(caught.value)


def test_a_torchvision_data_set_without_files_as_torchvision_defines_them():
    data = open_data(
        "torchvision:FakeData", ganzoo.create("dcgan", image_size=8, width=2, batch_size=2).hp
    )
    assert len(data) == 1000
    assert data.info.classes == tuple("0123456789")


@pytest.mark.slow
def test_a_data_set_of_the_hub_through_the_datasets_library(tmp_path):
    """The library takes a folder of this name in place of the Hub, so that no network is needed."""
    program = """
import sys, datasets, ganzoo
from ganzoo.data.open import open_data
from ganzoo.data.source import open_source
from PIL import Image

label = datasets.ClassLabel(names=["cat", "dog"])
words = {"fur": datasets.Value("string"), "old": datasets.Value("bool")}
features = datasets.Features({"label": label, "picture": datasets.Image(), **words})
rows = {"label": [0, 1, 1], "picture": [Image.new("L", (12, 12), 40 * i) for i in range(3)]}
rows |= {"fur": ["red", None, "grey"], "old": [True, False, True]}
for split in ("train", "test"):
    datasets.Dataset.from_dict(rows, features).to_parquet(f"user/name/{split}.parquet")
hp = ganzoo.create("dcgan", image_size=8, channels=1, width=2, batch_size=2).hp
data = open_data("hf:user/name:test", hp, ganzoo.Labelled)
assert data.parts[0].images[:, 0, 4, 4].tolist() == [0, 40, 80]
assert data.parts[0].labels.tolist() == [0, 1, 1] and data.info.classes == ("cat", "dog")
assert len(open_data("hf:user/name", hp)) == 3
known = [item.attributes for item in open_source("hf:user/name").items()]
assert known == [{"fur": "red", "old": "yes"}, {"old": "no"}, {"fur": "grey", "old": "yes"}]
for wrong in ("hf:user/name:validation", "hf:user/nothing"):
    try:
        open_source(wrong)
    except ganzoo.DataError as error:
        print(" ".join(str(error).split()))
"""
    pytest.importorskip("datasets")
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "hf:user/name:validation" in first
    assert "hf:user/nothing" in second


@pytest.fixture
def unreachable(monkeypatch, tmp_path):
    """A Hub at a port where nobody listens, and an empty cache."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def test_a_hub_that_cannot_be_reached_is_asked_once(unreachable):
    pytest.importorskip("datasets")
    with pytest.raises(ganzoo.DataError, match=r"hf:user/name .* cannot be reached"):
        open_source("hf:user/name")
    assert not constants.is_offline_mode()


def test_without_a_connection_the_cache_is_read(unreachable):
    with ganzoo.cache_if_unreachable():
        assert constants.is_offline_mode()
    with pytest.raises(ganzoo.HubError, match="HF_ENDPOINT"), ganzoo.cache_if_unreachable():
        huggingface_hub.hf_hub_download("user/name", "model.safetensors")


def test_without_the_datasets_library_the_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ganzoo.DataError, match=r"ganzoo\[hf\]"):
        open_source("hf:user/name")


class Odd:
    """A data set like torchvision's: a class twice, one without a number, unsafe in threads."""

    classes = ("crane", "dog", "crane")
    targets = (0, 1, 2, -1)

    def __init__(self, root):
        self.busy = False

    def __len__(self):
        return 4

    def __getitem__(self, index):
        assert not self.busy
        self.busy = True
        time.sleep(0.01)
        self.busy = False
        if index == 3:
            raise OSError("a broken file")
        return Image.new("L", (8, 8), 50 * index), self.targets[index]


def test_classes_of_torchvision_stay_apart_and_images_without_one_have_none(monkeypatch, caplog):
    from torchvision import datasets

    monkeypatch.setattr(datasets, "CIFAR10", Odd)
    source = open_source("torchvision:CIFAR10")
    assert [item.label for item in source.items()] == ["crane 0", "dog", "crane 2", None]
    hp = ganzoo.create("dcgan", image_size=8, width=2, batch_size=2).hp
    data = open_data("torchvision:CIFAR10", hp, ganzoo.Labelled, workers=4)
    assert data.parts[0].labels.tolist() == [0, 1, 2]
    assert "1 no class" in caplog.text
    open_data("torchvision:CIFAR10", hp, workers=4)
    assert "1 corrupt" in caplog.text


def test_data_of_torchvision_are_the_same_with_any_number_of_threads(monkeypatch, tmp_path):
    from torchvision import datasets

    class Few(datasets.FakeData):
        def __init__(self, transform=None):
            super().__init__(200, (3, 32, 32), transform=transform)

    monkeypatch.setattr(datasets, "FakeData", Few)
    found = set()
    for attempt, workers in enumerate((1, 8, 8)):
        monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / f"cache{attempt}"))
        hp = ganzoo.create("dcgan", image_size=8, width=2, batch_size=2).hp
        found.add(open_data("torchvision:FakeData", hp, workers=workers).fingerprint)
    assert len(found) == 1
