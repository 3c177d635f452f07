"""What the models of residual networks share."""

from torch import Tensor, nn

import ganzoo
from ganzoo import augment
from ganzoo_resnet.networks import ResNetHparams, generator


class Family(ganzoo.Model):
    """A generator from Gaussian noise, a discriminator that moves more often, rates that fall to 0 in a line."""

    hp: ResNetHparams
    discriminator: nn.Module

    def __init__(self, hp: ResNetHparams) -> None:
        super().__init__(hp)
        self.batches_per_step = hp.critic_steps
        self.generator = generator(hp)

    def lr_scale(self, progress: float) -> float:
        return 1 - progress

    def reals(self, batch: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The real images of each of the discriminator's moves."""
        return batch if isinstance(batch, tuple) else (batch,)

    def fake(self, n: int) -> Tensor:
        """n images from fresh noise."""
        images: Tensor = self.generator(self.randn(n, self.hp.latent_dim))
        return images

    def seen(self, images: Tensor) -> Tensor:
        """The images as the discriminator sees them: augmented."""
        return augment.augmented(images, self.hp, self.rand)

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def latents(self, n: int, seed: int) -> Tensor:
        return ganzoo.noise(n, self.hp.latent_dim, seed=seed)

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        images: Tensor = self.generator(latents)
        return images
