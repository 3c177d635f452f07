"""What translators have in common: hyperparameters, networks, images of any size, a pool of translations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

import ganzoo
from ganzoo import augment
from ganzoo_cyclegan.networks import UNet, initialise, patches, resnet


class Translator(ganzoo.Model):
    """A generator for each direction, and a learning rate that is constant, then falls to zero over the second half."""

    @dataclass(frozen=True, kw_only=True)
    class Hparams(augment.Hparams):
        """`width` is the number of channels beside the image; `blocks` are those of a resnet: 9, or 6 for 128 pixels.

        `patch_layers` sets how much of the image one logit of the discriminator sees: 3 is 70x70 pixels, 2 is 34x34.
        """

        image_size: Annotated[int, ganzoo.Range(16, 1024)] = 256
        load_size: Annotated[int, ganzoo.Range(1, 2**14)] | None = 286
        resize: Literal["crop", "stretch", "pad"] = "stretch"
        flip: bool = True
        channels: Literal[1, 3, 4] = 3
        batch_size: int = 1
        width: Annotated[int, ganzoo.Range(1, 512)] = 64
        generator: Literal["resnet", "unet"] = "resnet"
        blocks: Annotated[int, ganzoo.Range(1, 64)] = 9
        patch_layers: Annotated[int, ganzoo.Range(1, 6)] = 3

        def validate(self) -> None:
            if self.generator == "resnet" and self.image_size % 4:
                nearest = round(self.image_size / 4) * 4
                raise ganzoo.HparamError(
                    f"image_size={self.image_size} is no multiple of 4: take {nearest}"
                )
            if self.generator == "unet" and self.image_size % 2**self.halvings:
                smaller = self.image_size // 2**self.halvings * 2**self.halvings
                larger = smaller * 2 if smaller < 256 else smaller + 256
                raise ganzoo.HparamError(
                    f"image_size={self.image_size} with generator=unet: the nearest two are {smaller} and {larger}"
                )

            if self.image_size < (least := 3 * 2**self.patch_layers):
                raise ganzoo.HparamError(
                    f"patch_layers={self.patch_layers} needs an image_size of at least {least}, not {self.image_size}"
                )

        @property
        def halvings(self) -> int:
            """How often the generator halves the image."""
            return 2 if self.generator == "resnet" else min(8, self.image_size.bit_length() - 1)

    hp: Hparams
    task = "image-to-image"
    directions: tuple[str, ...] = ("a2b", "b2a")

    def new_generator(self, *, affine: bool = False, dropout: bool = False) -> nn.Module:
        """The generator that the hyperparameters ask for."""
        hp = self.hp
        if hp.generator == "resnet":
            return resnet(hp.channels, hp.width, hp.blocks, affine=affine, dropout=dropout)
        return UNet(hp.channels, hp.width, hp.halvings, affine=affine, dropout=dropout)

    def new_discriminator(self, channels: int, *, affine: bool = False) -> nn.Module:
        """A discriminator of patches of images of so many channels."""
        return patches(channels, self.hp.width, self.hp.patch_layers, affine=affine)

    def judged(self, discriminator: nn.Module, *sides: Tensor) -> Tensor:
        """The logits of images, or of pictures of several sides, as they look after augmentation.

        A side is `(n, channels, h, w)`; those of one picture are altered alike.
        """

        def draws(n: int, each: int) -> Tensor:
            return self.rand(n // len(sides), each).repeat(len(sides), 1)

        images = augment.augmented(torch.cat(sides), self.hp, draws)
        logits: Tensor = discriminator(torch.cat(images.chunk(len(sides)), dim=1))
        return logits

    def initialise(self) -> None:
        initialise(self)

    def lr_scale(self, progress: float) -> float:
        return min(1.0, 2 - 2 * progress)

    def network(self, direction: str) -> nn.Module:
        """The generator of a direction."""
        raise NotImplementedError

    def translated(self, images: Tensor, direction: str) -> Tensor:
        """Images of any size, padded until the generator can halve them, and cut back."""
        height, width = images.shape[-2:]
        step = 2**self.hp.halvings
        least = (
            2 * step if self.hp.generator == "resnet" else step
        )  # its norms need more than one pixel
        right, below = (max(-side % step, least - side) for side in (width, height))
        padded = pad(images, (0, right, 0, below), mode="replicate")
        made: Tensor = self.network(direction)(padded)
        return made[..., :height, :width]


class ImagePool(nn.Module):
    """Translations of earlier steps that a discriminator is shown again (Shrivastava et al. 2017, arXiv:1612.07828).

    Until `size` images are in it, each comes back as it is and is kept; then one comes back with probability 1/2, and
    otherwise takes the place of one from the pool, which comes back instead. Part of the training state, not of the
    weights; how full it is follows from the number of images that it has seen.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer(
            "images", torch.zeros(0), persistent=False
        )  # made when it is first used
        self.images: Tensor

    def exchange(self, fakes: Tensor, draws: Tensor, *, seen: int) -> Tensor:
        """`(n, channels, size, size)` -> the same number; draws `(n, 2)` uniform in [0, 1): whether, and for which."""
        size = self.size
        if size == 0:
            return fakes
        if not len(self.images):
            self.images = fakes.new_zeros(size, *fakes.shape[1:])
        shown = []
        for i, fake in enumerate(fakes):
            if seen + i < size:
                self.images[seen + i] = fake
                shown.append(fake)
                continue
            swap = draws[i, 0] >= 0.5  # stays on the device: no wait
            place = (draws[i, 1] * size).long().view(1)
            old = self.images.index_select(0, place)[0]
            self.images.index_copy_(0, place, torch.where(swap, fake, old)[None])
            shown.append(torch.where(swap, old, fake))
        return torch.stack(shown)


def columns(rows: Mapping[str, Tensor]) -> Tensor:
    """Images of several kinds, `(n, ...)` each -> `(n * kinds, ...)`, a kind in each column of a grid."""
    return torch.stack(list(rows.values()), dim=1).flatten(0, 1)
