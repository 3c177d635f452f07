"""A small generator that learns what a large one draws, https://arxiv.org/abs/1902.00159."""

from typing import Annotated

from torch import nn
from torch.nn.functional import l1_loss

import ganzoo
from ganzoo import losses


class Student(ganzoo.Model):
    """Compresses a GAN by distillation (Aguinaldo et al. 2019, arXiv:1902.00159)."""

    task = "unconditional-image-generation"

    class Hparams(ganzoo.Hparams):
        image_size: int = 16
        channels: int = 3
        width: int = 8
        teacher: Annotated[str, "a RUN of dcgan or dcgan-mini with images of this size"] = ""
        latent_dim: Annotated[int, ganzoo.Range(1, 4096), "that of the teacher"] = 32

    def __init__(self, hp):
        super().__init__(hp)
        pixels = hp.channels * hp.image_size**2
        shape = (hp.channels, hp.image_size, hp.image_size)
        self.generator = nn.Sequential(
            nn.Flatten(),
            nn.Linear(hp.latent_dim, 8 * hp.width),
            nn.ReLU(),
            nn.Linear(8 * hp.width, pixels),
            nn.Tanh(),
            nn.Unflatten(1, shape),
        )
        self.discriminator = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, hp.width), nn.ReLU(), nn.Linear(hp.width, 1)
        )

    def load_helpers(self):
        if not self.hp.teacher:
            raise ganzoo.UsageError("a student needs its teacher: --set teacher=RUN")
        return {"teacher": ganzoo.load(self.hp.teacher)}

    def losses(self, real):
        latents = self.randn(len(real), self.hp.latent_dim, 1, 1)
        wanted = self.helpers["teacher"].generate(latents)
        drawn = self.generator(latents)
        terms = losses.non_saturating_discriminator(
            self.discriminator(wanted), self.discriminator(drawn.detach())
        )
        yield self.discriminator, terms
        with ganzoo.frozen(self.discriminator):
            terms = {
                "adversarial": losses.non_saturating_generator(self.discriminator(drawn)),
                "distance": 10 * l1_loss(drawn, wanted),
            }
            yield self.generator, terms

    def latents(self, n, seed):
        return ganzoo.noise(n, self.hp.latent_dim, 1, 1, seed=seed)

    def generate(self, latents, labels=None):
        return self.generator(latents)
