"""What the models of the DCGAN family share."""

from torch import Tensor, nn

import ganzoo
from ganzoo import augment
from ganzoo_dcgan.networks import DCGANHparams


class Family(ganzoo.Model):
    """A generator from Gaussian noise, averaged, and a discriminator that sees augmented images."""

    hp: DCGANHparams
    generator: nn.Module
    discriminator: nn.Module

    def judge(self, images: Tensor, *condition: Tensor) -> Tensor:
        """Images (and their labels, for a conditional model) -> logits `(n,)`, as they look after augmentation."""
        logits: Tensor = self.discriminator(
            augment.augmented(images, self.hp, self.rand), *condition
        )
        return logits

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def latents(self, n: int, seed: int) -> Tensor:
        return ganzoo.noise(n, self.hp.latent_dim, 1, 1, seed=seed)
