"""What a batch can be, besides a plain tensor of images."""

from typing import NamedTuple

from torch import Tensor


class Labelled(NamedTuple):
    """Images `(n, channels, height, width)` in [-1, 1], and for each the number of its class, `(n,)`, int64."""

    images: Tensor
    labels: Tensor
