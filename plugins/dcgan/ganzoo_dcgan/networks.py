"""The networks of the DCGAN family, for any size 4 * 2^k, and their hyperparameters."""

from itertools import pairwise
from typing import Annotated

from torch import nn

import ganzoo
from ganzoo import augment, sides


class DCGANHparams(augment.Hparams):
    """The paper's. It does not augment what the discriminator sees.

    `freeze_discriminator` adapts trained weights to few images (FreezeD: Mo, Cho & Shin 2020,
    arXiv:2002.10964).
    """

    image_size: Annotated[int | tuple[int, int], ganzoo.Range(8, 1024)] = 64
    channels: int = 3
    latent_dim: Annotated[
        int,
        ganzoo.Range(1, 8192),
        "numbers of noise per image",
    ] = 100
    width: Annotated[
        int,
        ganzoo.Range(1, 1024),
        "channels next to the image; doubled at each halving, up to 16 times",
    ] = 64
    freeze_discriminator: Annotated[
        int,
        ganzoo.Range(0, 16),
        "convolutions of the discriminator, from the image on, that are not trained",
    ] = 0

    @property
    def halvings(self) -> int:
        """How often an image is halved, until its shorter side is 4."""
        return (min(sides(self.image_size)) // 4).bit_length() - 1

    def validate(self) -> None:
        height, width = sides(self.image_size)
        unit = 2**self.halvings
        if min(height, width) != 4 * unit or height % unit or width % unit:
            raise ganzoo.HparamError(
                f"image_size={height}x{width}: choose a shorter side that is "
                "one of 8, 16, 32, 64, 128, 256, 512, 1024, and a longer one that is a multiple of "
                f"{unit}"
            )
        convolutions = len(_widths(self)) + 1
        if self.freeze_discriminator >= convolutions:
            raise ganzoo.HparamError(
                f"freeze_discriminator={self.freeze_discriminator} leaves nothing to train: "
                f"the discriminator has {convolutions} convolutions"
            )


class MiniHparams(DCGANHparams):
    """For drawn faces on a laptop's CPU."""

    image_size: int | tuple[int, int] = 64
    channels: int = 3
    width: int = 24
    latent_dim: int = 32
    batch_size: int = 32
    steps: int = 2000
    lr: float = 5e-4
    ema: float = 0.998
    translation: float = 0.125


def generator(hp: DCGANHparams) -> nn.Sequential:
    """`(n, latent_dim, 1, 1)` -> `(n, channels, height, width)` in [-1, 1].

    It starts at 4x4, or 4x6 for 64x96, and doubles until it reaches the image size.
    """
    widths = _widths(hp)[::-1]
    layers: list[nn.Module] = [
        nn.ConvTranspose2d(hp.latent_dim, widths[0], _smallest(hp), 1, 0, bias=False),
    ]
    for wide, narrow in pairwise([*widths, hp.channels]):
        layers += [
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False),
        ]
    return nn.Sequential(*layers, nn.Tanh())


def discriminator(hp: DCGANHparams) -> nn.Sequential:
    """`(n, channels, height, width)` -> logits `(n,)`: halved down to 4x4, then one number."""
    widths = _widths(hp)
    layers: list[nn.Module] = [
        nn.Conv2d(hp.channels, widths[0], 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
    ]
    for narrow, wide in pairwise(widths):
        layers += [
            nn.Conv2d(narrow, wide, 4, 2, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    last = nn.Conv2d(widths[-1], 1, _smallest(hp), 1, 0, bias=False)
    return nn.Sequential(*layers, last, nn.Flatten(0))


def _widths(hp: DCGANHparams) -> list[int]:
    """Channels at each size from half the image's down to 4x4."""
    return [hp.width * min(2**i, 16) for i in range(hp.halvings)]


def _smallest(hp: DCGANHparams) -> tuple[int, int]:
    """Height and width after all halvings."""
    height, width = sides(hp.image_size)
    return height // 2**hp.halvings, width // 2**hp.halvings


def initialise(module: nn.Module) -> None:
    """Draws the first weights (section 3 of the paper).

    Convolutions from N(0, 0.02), the scales of batch norms from N(1, 0.02).
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02)


def freeze(discriminator: nn.Module, count: int) -> None:
    """Excludes the first `count` convolutions, and the norms after them, from training."""
    convolutions = 0
    for layer in discriminator.modules():
        if isinstance(layer, nn.Conv2d):
            convolutions += 1
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d) and convolutions <= count:
            layer.requires_grad_(False)
