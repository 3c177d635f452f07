"""What freezing a backbone saves: a step of `finetune` with a frozen resnet18 against plain PyTorch loops.

    python benchmarks/finetune.py [--repeats 5]

The plain loops train the same new head on the same images. One leaves the backbone's gradients on, as a loop does that
only gives the head to its optimizer; the other turns them off. Times are medians of repeats, all in the same run.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import timm
import torch
from machine import machine
from scoring import labelled
from torch import nn
from torch.nn.functional import cross_entropy, interpolate
from torch.utils.data import TensorDataset

import ganzoo

STEPS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    images, labels = labelled("digits", "dcgan-mini")
    images = interpolate(images, size=(64, 64), mode="nearest")
    print(machine())
    print("\n| resnet18 at 64x64, batch 32 | ms a step | gradients on = 1 |\n|---|---|---|")
    ways: dict[str, Callable[[], float]] = {
        "plain loop, the backbone's gradients on": lambda: _plain(images, labels, on=True),
        "plain loop, gradients off": lambda: _plain(images, labels, on=False),
        "ganzoo finetune, frozen": lambda: _ganzoo(images, labels),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            times[name].append(way())
    base = next(iter(times.values()))
    for name, found in times.items():
        ratios = sorted(one / other for one, other in zip(base, found, strict=True))
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"| {name} | {statistics.median(found) * 1000:.0f} | {spread} |")


def _plain(images: torch.Tensor, labels: torch.Tensor, *, on: bool) -> float:
    torch.manual_seed(0)
    backbone = timm.create_model("resnet18", num_classes=0).eval().requires_grad_(on)
    head = nn.Linear(512, 10)
    adam = torch.optim.AdamW(head.parameters(), 1e-3)
    mean, std = (
        torch.tensor([0.485, 0.456, 0.406])[:, None, None],
        torch.tensor([0.229, 0.224, 0.225])[:, None, None],
    )
    start = 0.0
    for step in range(STEPS + 2):
        if step == 2:  # after warming up
            start = time.perf_counter()
        x = images[step * 32 : step * 32 + 32]
        loss = cross_entropy(
            head(backbone(((x.expand(-1, 3, -1, -1) + 1) / 2 - mean) / std)),
            labels[step * 32 :][:32],
        )
        adam.zero_grad()
        loss.backward()
        adam.step()
    return (time.perf_counter() - start) / STEPS


def _ganzoo(images: torch.Tensor, labels: torch.Tensor) -> float:
    settings = {
        "pretrained": False,
        "image_size": 64,
        "channels": 1,
        "classes": 10,
        "unfreeze_at": (1.0,),
    }
    model = ganzoo.create("finetune", **settings, steps=STEPS + 2, validation=0.0)
    data = TensorDataset(images[: 32 * (STEPS + 2)], labels[: 32 * (STEPS + 2)])
    trainer = ganzoo.Trainer(model, data, device="cpu")
    next(trainer), next(trainer)
    start = time.perf_counter()
    for _ in trainer:
        pass
    return (time.perf_counter() - start) / STEPS


if __name__ == "__main__":
    main()
