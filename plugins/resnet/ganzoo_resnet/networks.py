"""The residual networks of WGAN-GP and SNGAN, for any size 4 * 2^k, and their hyperparameters.

Like the authors of both papers we halve with means of 2x2 and double with the nearest pixel. On a
GPU the gradient of the nearest pixel is moreover deterministic; a bilinear one's is not. Miyato
et al. (arXiv:1802.05957) took these networks for 32x32 from Gulrajani et al.
"""

from collections.abc import Callable
from itertools import pairwise
from math import sqrt
from typing import Annotated, TypeVar

from torch import Tensor, nn

import ganzoo
from ganzoo import augment

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


class ResNetHparams(augment.Hparams):
    """The papers' for CIFAR-10. They do not augment what the discriminator sees."""

    image_size: Annotated[int, ganzoo.PowersOfTwo(8, 1024)] = 32
    channels: int = 3
    latent_dim: Annotated[
        int,
        ganzoo.Range(1, 8192),
        "numbers of noise per image",
    ] = 128
    width: Annotated[
        int,
        ganzoo.Range(1, 1024),
        "channels of the discriminator; above 32x32 there are fewer",
    ] = 128
    generator_width: Annotated[
        int | None,
        ganzoo.Range(1, 2048),
        "channels of the generator; twice `width` by default",
    ] = None
    critic_steps: Annotated[
        int,
        ganzoo.Range(1, 100),
        "moves of the discriminator per step, each on a batch of its own",
    ] = 5
    steps: int = 100_000
    betas: tuple[float, float] = (0.0, 0.9)


def generator(hp: ResNetHparams) -> nn.Sequential:
    """`(n, latent_dim)` -> `(n, channels, size, size)` in [-1, 1].

    It starts at 4x4 and doubles until it reaches the image size.
    """
    doublings = (hp.image_size // 4).bit_length() - 1
    base = hp.generator_width or 2 * hp.width
    widths = [_channels(base, 4 * 2**i) for i in range(doublings + 1)]
    return nn.Sequential(
        _xavier(nn.Linear(hp.latent_dim, widths[0] * 4 * 4)),
        nn.Unflatten(1, (widths[0], 4, 4)),
        *[_up(inputs, outputs) for inputs, outputs in pairwise(widths)],
        nn.BatchNorm2d(widths[-1]),
        nn.ReLU(),
        _xavier(nn.Conv2d(widths[-1], hp.channels, 3, padding=1)),
        nn.Tanh(),
    )


class Discriminator(nn.Module):
    """`(n, channels, size, size)` -> logits `(n,)`, without normalisation.

    It halves the image down to 8x8 and has two blocks there. `pool` then reduces all positions to
    one: `torch.mean` or `torch.sum`.
    """

    def __init__(self, hp: ResNetHparams, pool: Callable[..., Tensor]) -> None:
        super().__init__()
        halvings = max((hp.image_size // 8).bit_length() - 1, 1)
        sizes = [hp.image_size // 2**i for i in range(1, halvings + 1)]
        widths = [_channels(hp.width, size) for size in sizes]
        self.features = nn.Sequential(
            _first(hp.channels, widths[0]),
            *[_down(inputs, outputs) for inputs, outputs in pairwise(widths)],
            _same(widths[-1]),
            _same(widths[-1]),
            nn.ReLU(),
        )
        self.last = _xavier(nn.Linear(widths[-1], 1))
        self.pool = pool

    def forward(self, images: Tensor) -> Tensor:
        features = self.pool(self.features(images), (2, 3))
        return self.last(features).squeeze(1)


class Residual(nn.Module):
    """shortcut(x) + branch(x)."""

    def __init__(self, shortcut: nn.Module, *branch: nn.Module) -> None:
        super().__init__()
        self.shortcut = shortcut
        self.branch = nn.Sequential(*branch)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.branch(x)


# A 1x1 convolution commutes with doubling and with means. It runs on the smaller side: a quarter
# of the positions.


def _up(inputs: int, outputs: int) -> Residual:
    double = nn.Upsample(scale_factor=2)
    branch = [
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        double,
        _conv(inputs, outputs),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        _conv(outputs, outputs),
    ]
    shortcut = nn.Sequential(_shortcut(inputs, outputs), double)
    return Residual(shortcut, *branch)


def _first(inputs: int, outputs: int) -> Residual:
    """The first `_down`: its input is an image, so there is no ReLU before the convolutions."""
    half = nn.AvgPool2d(2)
    branch = [
        _conv(inputs, outputs),
        nn.ReLU(),
        _conv(outputs, outputs),
        half,
    ]
    shortcut = nn.Sequential(half, _shortcut(inputs, outputs))
    return Residual(shortcut, *branch)


def _down(inputs: int, outputs: int) -> Residual:
    half = nn.AvgPool2d(2)
    branch = [
        nn.ReLU(),
        _conv(inputs, inputs),
        nn.ReLU(),
        _conv(inputs, outputs),
        half,
    ]
    shortcut = nn.Sequential(half, _shortcut(inputs, outputs))
    return Residual(shortcut, *branch)


def _same(width: int) -> Residual:
    branch = [
        nn.ReLU(),
        _conv(width, width),
        nn.ReLU(),
        _conv(width, width),
    ]
    return Residual(nn.Identity(), *branch)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return _xavier(nn.Conv2d(inputs, outputs, 3, padding=1), gain=sqrt(2))


def _shortcut(inputs: int, outputs: int) -> nn.Conv2d:
    return _xavier(nn.Conv2d(inputs, outputs, 1))


def _xavier(layer: Layer, gain: float = 1.0) -> Layer:
    """The layer with Xavier weights (uniform) and a bias of 0.

    Drawn at construction, because spectral normalisation starts from the first weights.
    """
    nn.init.xavier_uniform_(layer.weight, gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def _channels(width: int, size: int) -> int:
    """`width` up to 32x32, then half as many for each doubling of the size."""
    return max(width * 32 // max(size, 32), 1)
