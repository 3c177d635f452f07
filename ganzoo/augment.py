"""Differentiable augmentation: what the discriminator sees, real and generated alike, is altered at random.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738). Pure functions of
images and of uniform draws, so that the draws of a step decide.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad


def translated(images: Tensor, draws: Tensor, *, ratio: float = 1 / 8) -> Tensor:
    """Each image moved by whole pixels, up to `ratio` of its size either way (section 3.3); what comes in is black.

    images `(n, channels, height, width)` in [-1, 1]; draws `(n, 2)` uniform in [0, 1), for the rows and the columns.
    The paper's ground is grey: on dark pictures the discriminator then sees little else.
    """
    n, _, height, width = images.shape
    rows = _moved(draws[:, :1], height, round(height * ratio))
    columns = _moved(draws[:, 1:], width, round(width * ratio))
    padded = pad(images, (1, 1, 1, 1), value=-1.0).permute(0, 2, 3, 1)  # a border of one stands for all outside
    picked = padded[torch.arange(n, device=images.device)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def _moved(draws: Tensor, size: int, reach: int) -> Tensor:
    """`(n, size)`: where each row comes from, in an image with a border of one."""
    shift = (draws * (2 * reach + 1)).floor().long() - reach
    return (torch.arange(size, device=draws.device) + shift + 1).clamp(0, size + 1)
