"""LSGAN (Mao et al. 2017), https://arxiv.org/abs/1611.04076."""

from collections.abc import Iterator

from torch import Tensor

import ganzoo
from ganzoo import losses
from ganzoo_dcgan.dcgan import DCGAN


class LSGAN(DCGAN):
    """Least squares GAN (Mao, Li, Xie, Lau, Wang & Smolley 2017, arXiv:1611.04076).

    DCGAN whose discriminator is asked for numbers, 1 for real images and 0 for generated ones (equation 9): one that
    lies far beyond on the right side is drawn back, so that the generator goes on learning from it. The paper builds on
    DCGAN; networks and settings are DCGAN's here, and not those of the paper's own for 112x112.
    """

    task = "unconditional-image-generation"

    def losses(self, real: Tensor) -> Iterator[ganzoo.Move]:
        fake = self.generator(self.randn(len(real), self.hp.latent_dim, 1, 1))
        yield (
            self.discriminator,
            losses.least_squares_discriminator(self.judge(real), self.judge(fake.detach())),
        )
        with ganzoo.frozen(self.discriminator):
            yield self.generator, losses.least_squares_generator(self.judge(fake))
