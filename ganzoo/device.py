"""World: where a run computes, how precisely, and the seeds of everything that it draws."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, Self, cast

import torch
from torch import Tensor

from ganzoo.errors import DeviceError

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class World:
    """A device and a precision, resolved: what "auto" came to."""

    device: torch.device
    precision: Precision

    @classmethod
    def open(cls, device: str | torch.device = "auto", precision: str = "auto") -> Self:
        """`auto` is the first accelerator, else the CPU; fp32 on a CPU, and bf16 on a GPU that computes in it.

        Raises DeviceError for a device that is not there and a precision that it does not have.
        """
        found = _device(str(device))
        if precision == "auto":
            precision = (
                "bf16" if found.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
            )
        if precision not in ("fp32", "bf16"):
            raise DeviceError(f"no precision {precision!r}; there is auto, fp32, bf16")
        return cls(found, cast("Precision", precision))

    def autocast(self) -> AbstractContextManager[object]:
        """Forward passes run in bf16 where that is the precision; weights stay in fp32."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)


def _device(name: str) -> torch.device:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if name == "auto":
        return _numbered(accelerator) if accelerator else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"no device {name!r}; say cpu, cuda, cuda:1, mps or auto") from None
    if device.type == "cpu":
        return torch.device("cpu")
    if accelerator is None or accelerator.type != device.type:
        raise DeviceError(f"device {name!r} is not there: this PyTorch finds {accelerator or 'only the cpu'}")
    count = torch.accelerator.device_count()
    if device.index is not None and device.index >= count:
        raise DeviceError(f"device {name!r} is not there: the last one is {device.type}:{count - 1}")
    return _numbered(device)


def _numbered(device: torch.device) -> torch.device:
    """`cuda` -> `cuda:0`: what the tensors on it say, and what compares as equal."""
    return torch.device(device.type, torch.accelerator.current_device_index()) if device.index is None else device


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed from what it is for and its counters: `derive_seed("order", seed, epoch)`.

    The same on every machine and in every process, and unrelated for parts that differ in anything.
    """
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(*parts: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of random numbers, seeded by `derive_seed(*parts)`."""
    return torch.Generator(device).manual_seed(derive_seed(*parts))


def noise(n: int, *shape: int, seed: int) -> Tensor:
    """`(n, *shape)`, standard normal, on the CPU: row i depends on (seed, i) alone, whatever n is."""
    rows = [torch.randn(shape, generator=generator("noise", seed, i)) for i in range(n)]
    return torch.stack(rows) if rows else torch.empty(0, *shape)


@contextmanager
def seeded(*parts: int | str, device: torch.device) -> Iterator[None]:
    """Inside, torch's own generators are seeded by the parts; afterwards they are as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        seed = derive_seed(*parts)
        if device.type == "cpu":
            torch.default_generator.manual_seed(seed)  # and not those of GPUs, which would not be put back
        else:
            torch.manual_seed(seed)
        yield
