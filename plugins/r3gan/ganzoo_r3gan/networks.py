"""The networks of R3GAN, for any size 4 * 2^k.

Generator and discriminator are made of the same residual blocks, without normalisation.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """x + 1x1(3x3 in groups(1x1(x))), `(n, width, h, w)` -> the same shape.

    It is twice as wide inside. A leaky ReLU follows each of the first two convolutions, which
    have biases; the last one has none.
    """

    def __init__(self, width: int, group_size: int) -> None:
        super().__init__()
        inside = 2 * width
        groups = inside // group_size
        self.expand = nn.Conv2d(width, inside, 1)
        self.grouped = nn.Conv2d(inside, inside, 3, padding=1, groups=groups)
        self.project = nn.Conv2d(inside, width, 1, bias=False)
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, x: Tensor) -> Tensor:
        inside = self.activation(self.expand(x))
        inside = self.activation(self.grouped(inside))
        return x + self.project(inside)


class Basis(nn.Module):
    """Latents `(n, latent_dim)` -> `(n, width, 4, 4)`.

    Each channel is a learned 4x4 image, times a number that is linear in the latents.
    """

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, 4, 4))
        self.scale = nn.Linear(latent_dim, width, bias=False)

    def forward(self, latents: Tensor) -> Tensor:
        return self.basis * self.scale(latents)[:, :, None, None]


def generator(
    channels: int, latent_dim: int, widths: list[int], blocks: int, group_size: int
) -> nn.Sequential:
    """`(n, latent_dim)` -> `(n, channels, size, size)`, roughly in [-1, 1].

    It starts at 4x4 and doubles for each further width.
    """
    layers: list[nn.Module] = [Basis(latent_dim, widths[0])]
    layers += _stage(widths[0], blocks, group_size)
    for wide, narrow in pairwise(widths):
        layers += _changed(wide, narrow)
        layers.append(nn.Upsample(scale_factor=2, mode="bilinear"))
        layers += _stage(narrow, blocks, group_size)
    last = nn.Conv2d(widths[-1], channels, 1, bias=False)
    return nn.Sequential(*layers, last)


def discriminator(channels: int, widths: list[int], blocks: int, group_size: int) -> nn.Sequential:
    """`(n, channels, size, size)` -> logits `(n,)`.

    It has the generator's widths in reverse, and halves the image down to 4x4.
    """
    backwards, last = widths[::-1], widths[0]
    layers: list[nn.Module] = [
        nn.Conv2d(channels, backwards[0], 1, bias=False),
    ]
    layers += _stage(backwards[0], blocks, group_size)
    for narrow, wide in pairwise(backwards):
        # Bilinear, to half the size, is the mean of 2x2.
        layers.append(nn.AvgPool2d(2))
        layers += _changed(narrow, wide)
        layers += _stage(wide, blocks, group_size)
    basis = nn.Conv2d(last, last, 4, groups=last, bias=False)
    return nn.Sequential(
        *layers,
        basis,
        nn.Flatten(),
        nn.Linear(last, 1, bias=False),
        nn.Flatten(0),
    )


def _stage(width: int, blocks: int, group_size: int) -> list[Block]:
    """The blocks at one size."""
    return [Block(width, group_size) for _ in range(blocks)]


def _changed(width: int, other: int) -> list[nn.Module]:
    """A 1x1 convolution if the width changes; on the smaller side: it commutes with resampling."""
    if width == other:
        return []
    return [nn.Conv2d(width, other, 1, bias=False)]


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Draws the first weights by Fix-up (Zhang, Dauphin & Ma 2019, arXiv:1901.09321).

    Every block begins as the identity, whatever the number L of blocks. Each has m = 3
    convolutions: the last is zero, the others are He's for leaky ReLU 0.2, gain sqrt(2 / 1.04),
    times L^(-1 / (2m - 2)). Layers outside the blocks keep the variance: gain 1. Biases are zero.
    """
    blocks = []
    for module in network.modules():
        if isinstance(module, Block):
            blocks.append(module)
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
    for block in blocks:
        for convolution in (block.expand, block.grouped):
            assert convolution.bias is not None
            nn.init.kaiming_normal_(convolution.weight, a=0.2)
            convolution.weight.mul_(len(blocks) ** -0.25)
            nn.init.zeros_(convolution.bias)
        nn.init.zeros_(block.project.weight)
