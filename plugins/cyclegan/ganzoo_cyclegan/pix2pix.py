"""pix2pix (Isola, Zhu, Zhou & Efros 2017), https://arxiv.org/abs/1611.07004."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

import ganzoo
from ganzoo import losses
from ganzoo_cyclegan.translator import Translator


class Pix2Pix(Translator):
    """Image-to-image translation with conditional adversarial networks (Isola et al. 2017).

    It learns from pairs. The discriminator sees the source next to its translation, patch by
    patch; the generator, a U-Net, also stays near the target (L1). Settings of the authors'
    implementation (arXiv:1611.07004), with two differences: batch norms take the statistics of
    each image, which is the same at batch size 1; and dropout, their noise, is off in use.
    """

    view = ganzoo.Pair

    class Hparams(Translator.Hparams):
        renamed: ClassVar[Mapping[str, str]] = {"l1": "l1_weight"}

        generator: Literal["resnet", "unet"] = "unet"
        steps: int = 80_000  # 200 epochs of facades
        l1_weight: Annotated[
            float,
            ganzoo.Range(0, 10_000),
            "weight of the distance to the target",
        ] = 100.0
        direction: Annotated[
            Literal["a2b", "b2a"],
            "b2a learns from right to left, or from B to A",
        ] = "a2b"

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.directions = (hp.direction,)
        self.generator = self.new_generator(affine=True, dropout=True)
        self.discriminator = self.new_discriminator(2 * hp.channels, affine=True)

    def losses(self, batch: ganzoo.Pair) -> Iterator[ganzoo.Move]:
        source, target = self.ordered(batch)
        fake = self.generator(source)
        on_real = self.discriminator(self.beside(source, target))
        self.observe(on_real)
        on_fake = self.discriminator(self.beside(source, fake.detach()))
        terms = losses.non_saturating_discriminator(on_real, on_fake)
        half = {name: term / 2 for name, term in terms.items()}  # section 3.3
        yield self.discriminator, half

        with ganzoo.frozen(self.discriminator):
            on_fake = self.discriminator(self.beside(source, fake))
            terms = {
                "adversarial": losses.non_saturating_generator(on_fake),
                "l1": self.hp.l1_weight * l1_loss(fake, target),
            }
            yield self.generator, terms

    def beside(self, source: Tensor, target: Tensor) -> Tensor:
        """Both, augmented alike, as `(n, 2 * channels, h, w)` for the discriminator."""
        both = self.augmented(torch.cat([source, target]), sides=2)
        return torch.cat(both.chunk(2), dim=1)

    def ordered(self, batch: ganzoo.Pair) -> tuple[Tensor, Tensor]:
        """Input and target, by `direction`."""
        source, target = batch
        return (source, target) if self.hp.direction == "a2b" else (target, source)

    def averaged(self) -> list[nn.Module]:
        return [self.generator]

    def network(self, direction: str) -> nn.Module:
        return self.generator

    def preview(self, batch: ganzoo.Pair) -> Tensor:
        """Three rows of eight: input, translation, target."""
        source, target = self.ordered(batch)
        source, target = source[:8], target[:8]
        fake = self.translate(source, self.hp.direction)
        return torch.cat([source, fake, target])


class Pix2PixMini(Pix2Pix):
    """pix2pix, narrow and short: blond hair to black on drawn faces, on a laptop's CPU."""

    default_data = "faces:hair=blond/black"

    class Hparams(Pix2Pix.Hparams):
        image_size: int = 32
        load_size: int | None = None
        flip: bool = False
        width: int = 16
        batch_size: int = 8
        steps: int = 1500
        lr: float = 5e-4
