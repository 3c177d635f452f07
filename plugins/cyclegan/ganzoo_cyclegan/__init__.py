"""CycleGAN (Zhu, Park, Isola & Efros 2017), https://arxiv.org/abs/1703.10593; pix2pix and CUT share its networks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

import ganzoo
from ganzoo import losses
from ganzoo_cyclegan import others
from ganzoo_cyclegan.cut import CUT
from ganzoo_cyclegan.pix2pix import Pix2Pix
from ganzoo_cyclegan.translator import ImagePool, Translator, columns

__all__ = ["CUT", "CycleGAN", "CycleGANMini", "Pix2Pix"]


class CycleGAN(Translator):
    """Unpaired image-to-image translation (Zhu, Park, Isola & Efros 2017, arXiv:1703.10593).

    Two generators turn pictures of domain A into B and back, each against a discriminator of patches. What was turned
    there and back must be what it was; what is in the domain already must stay as it is. Least squares, a pool of
    earlier translations, and the settings of the authors' implementation.
    """

    view = ganzoo.Domains

    @dataclass(frozen=True, kw_only=True)
    class Hparams(Translator.Hparams):
        """`cycle` weighs the way there and back, `identity` (times `cycle`) what should stay; `pool` counts images.

        `negatives` is the probability that what became B is turned back from its negative, where a picture shows the
        same in either, as `flip` is for mirror images: b2a then learns to read both, even if a2b makes only one.
        """

        steps: int = 270_000  # 200 epochs of horse2zebra
        cycle: Annotated[float, ganzoo.Range(0, 1000)] = 10.0
        identity: Annotated[float, ganzoo.Range(0, 1000)] = 0.5
        pool: Annotated[int, ganzoo.Range(0, 10_000)] = 50
        negatives: Annotated[float, ganzoo.Range(0, 1)] = 0.0

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.generators = nn.ModuleDict({"a2b": self.new_generator(), "b2a": self.new_generator()})
        self.discriminators = nn.ModuleDict(
            {domain: self.new_discriminator(hp.channels) for domain in "ab"}
        )
        self.pools = nn.ModuleDict({domain: ImagePool(hp.pool) for domain in "ab"})

    def losses(self, batch: ganzoo.Domains) -> Iterator[ganzoo.Move]:
        a, b = batch
        a2b, b2a = self.generators["a2b"], self.generators["b2a"]
        judge_a, judge_b = self.discriminators["a"], self.discriminators["b"]
        cycle, identity = self.hp.cycle, self.hp.cycle * self.hp.identity
        with ganzoo.frozen(self.discriminators):
            fake_b, fake_a = a2b(a), b2a(b)
            terms = {
                "a2b": losses.least_squares_generator(self.judged(judge_b, fake_b)),
                "b2a": losses.least_squares_generator(self.judged(judge_a, fake_a)),
                "cycle_a": cycle * l1_loss(b2a(self.varied(fake_b)), a),
                "cycle_b": cycle * l1_loss(a2b(fake_a), b),
            }
            if identity:
                terms |= {
                    "same_a": identity * l1_loss(b2a(a), a),
                    "same_b": identity * l1_loss(a2b(b), b),
                }
            yield self.generators, terms
        shown_a, shown_b = self.pooled("a", fake_a.detach()), self.pooled("b", fake_b.detach())
        half = {}  # the discriminators learn at half the speed of the generators (section 7.1)
        for domain, judge, real, fake in (("a", judge_a, a, shown_a), ("b", judge_b, b, shown_b)):
            on_real, on_fake = self.judged(judge, real), self.judged(judge, fake)
            for name, term in losses.least_squares_discriminator(on_real, on_fake).items():
                half[f"{domain}_{name}"] = term / 2
        yield self.discriminators, half

    def varied(self, fakes: Tensor) -> Tensor:
        """Each as it is or, with probability `negatives`, in negative."""
        if not self.hp.negatives:
            return fakes
        return torch.where(self.rand(len(fakes), 1, 1, 1) < self.hp.negatives, -fakes, fakes)

    def pooled(self, domain: str, fakes: Tensor) -> Tensor:
        """What the discriminator of the domain is shown in their place."""
        pool = self.pools[domain]
        assert isinstance(pool, ImagePool)
        return pool.exchange(fakes, self.rand(len(fakes), 2), seen=self.step * len(fakes))

    @classmethod
    def convert_weights(
        cls, files: Mapping[str, Mapping[str, Tensor]]
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return others.cyclegan(files)

    def averaged(self) -> list[nn.Module]:
        return [self.generators]

    def network(self, direction: str) -> nn.Module:
        return self.generators[direction]

    def preview(self, batch: ganzoo.Domains) -> Tensor:
        """A row for each: A, there, there and back, A as it should stay; then B likewise."""
        found: dict[str, Tensor] = {}
        for domain, there, back in (("a", "a2b", "b2a"), ("b", "b2a", "a2b")):
            real = getattr(batch, domain)[:8]
            fake = self.translate(real, there)
            found |= {domain: real, there: fake, f"{there}2": self.translate(fake, back)}
            found[f"same_{domain}"] = self.translate(real, back)
        return columns(found)


class CycleGANMini(CycleGAN):
    """CycleGAN at 32x32, narrow and short: digits on photographs to digits on black, on a laptop's CPU."""

    default_data = "digits-photo"

    @dataclass(frozen=True, kw_only=True)
    class Hparams(CycleGAN.Hparams):
        image_size: int = 32
        load_size: Annotated[int, ganzoo.Range(1, 2**14)] | None = None
        flip: bool = False  # digits do not look the same in a mirror
        width: int = 16
        blocks: int = 2
        batch_size: int = 8
        steps: int = 3000
        lr: float = 5e-4
        cycle: float = 1.0  # with 10, what is translated keeps traces of the photograph
        identity: float = 0.0
        negatives: float = 0.5
