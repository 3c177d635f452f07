"""CUT (Park, Efros, Zhang & Zhu 2020), https://arxiv.org/abs/2007.15651, and FastCUT."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

import ganzoo
from ganzoo import losses
from ganzoo_cyclegan.translator import Translator


class CUT(Translator):
    """Contrastive unpaired image-to-image translation (Park, Efros, Zhang & Zhu 2020).

    One way, from A to B, without a generator that leads back (arXiv:2007.15651). A patch of the
    translation must be recognised among patches of its source, by features of the generator's own
    first half (equation 3); so must a patch of a picture that is in B already (equation 5). As in
    the authors' implementation the discriminator moves before the generator, which learns
    together with the heads; losses are averaged over patches and layers, not summed; and the
    features of the source are constants. The networks are CycleGAN's; the authors' networks blur
    where they halve and double.

    FastCUT is `nce_weight=10 identity_weight=0 equivariant=true steps=270000`, except for its
    learning rate, which falls over the last quarter.
    """

    view = ganzoo.Domains
    directions = ("a2b",)

    class Hparams(Translator.Hparams):
        """The paper's. In the authors' implementation of CUT both weights are 0.5.

        `nce_layers` are positions in the generator: 0 is the pixels, 4 and 7 the convolutions
        that halve, from 10 on the blocks; a number beyond the last block means the last block.
        """

        renamed: ClassVar[Mapping[str, str]] = {
            "nce": "nce_weight",
            "identity": "identity_weight",
            "layers": "nce_layers",
            "patches": "nce_patches",
            "features": "nce_features",
        }

        generator: Literal["resnet"] = "resnet"
        steps: int = 540_000  # 400 epochs of horse2zebra
        nce_weight: Annotated[
            float,
            ganzoo.Range(0, 1000),
            "weight of the contrast between A and its translation",
        ] = 1.0
        identity_weight: Annotated[
            float,
            ganzoo.Range(0, 1000),
            "weight of the contrast between B and its translation",
        ] = 1.0
        nce_layers: Annotated[
            tuple[int, ...],
            "layers of the generator whose features are compared",
        ] = (0, 4, 7, 10, 14)
        nce_patches: Annotated[
            int,
            ganzoo.Range(2, 2**16),
            "patches that are drawn per layer",
        ] = 256
        nce_features: Annotated[
            int,
            ganzoo.Range(1, 2**12),
            "numbers that a head makes of a patch",
        ] = 256
        temperature: Annotated[
            float,
            ganzoo.Range(1e-3, 1e3),
            "divides the cosines of patches",
        ] = 0.07
        equivariant: Annotated[
            bool,
            "mirror half of the sources, and their features back",
        ] = False

        def validate(self) -> None:
            super().validate()
            if not self.nce_layers or min(self.nce_layers) < 0:
                raise ganzoo.HparamError(
                    "nce_layers: name at least one, count from 0, such as nce_layers=0,4,7,10,14"
                )

        @property
        def used_layers(self) -> list[int]:
            """The layers that the generator has, in order."""
            last = 9 + self.blocks
            return sorted({min(layer, last) for layer in self.nce_layers})

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        heads = nn.ModuleDict()
        for layer in hp.used_layers:
            heads[str(layer)] = self.new_head(layer)
        # One player with one loss.
        self.translator = nn.ModuleDict({"generator": self.new_generator(), "heads": heads})
        self.discriminator = self.new_discriminator(hp.channels)

    def new_head(self, layer: int) -> nn.Sequential:
        """`(..., channels)` of a layer -> `(..., features)`: the two-layer H of section 3."""
        channels = self.hp.channels
        if layer:
            channels = self.hp.width * min(2 ** ((layer - 1) // 3), 4)
        hidden = self.hp.nce_features
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
        on_real = self.discriminator(self.augmented(b))
        self.observe(on_real)
        on_fake = self.discriminator(self.augmented(fake.detach()))
        terms = losses.least_squares_discriminator(on_real, on_fake)
        yield self.discriminator, {name: term / 2 for name, term in terms.items()}  # as CycleGAN's

        with ganzoo.frozen(self.discriminator):
            on_fake = self.discriminator(self.augmented(fake))
            terms = {
                "adversarial": losses.least_squares_generator(on_fake),
                "nce": self.hp.nce_weight * self.contrast(a, fake, mirror),
            }
            if self.hp.identity_weight:
                same = generator(mirror(b))
                terms["identity"] = self.hp.identity_weight * self.contrast(b, same, mirror)
            yield self.translator, terms

    def mirror(self, n: int) -> Callable[[Tensor], Tensor]:
        """A function that flips a random half of n images, and their features back.

        The identity unless `equivariant`.
        """
        if not self.hp.equivariant:
            return lambda images: images
        chosen = self.rand(n, 1, 1, 1) < 0.5
        return lambda images: torch.where(chosen, images.flip(3), images)

    def contrast(self, images: Tensor, made: Tensor, mirror: Callable[[Tensor], Tensor]) -> Tensor:
        """The PatchNCE loss of a translation and its source (equation 3), averaged over layers."""
        queries = self.features(made)
        with torch.no_grad():
            keys = self.features(images)
        terms = []
        for layer, query, key in zip(self.hp.used_layers, queries, keys, strict=True):
            head = self.translator["heads"].get_submodule(str(layer))
            draws = self.rand(len(key), key[0, 0].numel())
            count = min(self.hp.nce_patches, draws.shape[1])
            places = draws.topk(count).indices  # distinct ones, without a sync
            with torch.no_grad():
                key = head(picked(key, places))
            query = head(picked(mirror(query), places))
            terms.append(patch_nce(query, key, temperature=self.hp.temperature))
        return torch.stack(terms).mean()

    def features(self, images: Tensor) -> list[Tensor]:
        """The output of each used layer of the generator: `(n, channels, height, width)`."""
        layers = self.hp.used_layers
        features = []
        for number, layer in enumerate(self.network("a2b").children()):
            if number > layers[-1]:
                break
            images = layer(images)
            if number in layers:
                features.append(images)
        return features

    def averaged(self) -> list[nn.Module]:
        return [self.network("a2b")]

    def network(self, direction: str) -> nn.Module:
        return self.translator["generator"]

    def preview(self, batch: ganzoo.Domains) -> Tensor:
        """Four rows of eight: A, A translated, B, and B translated, which should stay."""
        a, b = batch.a[:8], batch.b[:8]
        return torch.cat([a, self.translate(a), b, self.translate(b)])


def picked(features: Tensor, places: Tensor) -> Tensor:
    """The features at some positions, which are counted row by row.

    `(n, channels, height, width)`, `(n, count)` -> `(n, count, channels)`.
    """
    flat = features.flatten(2)
    index = places[:, None].expand(-1, flat.shape[1], -1)
    return flat.gather(2, index).transpose(1, 2)


def patch_nce(query: Tensor, key: Tensor, *, temperature: float) -> Tensor:
    """The mean cross-entropy of finding a query's own key among all keys of its image.

    Park et al. 2020, equation 2, with cosine / temperature as logits. Both are
    `(n, places, features)`: the own key has the same place, the others are negatives.
    """
    device = "cpu" if query.is_meta else query.device.type
    with torch.autocast(device, enabled=False):  # bf16 tells few cosines apart
        query = normalize(query.float(), dim=2)
        key = normalize(key.float(), dim=2)
        logits = query @ key.transpose(1, 2) / temperature
        own = torch.arange(logits.shape[1], device=logits.device)
        own = own.expand(logits.shape[:2])
        return cross_entropy(logits.flatten(0, 1), own.flatten())
