"""A class-conditional DCGAN: conditional batch norm (https://arxiv.org/abs/1707.00683), projection discriminator."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

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


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation whose scale and shift belong to the class (de Vries et al. 2017, section 3)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale, self.shift = nn.Embedding(classes, channels), nn.Embedding(classes, channels)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        out: Tensor = (
            self.norm(x) * self.scale(labels)[:, :, None, None]
            + self.shift(labels)[:, :, None, None]
        )
        return out


class Generator(nn.Module):
    """DCGAN's, with the class in every norm: latents `(n, latent_dim, 1, 1)`, labels `(n,)` -> images in [-1, 1]."""

    def __init__(self, hp: "CDCGAN.Hparams", classes: int) -> None:
        super().__init__()
        layers = generator(hp)
        self.layers = nn.ModuleList(
            ConditionalBatchNorm(layer.num_features, classes)
            if isinstance(layer, nn.BatchNorm2d)
            else layer
            for layer in layers
        )

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        x = latents
        for layer in self.layers:
            x = layer(x, labels) if isinstance(layer, ConditionalBatchNorm) else layer(x)
        return x


class Discriminator(nn.Module):
    """DCGAN's, and the projection of its last features on the class: images, labels -> logits `(n,)`.

    psi(phi(x)) + <v_y, phi(x)>, phi summed over places (Miyato & Koyama 2018, equation 2, arXiv:1802.05637).
    """

    def __init__(self, hp: "CDCGAN.Hparams", classes: int) -> None:
        super().__init__()
        *features, last, flat = discriminator(hp)
        assert isinstance(last, nn.Conv2d)
        self.features = nn.Sequential(*features)
        self.last = nn.Sequential(last, flat)
        self.classes = nn.Embedding(classes, last.in_channels)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        features = self.features(images)
        logits: Tensor = self.last(features) + (self.classes(labels) * features.sum((2, 3))).sum(1)
        return logits


class CDCGAN(Family):
    """Class-conditional DCGAN with a projection discriminator (Miyato & Koyama 2018, arXiv:1802.05637).

    Noise and a class to an image. The class enters the generator through the scale and shift of its norms (de Vries et
    al. 2017, arXiv:1707.00683) and the discriminator through an inner product with its features.
    """

    task = "unconditional-image-generation"
    view = ganzoo.Labelled

    @dataclass(frozen=True, kw_only=True)
    class Hparams(DCGANHparams):
        """`classes` is filled from the data."""

        classes: Annotated[int, ganzoo.Range(1, 2**20)] | None = None

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        assert hp.classes
        self.generator: Generator = Generator(hp, hp.classes)
        self.discriminator: Discriminator = Discriminator(hp, hp.classes)
        freeze(self.discriminator, hp.freeze_discriminator)

    def initialise(self) -> None:
        initialise(self)
        for module in self.modules():
            if isinstance(module, ConditionalBatchNorm):
                nn.init.normal_(module.scale.weight, 1.0, 0.02)
                nn.init.zeros_(module.shift.weight)
        nn.init.xavier_uniform_(self.discriminator.classes.weight)

    def losses(self, batch: ganzoo.Labelled) -> Iterator[ganzoo.Move]:
        real, labels = batch
        fake = self.generator(self.randn(len(real), self.hp.latent_dim, 1, 1), labels)
        terms = losses.non_saturating_discriminator(
            self.judge(real, labels), self.judge(fake.detach(), labels)
        )
        yield self.discriminator, terms
        with ganzoo.frozen(self.discriminator):
            yield self.generator, losses.non_saturating_generator(self.judge(fake, labels))

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if labels is None:
            labels = torch.arange(len(latents), device=latents.device) % (self.hp.classes or 1)
        images: Tensor = self.generator(latents, labels)
        return images


class CDCGANMini(CDCGAN):
    """cDCGAN at 32x32 in grey, narrow and short: handwritten digits that one can ask for, on a laptop's CPU."""

    default_data = "digits"

    @dataclass(frozen=True, kw_only=True)
    class Hparams(MiniHparams, CDCGAN.Hparams):
        """DCGANMini's, and `classes`."""
