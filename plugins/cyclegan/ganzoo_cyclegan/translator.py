"""The base of translators: hyperparameters, networks, images of any size, a pool of images."""

from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

import ganzoo
from ganzoo import augment, sides
from ganzoo_cyclegan.networks import UNet, initialise, patches, resnet


class Translator(ganzoo.Model):
    """A generator per direction, and a learning rate that falls to 0 over the second half."""

    class Hparams(augment.Hparams):
        load_ratio: ClassVar[float] = 286 / 256

        image_size: Annotated[int | tuple[int, int], ganzoo.Range(16, 1024)] = 256
        load_size: Annotated[
            int | tuple[int, int] | Literal["auto"] | None,
            "size of stored images; auto is 286 for 256, and for others in proportion",
        ] = "auto"
        resize: Literal["crop", "stretch", "pad"] = "stretch"
        flip: bool = True
        channels: Literal[1, 3, 4] = 3
        batch_size: int = 1
        width: Annotated[
            int,
            ganzoo.Range(1, 512),
            "channels next to the image",
        ] = 64
        generator: Annotated[
            Literal["resnet", "unet"],
            "architecture of the generator",
        ] = "resnet"
        blocks: Annotated[
            int,
            ganzoo.Range(1, 64),
            "residual blocks of a resnet: 9, or 6 for 128 pixels",
        ] = 9
        patch_layers: Annotated[
            int,
            ganzoo.Range(1, 6),
            "size of the patch that a logit judges: 3 is 70x70 pixels, 2 is 34x34",
        ] = 3

        def validate(self) -> None:
            for size in sides(self.image_size):
                self._check_side(size)

        def _check_side(self, size: int) -> None:
            if self.generator == "resnet" and size % 4:
                raise ganzoo.HparamError(
                    f"image_size={size} is no multiple of 4: take {round(size / 4) * 4}"
                )
            if self.generator == "unet" and size % 2**self.halvings:
                smaller = size // 2**self.halvings * 2**self.halvings
                larger = smaller * 2 if smaller < 256 else smaller + 256
                raise ganzoo.HparamError(
                    f"image_size={size} with generator=unet: "
                    f"the nearest two are {smaller} and {larger}"
                )
            least = 3 * 2**self.patch_layers
            if size < least:
                raise ganzoo.HparamError(
                    f"patch_layers={self.patch_layers} needs an image_size of at least {least}, "
                    f"not {size}"
                )

        @property
        def halvings(self) -> int:
            """How often the generator halves the image."""
            if self.generator == "resnet":
                return 2
            return min(8, min(sides(self.image_size)).bit_length() - 1)

    hp: Hparams
    task = "image-to-image"
    directions: tuple[str, ...] = ("a2b", "b2a")

    def new_generator(self, *, affine: bool = False, dropout: bool = False) -> nn.Module:
        """The generator that the hyperparameters describe."""
        hp = self.hp
        options = {"affine": affine, "dropout": dropout}
        if hp.generator == "resnet":
            return resnet(hp.channels, hp.width, hp.blocks, **options)
        return UNet(hp.channels, hp.width, hp.halvings, **options)

    def new_discriminator(self, channels: int, *, affine: bool = False) -> nn.Module:
        """A discriminator of patches, for images with this number of channels."""
        return patches(channels, self.hp.width, self.hp.patch_layers, affine=affine)

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
        unit = 2**self.hp.halvings
        least = unit
        if self.hp.generator == "resnet":
            least = 2 * unit  # its norms need more than one pixel
        right = max(-width % unit, least - width)
        below = max(-height % unit, least - height)
        padded = pad(images, (0, right, 0, below), mode="replicate")
        return self.network(direction)(padded)[..., :height, :width]


class ImagePool(nn.Module):
    """Translations of earlier steps for a discriminator (Shrivastava et al. 2017).

    The first `size` images are kept and returned as they are. After that, an image is returned
    with probability 1/2; otherwise it replaces one of the pool, and that one is returned
    (arXiv:1612.07828). The pool is part of the training state, not of the weights. The number of
    images that it has seen says how full it is.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.images: Tensor
        # Empty: the shape of an image is known when it is first used.
        self.register_buffer("images", torch.zeros(0), persistent=False)

    def exchange(self, fakes: Tensor, draws: Tensor, *, seen: int) -> Tensor:
        """`(n, channels, size, size)` -> the same shape, after `seen` images before.

        draws `(n, 2)` uniform in [0, 1): whether to replace, and which.
        """
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
            swap = draws[i, 0] >= 0.5  # stays on the device: no sync
            place = (draws[i, 1] * size).long().view(1)
            old = self.images.index_select(0, place)[0]
            self.images.index_copy_(0, place, torch.where(swap, fake, old)[None])
            shown.append(torch.where(swap, old, fake))
        return torch.stack(shown)
