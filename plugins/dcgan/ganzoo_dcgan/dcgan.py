"""DCGAN (Radford, Metz & Chintala 2015), https://arxiv.org/abs/1511.06434."""

from collections.abc import Iterator

from torch import Tensor

import ganzoo
from ganzoo import losses
from ganzoo_dcgan.family import Family
from ganzoo_dcgan.networks import (
    DCGANHparams,
    MiniHparams,
    discriminator,
    freeze,
    generator,
    initialise,
)


class DCGAN(Family):
    """Deep convolutional GAN (Radford, Metz & Chintala 2015, arXiv:1511.06434).

    Noise to images with strided convolutions and batch normalisation alone. The discriminator learns on a batch
    of real and one of generated images, then the generator learns to be taken for real. Networks, first weights
    and optimizers are those of PyTorch's own example, for any size 4 * 2^k.
    """

    task = "unconditional-image-generation"

    Hparams = DCGANHparams
    hp: DCGANHparams

    def __init__(self, hp: DCGANHparams) -> None:
        super().__init__(hp)
        self.generator = generator(hp)
        self.discriminator = discriminator(hp)
        freeze(self.discriminator, hp.freeze_discriminator)

    def initialise(self) -> None:
        initialise(self)

    def losses(self, real: Tensor) -> Iterator[ganzoo.Move]:
        fake = self.generator(self.randn(len(real), self.hp.latent_dim, 1, 1))
        yield (
            self.discriminator,
            losses.non_saturating_discriminator(self.judge(real), self.judge(fake.detach())),
        )
        with ganzoo.frozen(self.discriminator):
            yield self.generator, losses.non_saturating_generator(self.judge(fake))

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        images: Tensor = self.generator(latents)
        return images


class DCGANMini(DCGAN):
    """DCGAN at 32x32 in grey, narrow and short: handwritten digits in two minutes on a laptop's CPU."""

    default_data = "digits"

    Hparams = MiniHparams
