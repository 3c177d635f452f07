"""Optimizers with the settings that are quickest on the device of their parameters."""

from collections.abc import Iterable
from typing import Any

from torch.optim import Adam


def adam(
    parameters: Iterable[Any],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    **options: Any,
) -> Adam:
    """torch.optim.Adam (Kingma & Ba 2014, arXiv:1412.6980); on a GPU the fused one.

    `parameters` are those of Adam: tensors, or groups. On a CPU the arithmetic is that of Adam's
    default, bit for bit.
    """
    optimizer = Adam(parameters, lr, betas, **options)
    for group in optimizer.param_groups:
        if "fused" not in options and group["params"][0].is_cuda:
            group["fused"] = True
    return optimizer
