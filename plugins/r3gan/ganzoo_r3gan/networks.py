"""The networks of R3GAN, for any size 4 * 2^k: residual blocks without normalisation, the same in both."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """x + 1x1(3x3 in groups(1x1(x))): twice as wide inside, leaky ReLU after the first two, biases before it."""

    def __init__(self, width: int, group_size: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.grouped = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width // group_size)
        self.project = nn.Conv2d(2 * width, width, 1, bias=False)
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, x: Tensor) -> Tensor:
        inside = self.activation(self.grouped(self.activation(self.expand(x))))
        return x + self.project(inside)  # type: ignore[no-any-return]


class Basis(nn.Module):
    """Latents `(n, latent_dim)` -> `(n, width, 4, 4)`: a learned 4x4 for each channel, times a number of the latent."""

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, 4, 4))
        self.scale = nn.Linear(latent_dim, width, bias=False)

    def forward(self, latents: Tensor) -> Tensor:
        x: Tensor = self.basis * self.scale(latents)[:, :, None, None]
        return x


def generator(
    channels: int, latent_dim: int, widths: list[int], blocks: int, group_size: int
) -> nn.Sequential:
    """`(n, latent_dim)` -> `(n, channels, size, size)`, about [-1, 1]: 4x4 first, then doubled for each width more."""
    layers: list[nn.Module] = [Basis(latent_dim, widths[0])]
    layers += [Block(widths[0], group_size) for _ in range(blocks)]
    for wide, narrow in pairwise(widths):
        layers += [*_changed(wide, narrow), nn.Upsample(scale_factor=2, mode="bilinear")]
        layers += [Block(narrow, group_size) for _ in range(blocks)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], channels, 1, bias=False))


def discriminator(channels: int, widths: list[int], blocks: int, group_size: int) -> nn.Sequential:
    """`(n, channels, size, size)` -> `(n,)` logits: the generator's widths backwards, halved until it is 4x4."""
    backwards, last = widths[::-1], widths[0]
    layers: list[nn.Module] = [nn.Conv2d(channels, backwards[0], 1, bias=False)]
    layers += [Block(backwards[0], group_size) for _ in range(blocks)]
    for narrow, wide in pairwise(backwards):
        layers += [
            nn.AvgPool2d(2),
            *_changed(narrow, wide),
        ]  # bilinear, to half the size, is the mean of 2x2
        layers += [Block(wide, group_size) for _ in range(blocks)]
    basis = nn.Conv2d(last, last, 4, groups=last, bias=False)
    return nn.Sequential(
        *layers, basis, nn.Flatten(), nn.Linear(last, 1, bias=False), nn.Flatten(0)
    )


def _changed(width: int, other: int) -> list[nn.Module]:
    """A 1x1 convolution where the width changes: on the smaller side, as it commutes with resampling."""
    return [] if width == other else [nn.Conv2d(width, other, 1, bias=False)]


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Fix-up (Zhang, Dauphin & Ma 2019, arXiv:1901.09321): every block begins as the identity, whatever their number.

    Of m = 3 convolutions in each of L blocks the last is zero and the others are He's for leaky ReLU 0.2, gain
    sqrt(2 / 1.04), times L^(-1 / (2m - 2)). Outside the blocks the variance is kept: gain 1. Biases are zero.
    """
    blocks = [module for module in network.modules() if isinstance(module, Block)]
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
    for block in blocks:
        for convolution in (block.expand, block.grouped):
            assert convolution.bias is not None
            nn.init.kaiming_normal_(convolution.weight, a=0.2).mul_(len(blocks) ** -0.25)
            nn.init.zeros_(convolution.bias)
        nn.init.zeros_(block.project.weight)
