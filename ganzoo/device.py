"""Where a run computes, and how precisely."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Self

import torch

from ganzoo.errors import DeviceError, OutOfMemory

NO_MEMORY = re.compile("out of memory|allocate memory|not enough memory|bad_alloc", re.IGNORECASE)
"""PyTorch's words; only on a GPU it has a type for this error."""


@dataclass(frozen=True)
class Device:
    """The device and the precision of a run, after "auto" was resolved."""

    torch_device: torch.device
    precision: str
    """fp32 or bf16."""

    @classmethod
    def open(
        cls,
        device: str | torch.device = "auto",
        precision: str = "auto",
    ) -> Self:
        """The device is the first accelerator, else the CPU, if it is `auto`.

        The precision is then bf16 on a GPU that computes in it, and fp32 elsewhere. Raises
        DeviceError for a device that does not exist, and for an unknown precision.
        """
        place = _device(str(device))
        if precision == "auto":
            precision = "fp32"
            has_bf16 = torch.cuda.is_bf16_supported
            if place.type == "cuda" and has_bf16(including_emulation=False):
                precision = "bf16"
        if precision not in ("fp32", "bf16"):
            known = "auto, fp32, bf16"
            raise DeviceError(f"no precision {precision!r}: choose from {known}")
        return cls(place, precision)

    def __str__(self) -> str:
        if self.torch_device.type == "cpu":
            return f"cpu (threads: {torch.get_num_threads()})"
        return str(self.torch_device)

    def autocast(self) -> AbstractContextManager[object]:
        """Forward passes run in bf16 where that is the precision; weights stay in fp32."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.torch_device.type, torch.bfloat16)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether PyTorch or Python raised it for lack of memory, of a GPU or of the machine."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(NO_MEMORY.search(str(error)))


@contextmanager
def memory_errors_as_one_line(purpose: str, way_out: str) -> Iterator[None]:
    """Inside, an error for lack of memory becomes an OutOfMemory with these words."""
    try:
        yield
    except (RuntimeError, MemoryError) as cause:
        if isinstance(cause, OutOfMemory) or not is_out_of_memory(cause):
            raise
        raise OutOfMemory(f"not enough memory for {purpose}: {way_out}") from cause


def _device(name: str) -> torch.device:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if name == "auto":
        if accelerator:
            return _numbered(accelerator)
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        known = "auto, cpu, cuda, cuda:1, mps"
        raise DeviceError(f"no device {name!r}: choose from {known}") from None
    if device.type == "cpu":
        return torch.device("cpu")
    if accelerator is None or accelerator.type != device.type:
        present = accelerator or "only the cpu"
        raise DeviceError(f"no device {name!r}: PyTorch has {present}")
    count = torch.accelerator.device_count()
    if device.index is not None and device.index >= count:
        last = f"{device.type}:{count - 1}"
        raise DeviceError(f"no device {name!r}: the last one is {last}")
    return _numbered(device)


def _numbered(device: torch.device) -> torch.device:
    """`cuda` -> `cuda:0`, as tensors name their device: only then do the two compare as equal."""
    if device.index is not None:
        return device
    return torch.device(device.type, torch.accelerator.current_device_index())
