"""Faults of the sources that were found, each with the test that keeps it mended."""

import os
import struct
from pathlib import Path

import numpy as np

from ganzoo.data.source import open_source


def test_the_stamps_of_a_torchvision_data_set_depend_on_its_own_files():
    root = Path(os.environ["GANZOO_CACHE"]) / "torchvision"
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train", "t10k"):
        images, labels = np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.uint8)
        head = struct.pack(">IIII", 2051, *images.shape)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = struct.pack(">II", 2049, len(labels))
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    stamp = open_source("torchvision:MNIST").items()[0].stamp
    (root / "cifar-10-batches-py").mkdir()
    (root / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"another data set")
    assert open_source("torchvision:MNIST").items()[0].stamp == stamp
    os.utime(raw / "train-labels-idx1-ubyte", (1, 1))
    assert open_source("torchvision:MNIST").items()[0].stamp != stamp
