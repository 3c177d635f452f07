"""AC-GAN, https://arxiv.org/abs/1610.09585: the discriminator also tells the class."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import ganzoo
from ganzoo import augment, losses


class Discriminator(nn.Module):
    """Images -> logits `(n,)`, and logits of classes `(n, classes)`."""

    def __init__(self, channels, size, width, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
        )
        features = 2 * width * (size // 4) ** 2
        self.real, self.kind = nn.Linear(features, 1), nn.Linear(features, classes)

    def forward(self, images):
        features = self.features(images)
        return self.real(features)[:, 0], self.kind(features)


class ACGAN(ganzoo.Model):
    """Image synthesis with a classifier (Odena, Olah & Shlens 2017, arXiv:1610.09585)."""

    task = "unconditional-image-generation"
    view = ganzoo.Labelled

    class Hparams(augment.Hparams):
        image_size: int = 32
        channels: int = 3
        classes: int | None = None
        width: int = 16
        latent_dim: int = 16
        ema: float = 0.99

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.ModuleDict(
            {
                "classes": nn.Embedding(hp.classes, hp.latent_dim),
                "network": nn.Sequential(
                    nn.Linear(2 * hp.latent_dim, 2 * hp.width * (hp.image_size // 4) ** 2),
                    nn.Unflatten(1, (2 * hp.width, hp.image_size // 4, hp.image_size // 4)),
                    nn.BatchNorm2d(2 * hp.width),
                    nn.ReLU(),
                    nn.ConvTranspose2d(2 * hp.width, hp.width, 4, 2, 1),
                    nn.BatchNorm2d(hp.width),
                    nn.ReLU(),
                    nn.ConvTranspose2d(hp.width, hp.channels, 4, 2, 1),
                    nn.Tanh(),
                ),
            }
        )
        self.discriminator = Discriminator(hp.channels, hp.image_size, hp.width, hp.classes)

    def losses(self, batch):
        real, labels = batch
        fake = self.generate(self.randn(len(real), self.hp.latent_dim), labels)
        on_real, kind_real = self.discriminator(self.augmented(real))
        on_fake, kind_fake = self.discriminator(self.augmented(fake.detach()))
        self.observe(on_real)
        self.report("accuracy", (kind_real.argmax(1) == labels).float())
        terms = losses.non_saturating_discriminator(on_real, on_fake)
        terms["class"] = cross_entropy(kind_real, labels) + cross_entropy(kind_fake, labels)
        yield self.discriminator, terms
        with ganzoo.frozen(self.discriminator):
            on_fake, kind_fake = self.discriminator(self.augmented(fake))
            terms = {
                "adversarial": losses.non_saturating_generator(on_fake),
                "class": cross_entropy(kind_fake, labels),
            }
            yield self.generator, terms

    def averaged(self):
        return [self.generator]

    def latents(self, n, seed):
        return ganzoo.noise(n, self.hp.latent_dim, seed=seed)

    def generate(self, latents, labels=None):
        if labels is None:
            labels = torch.zeros(len(latents), dtype=torch.long, device=latents.device)
        both = torch.cat([latents, self.generator["classes"](labels).to(latents.dtype)], 1)
        return self.generator["network"](both)
