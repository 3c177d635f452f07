"""Differentiable augmentation: random changes of all images that a discriminator sees.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738).
Pure functions of images and uniform draws; `augmented` applies them as the hyperparameters say.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganzoo.hparams import augmentation

Hparams = augmentation.AugmentHparams


def augmented(
    images: Tensor,
    hp: Hparams,
    rand: Callable[..., Tensor],
) -> Tensor:
    """Changes colours, then translates, then cuts out, as far as the hyperparameters say.

    images `(n, channels, height, width)` in [-1, 1]; `rand` is `model.rand`.
    """
    n = len(images)
    if hp.colour:
        images = coloured(images, rand(n, 3), strength=hp.colour)
    if hp.translation:
        images = translated(images, rand(n, 2), ratio=hp.translation)
    if hp.cutout:
        images = cut_out(images, rand(n, 2), ratio=hp.cutout)
    return images


def coloured(
    images: Tensor,
    draws: Tensor,
    *,
    strength: float = 1.0,
) -> Tensor:
    """Adds -0.5 to 0.5, then scales saturation by 0 to 2 and contrast by 0.5 to 1.5 (section 3.3).

    images `(n, channels, height, width)` in [-1, 1]; the result may leave this range.
    draws `(n, 3)` uniform in [0, 1). `strength` 0 changes nothing, 1 is the paper's.
    """
    centred = (draws - 0.5) * strength
    per_image = centred[:, :, None, None, None]
    brightness, saturation, contrast = per_image.unbind(1)
    images = images + brightness
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (1 + 2 * saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (1 + contrast)


def translated(
    images: Tensor,
    draws: Tensor,
    *,
    ratio: float = 1 / 8,
) -> Tensor:
    """Moves each image by whole pixels, up to `ratio` of its size in both directions (section 3.3).

    images `(n, channels, height, width)` in [-1, 1]; draws `(n, 2)` uniform in [0, 1), for rows
    and columns. What moves in is black, not grey as in the paper: on dark images the
    discriminator would see little but the grey.
    """
    n, _, height, width = images.shape
    rows = _moved(draws[:, :1], height, int(height * ratio + 0.5))
    columns = _moved(draws[:, 1:], width, int(width * ratio + 0.5))
    # the border stands for all outside
    padded = pad(images, (1, 1, 1, 1), value=-1.0)
    numbers = torch.arange(n, device=images.device)
    rows, columns = rows[:, :, None], columns[:, None, :]
    pixels = padded.permute(0, 2, 3, 1)
    moved = pixels[numbers[:, None, None], rows, columns]
    return moved.permute(0, 3, 1, 2)


def cut_out(
    images: Tensor,
    draws: Tensor,
    *,
    ratio: float = 1 / 2,
) -> Tensor:
    """Makes a box of each image grey, `ratio` of its height and width, anywhere (section 3.3).

    images `(n, channels, height, width)` in [-1, 1]; draws `(n, 2)` uniform in [0, 1), for rows
    and columns.
    """
    height, width = images.shape[2:]
    rows = _covered(draws[:, :1], height, int(height * ratio + 0.5))
    columns = _covered(draws[:, 1:], width, int(width * ratio + 0.5))
    box = rows[:, :, None] & columns[:, None, :]
    return images.masked_fill(box[:, None], 0.0)


def _moved(draws: Tensor, size: int, reach: int) -> Tensor:
    """`(n, size)`: the source of each row, in an image with a border of one pixel."""
    shift = (draws * (2 * reach + 1)).floor().long() - reach
    return (torch.arange(size, device=draws.device) + shift + 1).clamp(0, size + 1)


def _covered(draws: Tensor, size: int, length: int) -> Tensor:
    """`(n, size)`: whether a row is in a random interval of this length, cut off at the ends.

    The centre is any row if the length is odd, any edge of a row if it is even.
    """
    first = (draws * (size + 1 - length % 2)).floor().long() - length // 2
    places = torch.arange(size, device=draws.device)
    return (places >= first) & (places < first + length)
