"""The base of the residual GANs: noise, averages, and a discriminator that moves more often."""

from torch import Tensor, nn

import ganzoo
from ganzoo_resnet.networks import ResNetHparams, generator


class ResNetGAN(ganzoo.Model):
    """A generator from Gaussian noise, and learning rates that fall to 0 in a line."""

    task = "unconditional-image-generation"

    Hparams = ResNetHparams
    hp: ResNetHparams

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
        return self.generator(self.randn(n, self.hp.latent_dim))

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def latents(self, n: int, seed: int) -> Tensor:
        return ganzoo.noise(n, self.hp.latent_dim, seed=seed)

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.generator(latents)
