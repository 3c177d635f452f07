"""Does unpaired translation keep what a picture shows? `cyclegan-mini` on `digits-photo`, scored by a classifier.

    python benchmarks/translation.py [--set steps=1000 ...] [--seeds 1] [--grid grid.png]

A classifier learns the labelled digits of domain A (digits on black) and nothing else. Its accuracy on held-out digits
of domain B (on photographs, of `digits-photo:test`) is measured before translation and after `translate(..., "b2a")`.
CycleGAN sees no label and no pair.
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path

import torch
from machine import machine
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

import ganzoo
from ganzoo.data import as_data
from ganzoo.images import enlarged, grid, save_png


def labelled(source: str) -> tuple[Tensor, Tensor]:
    """All images of a source at 32x32 in colour, `(n, 3, 32, 32)` in [-1, 1], and their labels."""
    part = as_data(source, ganzoo.create("cyclegan-mini").hp, ganzoo.Labelled).parts[0]
    return part.images.float() / 127.5 - 1, part.labels


def classifier(seed: int) -> nn.Module:
    """Four convolutions, trained for 30 epochs on domain A, shifted by up to two pixels."""
    torch.manual_seed(seed)
    images, labels = labelled("digits-photo:a")
    widths = [3, 32, 64, 128]
    layers = [
        layer
        for before, after in pairwise(widths)
        for layer in (nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU())
    ]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 16, 10))
    adam = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(30):
        for chosen in torch.randperm(len(images)).split(48):
            top, left = torch.randint(0, 5, (2,)).tolist()
            shifted = pad(images[chosen], (2, 2, 2, 2), value=-1.0)[..., top : top + 32, left : left + 32]
            adam.zero_grad()
            cross_entropy(network(shifted), labels[chosen]).backward()
            adam.step()
    return network.eval()


@torch.no_grad()
def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return (network(images).argmax(1) == labels).float().mean().item() * 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--grid", type=Path)
    chosen = parser.parse_args()
    kind = ganzoo.models["cyclegan-mini"].load()
    print(machine(), flush=True)
    print("\n| seed | classifier on held-out A | on held-out B | on B after b2a | lift, points | training, s |")
    print("|---|---|---|---|---|---|", flush=True)
    a, a_labels = labelled("digits-photo:a-test")
    b, b_labels = labelled("digits-photo:b-test")
    for seed in range(chosen.seeds):
        network = classifier(seed)
        settings = dict(map(kind.Hparams.parse, chosen.set))
        model = ganzoo.create("cyclegan-mini", **settings, seed=seed)
        start = time.perf_counter()
        for step in ganzoo.Trainer(model, "digits-photo"):
            if not step.number % 100:
                step.read()  # would raise nothing; it only waits, as reports do
        seconds = time.perf_counter() - start
        translated = model.translate(b, "b2a")
        before, after = accuracy(network, b, b_labels), accuracy(network, translated, b_labels)
        own = accuracy(network, a, a_labels)
        print(
            f"| {seed} | {own:.1f} | {before:.1f} | {after:.1f} | {after - before:+.1f} | {seconds:.0f} |", flush=True
        )
        if chosen.grid:
            rows = [b[:8], translated[:8], a[:8], model.translate(a[:8], "a2b")]
            save_png(enlarged(grid(torch.cat(rows))), chosen.grid)


if __name__ == "__main__":
    main()
