"""R3GAN (Huang, Gokaslan, Kuleshov & Tompkin 2025), https://arxiv.org/abs/2501.05441."""

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor, nn

import ganzoo
from ganzoo import augment, losses
from ganzoo_r3gan.networks import discriminator, generator, initialise


class R3GAN(ganzoo.Model):
    """The GAN is dead; long live the GAN! (Huang, Gokaslan, Kuleshov & Tompkin 2025).

    It turns noise into images, with a loss that is proven to converge locally: the discriminator
    says which of a real and a generated image is the real one, with R1 and R2 in every step. Each
    player sees a real batch of its own, the discriminator first. Written from the paper alone
    (arXiv:2501.05441).
    """

    task = "unconditional-image-generation"
    batches_per_step = 2
    depends_on_steps = True

    class Hparams(augment.Hparams):
        """The paper's for FFHQ at 64x64: 20 million images, averages with a half-life of 500,000.

        For CIFAR-10: `image_size=32 gamma=0.05 batch_size=512 steps=39063 ema=0.99993`, a
        half-life of 5 million images. The paper mirrors images and augments ever more of them;
        here both are off by default.

        The three schedules run from the first step to the last, along a cosine.
        """

        image_size: Annotated[int, ganzoo.PowersOfTwo(8, 1024)] = 64
        channels: int = 3
        latent_dim: Annotated[
            int,
            ganzoo.Range(1, 8192),
            "numbers of noise per image",
        ] = 64
        width: Annotated[
            int,
            ganzoo.Range(1, 8192),
            "channels from 4x4 to 32x32; halved with each size above",
        ] = 768
        blocks: Annotated[
            int,
            ganzoo.Range(1, 64),
            "residual blocks per size; inside, a block is twice as wide",
        ] = 2
        group_size: Annotated[
            int,
            ganzoo.Range(1, 8192),
            "channels that a block convolves together",
        ] = 16
        gamma: Annotated[
            float,
            ganzoo.Range(0, 1e6),
            "R1 and R2 are weighted by gamma / 2",
        ] = 2.0
        gamma_end: Annotated[
            float,
            ganzoo.Range(0, 1),
            "share of gamma in the last step",
        ] = 0.1
        lr_end: Annotated[
            float,
            ganzoo.Range(0, 1),
            "share of lr in the last step",
        ] = 0.25
        beta2_end: Annotated[
            float,
            ganzoo.Range(0, 0.999999),
            "second of `betas` in the last step",
        ] = 0.99
        batch_size: int = 256
        steps: int = 78_125
        betas: tuple[float, float] = (0.0, 0.9)
        ema: float = 0.99965

        @property
        def widths(self) -> list[int]:
            """Channels at 4x4, 8x8 and so on."""
            stages = (self.image_size // 4).bit_length()
            return [self.width // 2 ** max(0, stage - 3) for stage in range(stages)]

        def validate(self) -> None:
            halved = 2 ** max(0, len(self.widths) - 4)
            narrowest = self.width // halved
            if self.width % halved or 2 * narrowest % self.group_size:
                unit = halved * self.group_size // math.gcd(2, self.group_size)
                raise ganzoo.HparamError(
                    f"width={self.width}: at {self.image_size}x{self.image_size} with "
                    f"group_size={self.group_size} it must be a multiple of {unit}"
                )

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        size = hp.widths, hp.blocks, hp.group_size
        self.generator = generator(hp.channels, hp.latent_dim, *size)
        self.discriminator = discriminator(hp.channels, *size)

    def initialise(self) -> None:
        initialise(self.generator)
        initialise(self.discriminator)

    def losses(self, batches: tuple[Tensor, Tensor]) -> Iterator[ganzoo.Move]:
        real, another = batches
        gamma = self.hp.gamma * cosine(1, self.hp.gamma_end, self.progress)
        with torch.no_grad():
            fake = self.fake(len(real))
        # R1 and R2 differentiate by the images before augmentation: augmentation is part of the
        # function that is kept smooth.
        real = real.detach().requires_grad_()
        fake = fake.requires_grad_()
        on_real = self.discriminator(self.augmented(real))
        self.observe(on_real)
        on_fake = self.discriminator(self.augmented(fake))
        pairs = losses.relativistic_discriminator(on_real, on_fake)
        r1 = losses.zero_centred_penalty(real, on_real) * (gamma / 2)
        r2 = losses.zero_centred_penalty(fake, on_fake) * (gamma / 2)
        yield self.discriminator, {"pairs": pairs, "r1": r1, "r2": r2}

        with ganzoo.frozen(self.discriminator):
            fake = self.fake(len(another))
            on_real = self.discriminator(self.augmented(another))
            on_fake = self.discriminator(self.augmented(fake))
            yield self.generator, losses.relativistic_generator(on_real, on_fake)

    def fake(self, n: int) -> Tensor:
        """n images from fresh noise."""
        return self.generator(self.randn(n, self.hp.latent_dim))

    def betas(self, step: int) -> tuple[float, float]:
        beta1, beta2 = self.hp.betas
        percent = step * 100 // self.hp.steps  # beta2 rises in a hundred stairs
        return beta1, cosine(beta2, self.hp.beta2_end, percent / 100)

    def lr_scale(self, progress: float) -> float:
        return cosine(1, self.hp.lr_end, progress)

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def compiled(self) -> list[nn.Module]:
        # R1 and R2 differentiate the discriminator twice.
        return [self.generator]

    def latents(self, n: int, seed: int) -> Tensor:
        return ganzoo.noise(n, self.hp.latent_dim, seed=seed)

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        # The last layer is linear, and the discriminator sees its output as it is.
        return self.generator(latents).clamp(-1, 1)


def cosine(first: float, last: float, progress: float) -> float:
    """From `first` at progress 0 to `last` at progress 1, along half a period of a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2
