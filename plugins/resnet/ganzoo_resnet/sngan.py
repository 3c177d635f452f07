"""SNGAN (Miyato, Kataoka, Koyama & Yoshida 2018), https://arxiv.org/abs/1802.05957."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import ganzoo
from ganzoo import losses
from ganzoo_resnet.networks import Discriminator, ResNetHparams
from ganzoo_resnet.resnet_gan import ResNetGAN


class SNGAN(ResNetGAN):
    """Spectral normalisation for GANs (Miyato, Kataoka, Koyama & Yoshida 2018, arXiv:1802.05957).

    Each layer of the discriminator is divided by its largest singular value, which one power
    iteration per move estimates. Networks and settings are those of the paper's ResNet for
    CIFAR-10 without labels, with the hinge loss.
    """

    def __init__(self, hp: ResNetHparams) -> None:
        super().__init__(hp)
        self.discriminator = Discriminator(hp, torch.sum)
        for layer in list(self.discriminator.modules()):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                # Its vectors are buffers, saved and resumed with the weights.
                spectral_norm(layer)

    def losses(self, batch: Tensor | tuple[Tensor, ...]) -> Iterator[ganzoo.Move]:
        for images in self.reals(batch):
            with torch.no_grad():
                real = self.augmented(images)
                fake = self.augmented(self.fake(len(images)))
            # in one pass: one power iteration per move, as in algorithm 1
            logits = self.discriminator(torch.cat([real, fake]))
            on_real, on_fake = logits.chunk(2)
            self.observe(on_real)
            yield self.discriminator, losses.hinge_discriminator(on_real, on_fake)

        with ganzoo.frozen(self.discriminator):
            fake = self.augmented(self.fake(len(images)))
            on_fake = self.discriminator(fake)
            yield self.generator, losses.hinge_generator(on_fake)
