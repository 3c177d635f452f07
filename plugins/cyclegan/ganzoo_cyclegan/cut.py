"""CUT (Park, Efros, Zhang & Zhu 2020), https://arxiv.org/abs/2007.15651; FastCUT is settings of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

import ganzoo
from ganzoo import losses
from ganzoo_cyclegan.translator import Translator


class CUT(Translator):
    """Contrastive unpaired image-to-image translation (Park, Efros, Zhang & Zhu 2020, arXiv:2007.15651).

    One way, from A to B, without a generator that leads back: a place of the translation must be recognised among all
    that were drawn from its picture, by features of the generator's own first half (equation 3), and so must a place
    of a picture that is in B already (equation 5). As in the authors' implementation the discriminator moves before
    the generator, which learns together with the heads; losses of places and layers are averaged, not summed; and the
    features of what is translated are constants. The networks are CycleGAN's: theirs blur where they halve and double.

    FastCUT is `nce=10 identity=0 equivariant=true steps=270000`, but for its learning rate, which falls over the last
    quarter.
    """

    view = ganzoo.Domains
    directions = ("a2b",)

    @dataclass(frozen=True, kw_only=True)
    class Hparams(Translator.Hparams):
        """`nce` and `identity` weigh the contrast on A and on B, in the authors' implementation of CUT 0.5 each.

        `layers` are places in the generator: 0 the pixels, 4 and 7 the convolutions that halve, from 10 the blocks;
        beyond the last block stands for it. `patches` are drawn of each, and told apart by `features` numbers at a
        `temperature`. `equivariant` mirrors half of what is translated, and its features back.
        """

        generator: Literal["resnet"] = "resnet"
        steps: int = 540_000  # 400 epochs of horse2zebra
        nce: Annotated[float, ganzoo.Range(0, 1000)] = 1.0
        identity: Annotated[float, ganzoo.Range(0, 1000)] = 1.0
        layers: tuple[int, ...] = (0, 4, 7, 10, 14)
        patches: Annotated[int, ganzoo.Range(2, 2**16)] = 256
        features: Annotated[int, ganzoo.Range(1, 2**12)] = 256
        temperature: Annotated[float, ganzoo.Range(1e-3, 1e3)] = 0.07
        equivariant: bool = False

        def validate(self) -> None:
            super().validate()
            if not self.layers or min(self.layers) < 0:
                raise ganzoo.HparamError(
                    "layers: name at least one, and count from 0, such as layers=0,4,7,10,14"
                )

        @property
        def places(self) -> list[int]:
            """The layers that the generator has, in order."""
            return sorted({min(layer, 9 + self.blocks) for layer in self.layers})

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        heads = nn.ModuleDict({str(place): self.new_head(place) for place in hp.places})
        self.translator = nn.ModuleDict(
            {"generator": self.new_generator(), "heads": heads}
        )  # one player: one loss
        self.discriminator = self.new_discriminator(hp.channels)

    def new_head(self, place: int) -> nn.Sequential:
        """`(..., channels)` of a layer -> `(..., features)`: the two-layer H of section 3."""
        channels = self.hp.width * min(2 ** ((place - 1) // 3), 4) if place else self.hp.channels
        hidden = self.hp.features
        return nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, hidden))

    def initialise(self) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.xavier_normal_(layer.weight, gain=0.02)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def losses(self, batch: ganzoo.Domains) -> Iterator[ganzoo.Move]:
        a, b = batch
        generator, mirror = self.network("a2b"), self.mirror(len(a))
        fake = generator(mirror(a))
        on_real, on_fake = (
            self.judged(self.discriminator, images) for images in (b, fake.detach())
        )
        terms = losses.least_squares_discriminator(on_real, on_fake)
        yield self.discriminator, {name: term / 2 for name, term in terms.items()}  # as CycleGAN's
        with ganzoo.frozen(self.discriminator):
            terms = {
                "adversarial": losses.least_squares_generator(self.judged(self.discriminator, fake))
            }
            terms["nce"] = self.hp.nce * self.contrast(a, fake, mirror)
            if self.hp.identity:
                terms["identity"] = self.hp.identity * self.contrast(
                    b, generator(mirror(b)), mirror
                )
            yield self.translator, terms

    def mirror(self, n: int) -> Callable[[Tensor], Tensor]:
        """What mirrors about half of n images, and the features of what became of them back; or, as asked for, none."""
        if not self.hp.equivariant:
            return lambda images: images
        chosen = self.rand(n, 1, 1, 1) < 0.5
        return lambda images: torch.where(chosen, images.flip(3), images)

    def contrast(self, images: Tensor, made: Tensor, mirror: Callable[[Tensor], Tensor]) -> Tensor:
        """How badly places of what was made are recognised by what stood there (equation 3): the mean over layers."""
        queries = map(mirror, self.features(made))
        with torch.no_grad():
            keys = self.features(images)
        found = []
        for place, query, key in zip(self.hp.places, queries, keys, strict=True):
            head, draws = (
                self.translator["heads"].get_submodule(str(place)),
                self.rand(len(key), key[0, 0].numel()),
            )
            chosen = draws.topk(
                min(self.hp.patches, draws.shape[1])
            ).indices  # so many different ones, without a wait
            with torch.no_grad():
                key = head(picked(key, chosen))
            found.append(
                patch_nce(head(picked(query, chosen)), key, temperature=self.hp.temperature)
            )
        return torch.stack(found).mean()

    def features(self, images: Tensor) -> list[Tensor]:
        """What the chosen layers of the generator make of images: `(n, channels, height, width)` each."""
        found = []
        for place, layer in enumerate(self.network("a2b").children()):
            if place > self.hp.places[-1]:
                break
            images = layer(images)
            if place in self.hp.places:
                found.append(images)
        return found

    def averaged(self) -> list[nn.Module]:
        return [self.network("a2b")]

    def network(self, direction: str) -> nn.Module:
        return self.translator["generator"]

    def preview(self, batch: ganzoo.Domains) -> Tensor:
        """Four rows of eight: A, what it becomes, B, and B as it should stay."""
        a, b = (images[:8] for images in batch)
        return torch.cat([a, self.translate(a), b, self.translate(b)])


def picked(features: Tensor, places: Tensor) -> Tensor:
    """`(n, channels, height, width)` and `(n, count)`, places counted row by row -> `(n, count, channels)`."""
    flat = features.flatten(2)
    return flat.gather(2, places[:, None].expand(-1, flat.shape[1], -1)).transpose(1, 2)


def patch_nce(query: Tensor, key: Tensor, *, temperature: float) -> Tensor:
    """-log of the share of its own key in exp(cosine / temperature) over all keys of the image: the mean over queries.

    Park et al. 2020, equation 2. Both `(n, places, features)`: a place's own key is the one of the same number, the
    others are its negatives.
    """
    with torch.autocast(
        "cpu" if query.is_meta else query.device.type, enabled=False
    ):  # bf16 tells few cosines apart
        cosines = normalize(query.float(), dim=2) @ normalize(key.float(), dim=2).transpose(1, 2)
        own = torch.arange(cosines.shape[1], device=cosines.device).expand(cosines.shape[:2])
        return cross_entropy((cosines / temperature).flatten(0, 1), own.flatten())
