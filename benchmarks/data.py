"""Images per second from a folder of 256x256 JPEGs to batches at 64x64: ganzoo, and torchvision's ImageFolder.

    python benchmarks/data.py [--images 3000] [--repeats 3]

The folder is made of patches of scikit-learn's two photographs. In one run, in turns: ImageFolder through a DataLoader
of two workers (Resize, CenterCrop, random flip, to floats in [-1, 1]), ganzoo's first epoch (listing, packing and
reading, with an empty cache), its later epochs, and its epochs without a cache. All end as batches of 64 on the CPU.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import machine
from PIL import Image
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

import ganzoo
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data

BATCH = 64
HP = ganzoo.create("dcgan", image_size=64, width=2, batch_size=BATCH, flip=True).hp


def make(folder: Path, count: int) -> None:
    photographs = [Image.fromarray(photograph) for photograph in load_sample_images().images]
    random = np.random.default_rng(0)
    for i in range(count):
        side = int(random.integers(256, 400))
        left, top = (
            int(random.integers(0, extent - side + 1)) for extent in photographs[i % 2].size
        )
        path = folder / "images" / f"{i:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photographs[i % 2].crop((left, top, left + side, top + side)).resize((256, 256)).save(
            path, quality=90
        )


def image_folder(folder: Path) -> int:
    steps = [
        transforms.Resize(64),
        transforms.CenterCrop(64),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.5] * 3),
    ]
    dataset = ImageFolder(str(folder), transforms.Compose(steps))
    return sum(len(images) for images, _ in DataLoader(dataset, BATCH, shuffle=True, num_workers=2))


def epoch(folder: Path, cache: str, epochs: int = 1) -> int:
    data = open_data(str(folder), HP, workers=2, cache=cache)
    return read(
        Batches(data, torch.Tensor, BATCH, 0, torch.device("cpu")),
        range(epochs * len(data) // BATCH),
    )


def read(batches: Batches, numbers: range) -> int:
    return sum(len(batches[number]) for number in numbers)


def rate(work: Callable[[], int]) -> float:
    start = time.perf_counter()
    return work() / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "folder")
        make(folder, chosen.images)
        image_folder(folder)  # warm-up: the files are in the system's cache for everybody
        for repeat in range(chosen.repeats):
            os.environ["GANZOO_CACHE"] = str(Path(scratch, f"cache{repeat}"))
            for name, work in {
                "ImageFolder, DataLoader of 2 workers": lambda: image_folder(folder),
                "ganzoo, first epoch: packing and reading": lambda: epoch(folder, "disk"),
                "ganzoo, later epochs": lambda: epoch(folder, "disk", epochs=20),
                "ganzoo, no cache, epochs after the check": lambda: epoch(folder, "none"),
            }.items():
                if "no cache" in name:
                    open_data(str(folder), HP, cache="none")
                rates.setdefault(name, []).append(rate(work))
    print(machine())
    print(
        f"\n| 64x64 batches of {BATCH} from {chosen.images:,} JPEGs of 256x256 | images a second | ImageFolder = 1 |"
    )
    print("|---|---|---|")
    base = rates["ImageFolder, DataLoader of 2 workers"]
    for name, found in rates.items():
        ratios = [mine / theirs for mine, theirs in zip(found, base, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"| {name} | {statistics.median(found):,.0f} | {spread} |")


if __name__ == "__main__":
    main()
