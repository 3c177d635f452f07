"""How results are compared, and described in a message."""

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")


GLOBALS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "whether anomalies are detected": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "the number of threads": (torch.get_num_threads, torch.set_num_threads),
    "whether gradients are computed": (torch.is_grad_enabled, torch.set_grad_enabled),
    "whether algorithms are deterministic": (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    "the precision of matrix products": (
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    "the benchmarking of cuDNN": (
        lambda: torch.backends.cudnn.benchmark,
        lambda value: setattr(torch.backends.cudnn, "benchmark", value),
    ),
    "the determinism of cuDNN": (
        lambda: torch.backends.cudnn.deterministic,
        lambda value: setattr(torch.backends.cudnn, "deterministic", value),
    ),
}
"""What of torch is everybody's: how it is read, and put back."""


def settings_of_torch() -> dict[str, Any]:
    """What is set for everybody, by name."""
    return {name: read() for name, (read, _) in GLOBALS.items()}


def changed_since(settings: Mapping[str, Any]) -> str | None:
    """The first of them that is otherwise by now."""
    return next(
        (name for name, value in settings_of_torch().items() if value != settings[name]), None
    )


def restore_torch_settings(settings: Mapping[str, Any]) -> None:
    """Sets it again, where it is no longer so."""
    for name, (read, write) in GLOBALS.items():
        if read() != settings[name]:
            write(settings[name])


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
    return next((name for name, tensor in one.items() if not same(tensor, other[name])), None)


def same(one: Tensor, other: Tensor) -> bool:
    """Whether all bits are; NaN is NaN."""
    return one.shape == other.shape and bool(
        torch.eq(one, other).logical_or(one.isnan() & other.isnan()).all()
    )


def in_range(images: Tensor) -> bool:
    return (
        images.is_floating_point()
        and bool(images.isfinite().all())
        and images.abs().max().item() <= 1
    )


def described(images: Tensor) -> str:
    shape = f"{tuple(images.shape)} of {images.dtype}"
    return (
        f"{shape} from {images.min().item():.3g} to {images.max().item():.3g}"
        if images.numel()
        else shape
    )
