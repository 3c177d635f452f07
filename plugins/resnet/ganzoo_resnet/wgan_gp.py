"""WGAN-GP (Gulrajani et al. 2017), https://arxiv.org/abs/1704.00028."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

import ganzoo
from ganzoo import losses
from ganzoo_resnet.family import Family
from ganzoo_resnet.networks import Discriminator, ResNetHparams


class WGANGP(Family):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028).

    The critic estimates how far generated images are from real ones; that its slope is 1 between them is its one
    constraint. Settings are the paper's for CIFAR-10 without labels; the networks are those with which it is mostly
    reproduced, SNGAN's: the authors' generator is half as wide, `generator_width=128`, and moves on twice the batch.
    """

    task = "unconditional-image-generation"

    @dataclass(frozen=True, kw_only=True)
    class Hparams(ResNetHparams):
        """`penalty` weighs the slope of the critic, the paper's lambda."""

        penalty: Annotated[float, ganzoo.Range(0, 10_000)] = 10.0

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.discriminator = Discriminator(hp, torch.mean)

    def losses(self, batch: Tensor | tuple[Tensor, ...]) -> Iterator[ganzoo.Move]:
        for images in self.reals(batch):  # algorithm 1
            with torch.no_grad():
                real, fake = self.seen(images), self.seen(self.fake(len(images)))
            terms = losses.wasserstein_critic(self.discriminator(real), self.discriminator(fake))
            slope = losses.gradient_penalty(
                self.discriminator, real, fake, self.rand(len(real), 1, 1, 1)
            )
            yield self.discriminator, {**terms, "penalty": self.hp.penalty * slope}
        with ganzoo.frozen(self.discriminator):
            fake = self.seen(self.fake(len(images)))
            yield self.generator, losses.wasserstein_generator(self.discriminator(fake))

    def compiled(self) -> list[nn.Module]:
        return [self.generator]  # the penalty takes second derivatives of the critic
