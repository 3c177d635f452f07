"""Differentiable augmentation: what the discriminator sees, real and generated alike, is altered at random.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738). Pure functions of
images and of uniform draws, so that the draws of a step decide; `augmented` does what the hyperparameters ask for.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganzoo.hparams import augmentation

Hparams = augmentation.AugmentHparams


def augmented(images: Tensor, hp: Hparams, rand: Callable[..., Tensor]) -> Tensor:
    """The images as the hyperparameters ask for: colour, then translation, then cutout. `rand` is `model.rand`."""
    n = len(images)
    if hp.colour:
        images = coloured(images, rand(n, 3), strength=hp.colour)
    if hp.translation:
        images = translated(images, rand(n, 2), ratio=hp.translation)
    if hp.cutout:
        images = cut_out(images, rand(n, 2), ratio=hp.cutout)
    return images


def coloured(images: Tensor, draws: Tensor, *, strength: float = 1.0) -> Tensor:
    """Brightness moved by up to 0.5, saturation scaled by 0 to 2, contrast by 0.5 to 1.5 (section 3.3), in this order.

    images `(n, channels, height, width)` in [-1, 1], which the result may leave; draws `(n, 3)` uniform in [0, 1).
    `strength` 0 leaves them as they are, and 1 is the paper's.
    """
    brightness, saturation, contrast = ((draws - 0.5) * strength)[:, :, None, None, None].unbind(1)
    images = images + brightness
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (1 + 2 * saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (1 + contrast)


def translated(images: Tensor, draws: Tensor, *, ratio: float = 1 / 8) -> Tensor:
    """Each image moved by whole pixels, up to `ratio` of its size either way (section 3.3); what comes in is black.

    images `(n, channels, height, width)` in [-1, 1]; draws `(n, 2)` uniform in [0, 1), for the rows and the columns.
    The paper's ground is grey: on dark pictures the discriminator then sees little else.
    """
    n, _, height, width = images.shape
    rows = _moved(draws[:, :1], height, int(height * ratio + 0.5))
    columns = _moved(draws[:, 1:], width, int(width * ratio + 0.5))
    padded = pad(images, (1, 1, 1, 1), value=-1.0).permute(
        0, 2, 3, 1
    )  # a border of one stands for all outside
    picked = padded[
        torch.arange(n, device=images.device)[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return picked.permute(0, 3, 1, 2)


def cut_out(images: Tensor, draws: Tensor, *, ratio: float = 1 / 2) -> Tensor:
    """In each image a box of `ratio` of its height and width made grey, around any place (section 3.3).

    images `(n, channels, height, width)` in [-1, 1]; draws `(n, 2)` uniform in [0, 1), for the rows and the columns.
    """
    height, width = images.shape[2:]
    rows = _covered(draws[:, :1], height, int(height * ratio + 0.5))
    columns = _covered(draws[:, 1:], width, int(width * ratio + 0.5))
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


def _moved(draws: Tensor, size: int, reach: int) -> Tensor:
    """`(n, size)`: where each row comes from, in an image with a border of one."""
    shift = (draws * (2 * reach + 1)).floor().long() - reach
    return (torch.arange(size, device=draws.device) + shift + 1).clamp(0, size + 1)


def _covered(draws: Tensor, size: int, length: int) -> Tensor:
    """`(n, size)`: which rows are inside a stretch of so many, cut off at the ends.

    Around any row if the length is odd, around any line between them, or beside them, if it is even.
    """
    first = (draws * (size + 1 - length % 2)).floor().long() - length // 2
    places = torch.arange(size, device=draws.device)
    return (places >= first) & (places < first + length)
