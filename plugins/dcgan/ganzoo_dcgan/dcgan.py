"""DCGAN (Radford, Metz & Chintala 2015), https://arxiv.org/abs/1511.06434."""

from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor, nn

import ganzoo
from ganzoo import losses
from ganzoo_dcgan.networks import (
    DCGANHparams,
    MiniHparams,
    discriminator,
    freeze,
    generator,
    initialise,
)


class DCGAN(ganzoo.Model):
    """Deep convolutional GAN (Radford, Metz & Chintala 2015, arXiv:1511.06434).

    It turns noise into images with strided convolutions and batch normalisation alone. The
    discriminator learns on a batch of real and a batch of generated images; then the generator
    learns to be taken for real. Networks, first weights and optimizers are those of PyTorch's
    own example, for any size 4 * 2^k.
    """

    task = "unconditional-image-generation"

    Hparams = DCGANHparams
    hp: DCGANHparams
    adversarial: ClassVar[losses.LossPair] = losses.NON_SATURATING

    def __init__(self, hp: DCGANHparams) -> None:
        super().__init__(hp)
        self.generator = generator(hp)
        self.discriminator = discriminator(hp)
        freeze(self.discriminator, hp.freeze_discriminator)

    def initialise(self) -> None:
        initialise(self)

    def losses(self, real: Tensor) -> Iterator[ganzoo.Move]:
        latents = self.randn(len(real), self.hp.latent_dim, 1, 1)
        fake = self.generator(latents)
        on_real = self.discriminator(self.augmented(real))
        self.observe(on_real)
        on_fake = self.discriminator(self.augmented(fake.detach()))
        yield self.discriminator, self.adversarial.discriminator(on_real, on_fake)

        with ganzoo.frozen(self.discriminator):
            on_fake = self.discriminator(self.augmented(fake))
            yield self.generator, self.adversarial.generator(on_fake)

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def latents(self, n: int, seed: int) -> Tensor:
        return ganzoo.noise(n, self.hp.latent_dim, 1, 1, seed=seed)

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.generator(latents)


class DCGANMini(DCGAN):
    """DCGAN, narrow and short: for drawn faces on a laptop's CPU."""

    default_data = "faces"

    Hparams = MiniHparams
