"""CycleGAN (Zhu, Park, Isola & Efros 2017), https://arxiv.org/abs/1703.10593."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

import ganzoo
from ganzoo import losses
from ganzoo_cyclegan import authors_weights
from ganzoo_cyclegan.translator import ImagePool, Translator


class CycleGAN(Translator):
    """Unpaired image-to-image translation (Zhu, Park, Isola & Efros 2017, arXiv:1703.10593).

    Two generators translate pictures of domain A to B and back, each against a discriminator of
    patches. A picture that was translated there and back must be what it was; a picture that is
    in the target domain already must stay as it is. Least squares, a pool of earlier
    translations, and the settings of the authors' implementation.
    """

    view = ganzoo.Domains

    class Hparams(Translator.Hparams):
        """`invert_probability` is for data that mean the same in negative.

        A fake B is then translated back from its negative (x -> -x) with this probability, so
        that b2a learns both polarities, even if a2b makes only one.
        """

        renamed: ClassVar[Mapping[str, str]] = {
            "cycle": "cycle_weight",
            "identity": "identity_weight",
            "pool": "pool_size",
            "negatives": "invert_probability",
        }

        steps: int = 270_000  # 200 epochs of horse2zebra
        cycle_weight: Annotated[
            float,
            ganzoo.Range(0, 1000),
            "weight of the way there and back",
        ] = 10.0
        identity_weight: Annotated[
            float,
            ganzoo.Range(0, 1000),
            "weight, times cycle_weight, of keeping pictures of the target domain",
        ] = 0.5
        pool_size: Annotated[
            int,
            ganzoo.Range(0, 10_000),
            "earlier translations that are kept for the discriminators",
        ] = 50
        invert_probability: Annotated[
            float,
            ganzoo.Range(0, 1),
            "probability that a fake B is inverted before it is translated back",
        ] = 0.0

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.generators = nn.ModuleDict(
            {
                "a2b": self.new_generator(),
                "b2a": self.new_generator(),
            }
        )
        self.discriminators = nn.ModuleDict(
            {
                "a": self.new_discriminator(hp.channels),
                "b": self.new_discriminator(hp.channels),
            }
        )
        self.pools = nn.ModuleDict(
            {
                "a": ImagePool(hp.pool_size),
                "b": ImagePool(hp.pool_size),
            }
        )

    def losses(self, batch: ganzoo.Domains) -> Iterator[ganzoo.Move]:
        a, b = batch
        a2b, b2a = self.generators["a2b"], self.generators["b2a"]
        judge_a, judge_b = self.discriminators["a"], self.discriminators["b"]
        cycle = self.hp.cycle_weight
        identity = cycle * self.hp.identity_weight

        with ganzoo.frozen(self.discriminators):
            fake_b, fake_a = a2b(a), b2a(b)
            on_b = judge_b(self.augmented(fake_b))
            on_a = judge_a(self.augmented(fake_a))
            terms = {
                "a2b": losses.least_squares_generator(on_b),
                "b2a": losses.least_squares_generator(on_a),
                "cycle_a": cycle * l1_loss(b2a(self.inverted(fake_b)), a),
                "cycle_b": cycle * l1_loss(a2b(fake_a), b),
            }
            if identity:
                terms["same_a"] = identity * l1_loss(b2a(a), a)
                terms["same_b"] = identity * l1_loss(a2b(b), b)
            yield self.generators, terms

        real = {"a": a, "b": b}
        fake = {"a": self.pooled("a", fake_a), "b": self.pooled("b", fake_b)}
        half = {}  # the discriminators learn at half the speed of the generators (section 7.1)
        for domain, judge in self.discriminators.items():
            on_real = judge(self.augmented(real[domain]))
            self.observe(on_real)
            on_fake = judge(self.augmented(fake[domain]))
            terms = losses.least_squares_discriminator(on_real, on_fake)
            for name, term in terms.items():
                half[f"{domain}_{name}"] = term / 2
        yield self.discriminators, half

    def inverted(self, fakes: Tensor) -> Tensor:
        """The images, each one in negative with the probability `invert_probability`."""
        if not self.hp.invert_probability:
            return fakes
        chosen = self.rand(len(fakes), 1, 1, 1) < self.hp.invert_probability
        return torch.where(chosen, -fakes, fakes)

    def pooled(self, domain: str, fakes: Tensor) -> Tensor:
        """Translations for the discriminator of the domain, partly from earlier steps."""
        pool = self.pools[domain]
        assert isinstance(pool, ImagePool)
        draws = self.rand(len(fakes), 2)
        return pool.exchange(fakes.detach(), draws, seen=self.step * len(fakes))

    @classmethod
    def convert_weights(
        cls, files: Mapping[str, Mapping[str, Tensor]]
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return authors_weights.cyclegan(files)

    def averaged(self) -> list[nn.Module]:
        return [self.generators]

    def network(self, direction: str) -> nn.Module:
        return self.generators[direction]

    def preview(self, batch: ganzoo.Domains) -> Tensor:
        """A row of eight columns per picture: A, to B, back to A, A as A; then B likewise."""
        columns = []
        for real, there, back in ((batch.a, "a2b", "b2a"), (batch.b, "b2a", "a2b")):
            real = real[:8]
            fake = self.translate(real, there)
            columns += [real, fake, self.translate(fake, back), self.translate(real, back)]
        return torch.stack(columns, dim=1).flatten(0, 1)


class CycleGANMini(CycleGAN):
    """CycleGAN, narrow and short: blond hair to black on drawn faces, on a laptop's CPU."""

    default_data = "faces:hair=blond/black"

    class Hparams(CycleGAN.Hparams):
        image_size: int = 32
        load_size: int | None = None
        flip: bool = False
        width: int = 16
        blocks: int = 2
        batch_size: int = 8
        patch_layers: int = 2
        steps: int = 4000
        lr: float = 5e-4
