"""A DCGAN that draws what is asked for by attribute, https://arxiv.org/abs/1802.05637."""

from collections.abc import Iterator
from typing import Annotated

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


class ConditionedBatchNorm(nn.Module):
    """Batch normalisation whose scale and shift are linear in the condition.

    `(n, channels, h, w)`, conditions `(n, length)` -> the same shape (de Vries et al. 2017,
    section 3, arXiv:1707.00683).
    """

    def __init__(self, channels: int, length: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Linear(length, channels)
        self.shift = nn.Linear(length, channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale = self.scale(condition)[:, :, None, None]
        shift = self.shift(condition)[:, :, None, None]
        return self.norm(x) * scale + shift


class Generator(nn.Module):
    """DCGAN's generator with the condition beside the noise and in every norm.

    Latents `(n, latent_dim, 1, 1)`, conditions `(n, length)` -> images in [-1, 1].
    """

    def __init__(self, hp: DCGANHparams, length: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for layer in generator(hp):
            if isinstance(layer, nn.BatchNorm2d):
                layer = ConditionedBatchNorm(layer.num_features, length)
            self.layers.append(layer)

    def forward(self, latents: Tensor, condition: Tensor) -> Tensor:
        x = latents
        for layer in self.layers:
            conditioned = isinstance(layer, ConditionedBatchNorm)
            x = layer(x, condition) if conditioned else layer(x)
        return x


class Discriminator(nn.Module):
    """DCGAN's discriminator plus a projection of its last features on the condition.

    Images, conditions `(n, length)` -> logits `(n,)`: psi(phi(x)) + <V c, phi(x)>, with phi summed
    over positions (Miyato & Koyama 2018, equation 2, with a vector in place of a class).
    """

    def __init__(self, hp: DCGANHparams, length: int) -> None:
        super().__init__()
        *features, last, flat = discriminator(hp)
        assert isinstance(last, nn.Conv2d)
        self.features = nn.Sequential(*features)
        self.last = nn.Sequential(last, flat)
        self.projection = nn.Linear(length, last.in_channels, bias=False)

    def forward(self, images: Tensor, condition: Tensor) -> Tensor:
        features = self.features(images)
        projected = (self.projection(condition) * features.sum((2, 3))).sum(1)
        return self.last(features) + projected


class AttributeDCGAN(ganzoo.Model):
    """DCGAN that draws what is asked for by attribute (Miyato & Koyama 2018, arXiv:1802.05637).

    It turns noise and attributes (hair=blond, glasses=yes) into an image. The attributes, a vector,
    enter the discriminator through an inner product with its features, and the generator through
    the scale and shift of its norms, as those of `cdcgan` are classes.
    """

    task = "unconditional-image-generation"
    view = ganzoo.Conditioned
    default_data = "faces"

    class Hparams(MiniHparams):
        """Those of `dcgan-mini`, for longer; `condition` is filled from the data."""

        steps: int = 4000
        condition: Annotated[
            int | None,
            ganzoo.Range(1, 2**20),
            "length of the vector that attributes are encoded in",
        ] = None

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        assert hp.condition
        self.generator = Generator(hp, hp.condition)
        self.discriminator = Discriminator(hp, hp.condition)
        freeze(self.discriminator, hp.freeze_discriminator)

    def initialise(self) -> None:
        initialise(self)
        for module in self.modules():
            if isinstance(module, ConditionedBatchNorm):
                for layer, value in ((module.scale, 1.0), (module.shift, 0.0)):
                    nn.init.normal_(layer.weight, 0.0, 0.02)
                    nn.init.constant_(layer.bias, value)
        nn.init.xavier_uniform_(self.discriminator.projection.weight)

    def losses(self, batch: ganzoo.Conditioned) -> Iterator[ganzoo.Move]:
        real, condition = batch
        adversarial = losses.NON_SATURATING
        latents = self.randn(len(real), self.hp.latent_dim, 1, 1)
        fake = self.generator(latents, condition)
        on_real = self.discriminator(self.augmented(real), condition)
        self.observe(on_real)
        on_fake = self.discriminator(self.augmented(fake.detach()), condition)
        yield self.discriminator, adversarial.discriminator(on_real, on_fake)

        with ganzoo.frozen(self.discriminator):
            on_fake = self.discriminator(self.augmented(fake), condition)
            yield self.generator, adversarial.generator(on_fake)

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def latents(self, n: int, seed: int) -> Tensor:
        return ganzoo.noise(n, self.hp.latent_dim, 1, 1, seed=seed)

    def generate(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        if condition is None:
            assert self.hp.condition
            condition = latents.new_zeros(len(latents), self.hp.condition)
        return self.generator(latents, condition)
