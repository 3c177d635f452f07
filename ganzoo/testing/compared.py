"""How results are compared, and described in a message."""

import random
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")


def disturbed(make: Callable[[], T]) -> T:
    """What is made while the random states that nobody saves are others."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.rand(7), np.random.rand(7), random.random()  # noqa: S311
    try:
        return make()
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


def difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> str | None:
    """The first tensor that is not the same in both."""
    if one.keys() != other.keys():
        return min(one.keys() ^ other.keys())
    return next((name for name, tensor in one.items() if not torch.equal(tensor, other[name])), None)


def in_range(images: Tensor) -> bool:
    return images.is_floating_point() and bool(images.isfinite().all()) and images.abs().max().item() <= 1


def described(images: Tensor) -> str:
    shape = f"{tuple(images.shape)} of {images.dtype}"
    return f"{shape} from {images.min().item():.3g} to {images.max().item():.3g}" if images.numel() else shape
