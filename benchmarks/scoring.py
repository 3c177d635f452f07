"""Scores of generated pictures, for benchmarks and tests: a classifier, a distance, real images."""

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, pad

import ganzoo
from ganzoo.data.open import open_data

DIGITS: dict[str, Any] = {
    "image_size": 32,
    "channels": 1,
    "batch_size": 64,
    "steps": 2000,
    "lr": 5e-4,
    "ema": 0.998,
    "translation": 1 / 16,
    "latent_dim": 6,
    "width": 32,
}
"""Settings of `dcgan-mini` and `cdcgan-mini` for the 1,797 digits."""
PHOTOS: dict[str, Any] = {
    "image_size": 32,
    "load_size": None,
    "flip": False,  # digits do not look the same in a mirror
    "batch_size": 8,
    "steps": 3000,
    "lr": 5e-4,
    "width": 16,
    "blocks": 2,
    "cycle_weight": 1.0,  # with 10, translations keep traces of the photograph
    "identity_weight": 0.0,
    "invert_probability": 0.5,
}
"""Settings of `cyclegan-mini` for `digits-photo`."""


def arguments(description: str | None) -> argparse.Namespace:
    """The options of benchmarks that train models."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--grid", type=Path)
    return parser.parse_args()


def labelled(source: str) -> tuple[Tensor, Tensor]:
    """The images of a source, `(n, channels, 32, 32)` in [-1, 1], and their labels."""
    part = open_data(source, ganzoo.Hparams(image_size=32), ganzoo.Labelled).parts[0]
    return part.images.float() / 127.5 - 1, part.labels


def classifier(images: Tensor, labels: Tensor, seed: int) -> nn.Module:
    """Three strided convolutions, trained for 30 epochs on images of 32x32.

    Each batch is shifted by up to two pixels.
    """
    torch.manual_seed(seed)
    widths = [images.shape[1], 32, 64, 128]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 16, 10))
    adam = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(30):
        for chosen in torch.randperm(len(images)).split(48):
            top, left = torch.randint(0, 5, (2,)).tolist()
            padded = pad(images[chosen], (2, 2, 2, 2), value=-1.0)
            shifted = padded[..., top : top + 32, left : left + 32]
            adam.zero_grad()
            cross_entropy(network(shifted), labels[chosen]).backward()
            adam.step()
    return network.eval()


@torch.no_grad()
def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """In per cent."""
    return (network(images).argmax(1) == labels).float().mean().item() * 100


def pixels(images: Tensor) -> Tensor:
    """Images at 8x8 pixels, the size of the original digits: `(n, 64)`."""
    return avg_pool2d(images, images.shape[-1] // 8).flatten(1).double()


def frechet_distance(one: Tensor, other: Tensor) -> float:
    """|m1 - m2|^2 + |A|^2 + |B|^2 - 2 nuclear_norm(A B^T), A and B centred, over sqrt(n - 1)."""
    a = (one - one.mean(0)) / (len(one) - 1) ** 0.5
    b = (other - other.mean(0)) / (len(other) - 1) ** 0.5
    means = (one.mean(0) - other.mean(0)).square().sum()
    variances = a.square().sum() + b.square().sum()
    return (means + variances - 2 * torch.linalg.matrix_norm(a @ b.T, "nuc")).item()
