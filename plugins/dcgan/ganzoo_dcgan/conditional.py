"""A class-conditional DCGAN with a projection discriminator, https://arxiv.org/abs/1802.05637."""

from collections.abc import Iterator

import torch
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


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation with a scale and a shift per class.

    `(n, channels, h, w)`, labels `(n,)` -> the same shape. De Vries et al. 2017, section 3,
    arXiv:1707.00683.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Embedding(classes, channels)
        self.shift = nn.Embedding(classes, channels)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        scale = self.scale(labels)[:, :, None, None]
        shift = self.shift(labels)[:, :, None, None]
        return self.norm(x) * scale + shift


class Generator(nn.Module):
    """DCGAN's generator with the class in every norm.

    Latents `(n, latent_dim, 1, 1)`, labels `(n,)` -> images in [-1, 1].
    """

    def __init__(self, hp: DCGANHparams, classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for layer in generator(hp):
            if isinstance(layer, nn.BatchNorm2d):
                layer = ConditionalBatchNorm(layer.num_features, classes)
            self.layers.append(layer)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        x = latents
        for layer in self.layers:
            conditional = isinstance(layer, ConditionalBatchNorm)
            x = layer(x, labels) if conditional else layer(x)
        return x


class Discriminator(nn.Module):
    """DCGAN's discriminator plus a projection of its last features on the class.

    Images, labels `(n,)` -> logits `(n,)`: psi(phi(x)) + <v_y, phi(x)>, with phi summed over
    positions (Miyato & Koyama 2018, equation 2, arXiv:1802.05637).
    """

    def __init__(self, hp: DCGANHparams, classes: int) -> None:
        super().__init__()
        *features, last, flat = discriminator(hp)
        assert isinstance(last, nn.Conv2d)
        self.features = nn.Sequential(*features)
        self.last = nn.Sequential(last, flat)
        self.classes = nn.Embedding(classes, last.in_channels)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        features = self.features(images)
        projection = (self.classes(labels) * features.sum((2, 3))).sum(1)
        return self.last(features) + projection


class CDCGAN(ganzoo.Model):
    """Class-conditional DCGAN with a projection discriminator (Miyato & Koyama 2018).

    It turns noise and a class into an image. The class enters the discriminator through an inner
    product with its features (arXiv:1802.05637), and the generator through the scale and shift
    of its norms (de Vries et al. 2017, arXiv:1707.00683).
    """

    task = "unconditional-image-generation"
    view = ganzoo.Labelled

    class Hparams(DCGANHparams):
        """`classes` is filled from the data."""

        classes: int | None = None

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        assert hp.classes
        self.generator = Generator(hp, hp.classes)
        self.discriminator = Discriminator(hp, hp.classes)
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
        adversarial = losses.NON_SATURATING
        latents = self.randn(len(real), self.hp.latent_dim, 1, 1)
        fake = self.generator(latents, labels)
        on_real = self.discriminator(self.augmented(real), labels)
        self.observe(on_real)
        on_fake = self.discriminator(self.augmented(fake.detach()), labels)
        yield self.discriminator, adversarial.discriminator(on_real, on_fake)

        with ganzoo.frozen(self.discriminator):
            on_fake = self.discriminator(self.augmented(fake), labels)
            yield self.generator, adversarial.generator(on_fake)

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def latents(self, n: int, seed: int) -> Tensor:
        return ganzoo.noise(n, self.hp.latent_dim, 1, 1, seed=seed)

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if labels is None:
            assert self.hp.classes
            numbers = torch.arange(len(latents), device=latents.device)
            labels = numbers % self.hp.classes
        return self.generator(latents, labels)


class CDCGANMini(CDCGAN):
    """cDCGAN, narrow and short: for drawn faces by the colour of their hair, on a laptop's CPU."""

    default_data = "faces:label=hair"

    class Hparams(MiniHparams, CDCGAN.Hparams):
        """DCGANMini's, and `classes`."""
