"""What freezing a backbone saves: a step of `finetune` with a frozen resnet18, and plain loops.

    python benchmarks/finetune.py [--repeats 5]

The plain loops train the same new head on the same images. One leaves the gradients of the backbone
on, like a loop that only gives the head to its optimizer; the other turns them off. Times are
medians of repeats, all in the same run.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import timm
import torch
from machine import machine
from scoring import labelled
from table import head, row, spread
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate
from torch.utils.data import TensorDataset

import ganzoo

STEPS = 20
BATCH = 32
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
FROZEN = {
    "pretrained": False,
    "image_size": 64,
    "channels": 1,
    "classes": 10,
    "unfreeze_at": (1.0,),
    "validation": 0.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    images, labels = labelled("digits")
    images = interpolate(images, size=(64, 64), mode="nearest")
    print(machine())
    head("resnet18 at 64x64, batch 32", "ms a step", "gradients on = 1")
    ways: dict[str, Callable[[], float]] = {
        "plain loop, the backbone's gradients on": partial(_plain, images, labels, gradients=True),
        "plain loop, gradients off": partial(_plain, images, labels, gradients=False),
        "ganzoo finetune, frozen": partial(_ganzoo, images, labels),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            times[name].append(way())
    base = next(iter(times.values()))
    for name, seconds in times.items():
        ratios = [slow / fast for slow, fast in zip(base, seconds, strict=True)]
        row(name, f"{statistics.median(seconds) * 1000:.0f}", spread(ratios))


def _plain(images: Tensor, labels: Tensor, *, gradients: bool) -> float:
    """Seconds a step of a loop written by hand."""
    torch.manual_seed(0)
    backbone = timm.create_model("resnet18", num_classes=0).eval().requires_grad_(gradients)
    head = nn.Linear(512, 10)
    adam = torch.optim.AdamW(head.parameters(), 1e-3)
    start = 0.0
    for step in range(STEPS + 2):
        if step == 2:  # after warming up
            start = time.perf_counter()
        rows = slice(step * BATCH, (step + 1) * BATCH)
        x = images[rows].expand(-1, 3, -1, -1)
        logits = head(backbone(((x + 1) / 2 - MEAN) / STD))
        loss = cross_entropy(logits, labels[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
    return (time.perf_counter() - start) / STEPS


def _ganzoo(images: Tensor, labels: Tensor) -> float:
    """Seconds a step of the Trainer."""
    model = ganzoo.create("finetune", **FROZEN, steps=STEPS + 2)
    count = BATCH * (STEPS + 2)
    data = TensorDataset(images[:count], labels[:count])
    trainer = ganzoo.Trainer(model, data, device="cpu")
    next(trainer)  # warming up
    next(trainer)
    start = time.perf_counter()
    for _ in trainer:
        pass
    return (time.perf_counter() - start) / STEPS


if __name__ == "__main__":
    main()
