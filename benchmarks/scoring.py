"""What generated pictures are scored with, in benchmarks and tests: a small classifier, a distance, real images."""

import argparse
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, pad

import ganzoo
from ganzoo.data.open import open_data


def arguments(description: str | None) -> argparse.Namespace:
    """What benchmarks of trained models are told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--grid", type=Path)
    return parser.parse_args()


def labelled(source: str, model: str) -> tuple[Tensor, Tensor]:
    """All images of a source as a model wants them, `(n, channels, 32, 32)` in [-1, 1], and their labels."""
    hp = ganzoo.models[model].load().Hparams()
    part = open_data(source, hp, ganzoo.Labelled).parts[0]
    return part.images.float() / 127.5 - 1, part.labels


def classifier(images: Tensor, labels: Tensor, seed: int) -> nn.Module:
    """Three strided convolutions, trained for 30 epochs on images of 32x32, each batch shifted by up to two pixels."""
    torch.manual_seed(seed)
    widths = [images.shape[1], 32, 64, 128]
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
            shifted = pad(images[chosen], (2, 2, 2, 2), value=-1.0)[
                ..., top : top + 32, left : left + 32
            ]
            adam.zero_grad()
            cross_entropy(network(shifted), labels[chosen]).backward()
            adam.step()
    return network.eval()


@torch.no_grad()
def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Per cent."""
    return (network(images).argmax(1) == labels).float().mean().item() * 100


def pixels(images: Tensor) -> Tensor:
    """Images at the 8x8 at which the digits were kept, `(n, 64)`."""
    return avg_pool2d(images, images.shape[-1] // 8).flatten(1).double()


def frechet_distance(one: Tensor, other: Tensor) -> float:
    """|m1 - m2|^2 + |A|^2 + |B|^2 - 2 nuclear_norm(A B^T), with centred A and B over sqrt(n - 1)."""
    a, b = ((x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (one, other))
    means = (one.mean(0) - other.mean(0)).square().sum()
    return (
        means + a.square().sum() + b.square().sum() - 2 * torch.linalg.matrix_norm(a @ b.T, "nuc")
    ).item()
