"""DCGAN (Radford, Metz & Chintala 2015), https://arxiv.org/abs/1511.06434."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import Tensor, nn

import ganzoo
from ganzoo import augment, losses


class DCGAN(ganzoo.Model):
    """Deep convolutional GAN (Radford, Metz & Chintala 2015, arXiv:1511.06434).

    Noise to images with strided convolutions and batch normalisation alone. The discriminator learns on a batch
    of real and one of generated images, then the generator learns to be taken for real. Networks, first weights
    and optimizers are those of PyTorch's own example, for any size 4 * 2^k.
    """

    task = "unconditional-image-generation"

    @dataclass(frozen=True, kw_only=True)
    class Hparams(ganzoo.Hparams):
        """`width` is the number of channels beside the image; each halving of the size doubles it, to 16 times.

        `translation` is how far, as a share of the size, all that the discriminator sees is moved at random: the
        paper has none, and a small data set needs it (DiffAugment).
        """

        image_size: Annotated[int, ganzoo.Range(8, 1024)] = 64
        channels: Annotated[int, ganzoo.Range(1, 4)] = 3
        latent_dim: Annotated[int, ganzoo.Range(1, 8192)] = 100
        width: Annotated[int, ganzoo.Range(1, 1024)] = 64
        translation: Annotated[float, ganzoo.Range(0, 0.5)] = 0.0

        def validate(self) -> None:
            sizes = [4 * 2**k for k in range(1, 9)]
            if self.image_size not in sizes:
                smaller = max(size for size in sizes if size < self.image_size)
                raise ganzoo.HparamError(
                    f"image_size={self.image_size} is not 4 * 2^k: the nearest two are {smaller} and {smaller * 2}"
                )

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.generator = generator(hp)
        self.discriminator = discriminator(hp)

    def initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)

    def losses(self, real: Tensor) -> Iterator[ganzoo.Move]:
        fake = self.generator(self.randn(len(real), self.hp.latent_dim, 1, 1))
        yield self.discriminator, losses.non_saturating_discriminator(self.judge(real), self.judge(fake.detach()))
        with ganzoo.frozen(self.discriminator):
            yield self.generator, losses.non_saturating_generator(self.judge(fake))

    def judge(self, images: Tensor) -> Tensor:
        """Images -> logits `(n,)`, as they look after augmentation."""
        if self.hp.translation:
            images = augment.translated(images, self.rand(len(images), 2), ratio=self.hp.translation)
        logits: Tensor = self.discriminator(images)
        return logits

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def latents(self, n: int, seed: int) -> Tensor:
        return ganzoo.noise(n, self.hp.latent_dim, 1, 1, seed=seed)

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        images: Tensor = self.generator(latents)
        return images


class DCGANMini(DCGAN):
    """DCGAN at 32x32 in grey, narrow and short: handwritten digits in two minutes on a laptop's CPU."""

    default_data = "digits"

    @dataclass(frozen=True, kw_only=True)
    class Hparams(DCGAN.Hparams):
        image_size: int = 32
        channels: int = 1
        width: int = 32
        latent_dim: int = 6
        steps: int = 2000
        lr: float = 5e-4
        ema: float = 0.998
        translation: float = 1 / 16


def generator(hp: DCGAN.Hparams) -> nn.Sequential:
    """`(n, latent_dim, 1, 1)` -> `(n, channels, size, size)` in [-1, 1]: 4x4 first, then doubled until it fits."""
    widths = _widths(hp)[::-1]
    layers: list[nn.Module] = [nn.ConvTranspose2d(hp.latent_dim, widths[0], 4, 1, 0, bias=False)]
    for wide, narrow in zip(widths, [*widths[1:], hp.channels], strict=True):
        layers += [nn.BatchNorm2d(wide), nn.ReLU(inplace=True), nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False)]
    return nn.Sequential(*layers, nn.Tanh())


def discriminator(hp: DCGAN.Hparams) -> nn.Sequential:
    """`(n, channels, size, size)` -> `(n,)` logits: halved until it is 4x4, then one number."""
    widths = _widths(hp)
    layers: list[nn.Module] = [nn.Conv2d(hp.channels, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for narrow, wide in pairwise(widths):
        layers += [nn.Conv2d(narrow, wide, 4, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 0, bias=False), nn.Flatten(0))


def _widths(hp: DCGAN.Hparams) -> list[int]:
    """Channels at each size from half the image's down to 4x4."""
    halvings = (hp.image_size // 4).bit_length() - 1
    return [hp.width * min(2**i, 16) for i in range(halvings)]
