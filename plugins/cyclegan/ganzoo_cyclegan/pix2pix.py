"""pix2pix (Isola, Zhu, Zhou & Efros 2017), https://arxiv.org/abs/1611.07004."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

import ganzoo
from ganzoo import losses
from ganzoo_cyclegan.translator import Translator


class Pix2Pix(Translator):
    """Image-to-image translation with conditional adversarial networks (Isola et al. 2017, arXiv:1611.07004).

    Learns from pairs. The discriminator sees the source beside what it became, patch by patch; the generator, a U-Net,
    also stays near the target (L1). Settings of the authors' implementation, but for two things: batch norms take the
    statistics of each image, which at batch size 1 is the same; and dropout, their noise, is off when it translates.
    """

    view = ganzoo.Pair

    @dataclass(frozen=True, kw_only=True)
    class Hparams(Translator.Hparams):
        """`l1` weighs nearness to the target, `direction` b2a learns from right to left, or from B to A."""

        generator: Literal["resnet", "unet"] = "unet"
        steps: int = 80_000  # 200 epochs of facades
        l1: Annotated[float, ganzoo.Range(0, 10_000)] = 100.0
        direction: Literal["a2b", "b2a"] = "a2b"

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.directions = (hp.direction,)
        self.generator = self.new_generator(affine=True, dropout=True)
        self.discriminator = self.new_discriminator(2 * hp.channels, affine=True)

    def losses(self, batch: ganzoo.Pair) -> Iterator[ganzoo.Move]:
        source, target = self.ordered(batch)
        fake = self.generator(source)
        real_logits = self.judged(self.discriminator, source, target)
        fake_logits = self.judged(self.discriminator, source, fake.detach())
        terms = losses.non_saturating_discriminator(real_logits, fake_logits)
        yield self.discriminator, {name: term / 2 for name, term in terms.items()}  # section 3.3
        with ganzoo.frozen(self.discriminator):
            adversarial = losses.non_saturating_generator(
                self.judged(self.discriminator, source, fake)
            )
            yield (
                self.generator,
                {"adversarial": adversarial, "l1": self.hp.l1 * l1_loss(fake, target)},
            )

    def ordered(self, batch: ganzoo.Pair) -> tuple[Tensor, Tensor]:
        """What is given, and what it is to become."""
        return (
            (batch.source, batch.target)
            if self.hp.direction == "a2b"
            else (batch.target, batch.source)
        )

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def network(self, direction: str) -> nn.Module:
        return self.generator

    def preview(self, batch: ganzoo.Pair) -> Tensor:
        """Three rows of eight: what is given, what the model makes of it, what it should be."""
        source, target = (images[:8] for images in self.ordered(batch))
        return torch.cat([source, self.translate(source, self.hp.direction), target])
