"""WGAN-GP (Gulrajani et al. 2017), https://arxiv.org/abs/1704.00028."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

import ganzoo
from ganzoo import losses
from ganzoo_resnet.networks import Discriminator, ResNetHparams
from ganzoo_resnet.resnet_gan import ResNetGAN


class WGANGP(ResNetGAN):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028).

    The critic estimates the distance between generated and real images; its one constraint is a
    slope of 1 between them. Settings are the paper's for CIFAR-10 without labels. The networks
    are SNGAN's, with which it is mostly reproduced: the authors' generator is half as wide
    (`generator_width=128`) and moves on twice the batch.
    """

    class Hparams(ResNetHparams):
        renamed: ClassVar[Mapping[str, str]] = {"penalty": "penalty_weight"}

        penalty_weight: Annotated[
            float,
            ganzoo.Range(0, 10_000),
            "weight of the gradient penalty, the paper's lambda",
        ] = 10.0

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.discriminator = Discriminator(hp, torch.mean)

    def losses(self, batch: Tensor | tuple[Tensor, ...]) -> Iterator[ganzoo.Move]:
        critic = self.discriminator
        for images in self.reals(batch):  # algorithm 1
            with torch.no_grad():
                real = self.augmented(images)
                fake = self.augmented(self.fake(len(images)))
            on_real, on_fake = critic(real), critic(fake)
            self.observe(on_real)
            terms = losses.wasserstein_critic(on_real, on_fake)
            places = self.rand(len(real), 1, 1, 1)
            slope = losses.gradient_penalty(critic, real, fake, places)
            yield critic, {**terms, "penalty": self.hp.penalty_weight * slope}

        with ganzoo.frozen(critic):
            fake = self.augmented(self.fake(len(images)))
            yield self.generator, losses.wasserstein_generator(critic(fake))

    def compiled(self) -> list[nn.Module]:
        # The penalty takes second derivatives of the critic.
        return [self.generator]
