"""Optimizers with the settings that are quickest on the device of their parameters."""

from collections.abc import Iterable
from typing import Any

import torch
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
    groups = list(parameters)
    first = next(iter(groups[0]["params"])) if isinstance(groups[0], dict) else groups[0]
    on_gpu = isinstance(first, torch.Tensor) and first.device.type == "cuda"
    return Adam(groups, lr, betas, **{"fused": on_gpu or None, **options})
