"""Images per second, from a folder of JPEGs to batches: ganzoo, and torchvision's ImageFolder.

    python benchmarks/data.py [--images 3000] [--repeats 3]

The folder has patches of scikit-learn's two photographs, 256x256; batches are 64 images of 64x64 on
the CPU. Measured in turns, in one run:

- ImageFolder through a DataLoader of two workers (Resize, CenterCrop, random flip, floats in
  [-1, 1]);
- ganzoo's first epoch with an empty cache: listing, packing and reading;
- its later epochs;
- its epochs without a cache.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from machine import machine
from PIL import Image
from sklearn.datasets import load_sample_images
from table import head, row, spread
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

import ganzoo
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data

BATCH = 64
HP = ganzoo.create("dcgan", image_size=64, width=2, batch_size=BATCH, flip=True).hp
IMAGE_FOLDER = "ImageFolder, DataLoader of 2 workers"
NO_CACHE = "ganzoo, no cache, epochs after the check"


def make_folder(folder: Path, count: int) -> None:
    """Writes random patches of the photographs."""
    photographs = [Image.fromarray(photograph) for photograph in load_sample_images().images]
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for i in range(count):
        photograph = photographs[i % 2]
        side = int(random.integers(256, 400))
        left = int(random.integers(0, photograph.width - side + 1))
        top = int(random.integers(0, photograph.height - side + 1))
        patch = photograph.crop((left, top, left + side, top + side)).resize((256, 256))
        patch.save(folder / "images" / f"{i:06}.jpg", quality=90)


def image_folder(folder: Path) -> int:
    """One epoch of ImageFolder. Returns the number of images."""
    steps = [
        transforms.Resize(64),
        transforms.CenterCrop(64),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.5] * 3),
    ]
    dataset = ImageFolder(str(folder), transforms.Compose(steps))
    loader = DataLoader(dataset, BATCH, shuffle=True, num_workers=2)
    return sum(len(images) for images, _ in loader)


def epochs(folder: Path, cache: str, count: int = 1) -> int:
    """Opens the folder and reads it `count` times. Returns the number of images."""
    data = open_data(str(folder), HP, workers=2, cache=cache)
    batches = Batches(data, torch.Tensor, BATCH, 0, torch.device("cpu"))
    return sum(len(batches[number]) for number in range(count * len(data) // BATCH))


def rate(work: Callable[[], int]) -> float:
    start = time.perf_counter()
    return work() / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "folder")
        make_folder(folder, options.images)
        ways: dict[str, Callable[[], int]] = {
            IMAGE_FOLDER: partial(image_folder, folder),
            "ganzoo, first epoch: packing and reading": partial(epochs, folder, "disk"),
            "ganzoo, later epochs": partial(epochs, folder, "disk", count=20),
            NO_CACHE: partial(epochs, folder, "none"),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        image_folder(folder)  # warm-up: all read the files from the system's cache
        for repeat in range(options.repeats):
            os.environ["GANZOO_CACHE"] = str(Path(scratch, f"cache{repeat}"))
            for name, work in ways.items():
                if name == NO_CACHE:
                    open_data(str(folder), HP, cache="none")
                rates[name].append(rate(work))
    print(machine())
    title = f"64x64 batches of {BATCH} from {options.images:,} JPEGs of 256x256"
    head(title, "images a second", "ImageFolder = 1")
    base = rates[IMAGE_FOLDER]
    for name, measured in rates.items():
        ratios = [ours / theirs for ours, theirs in zip(measured, base, strict=True)]
        row(name, f"{statistics.median(measured):,.0f}", spread(ratios))


if __name__ == "__main__":
    main()
