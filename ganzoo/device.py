"""Where a run computes, and how precisely."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal, Self, cast

import torch

from ganzoo.errors import DeviceError

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Device:
    """The device and the precision of a run, after "auto" was resolved."""

    torch_device: torch.device
    precision: Precision

    @classmethod
    def open(cls, device: str | torch.device = "auto", precision: str = "auto") -> Self:
        """`auto` is the first accelerator, else the CPU; fp32 on a CPU, and bf16 on a GPU that computes in it.

        Raises DeviceError for a device that is not there and a precision that it does not have.
        """
        found = _device(str(device))
        if precision == "auto":
            precision = (
                "bf16"
                if found.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
                else "fp32"
            )
        if precision not in ("fp32", "bf16"):
            raise DeviceError(f"no precision {precision!r}; there is auto, fp32, bf16")
        return cls(found, cast("Precision", precision))

    def autocast(self) -> AbstractContextManager[object]:
        """Forward passes run in bf16 where that is the precision; weights stay in fp32."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.torch_device.type, torch.bfloat16)


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
        raise DeviceError(
            f"device {name!r} is not there: this PyTorch finds {accelerator or 'only the cpu'}"
        )
    count = torch.accelerator.device_count()
    if device.index is not None and device.index >= count:
        raise DeviceError(
            f"device {name!r} is not there: the last one is {device.type}:{count - 1}"
        )
    return _numbered(device)


def _numbered(device: torch.device) -> torch.device:
    """`cuda` -> `cuda:0`: what the tensors on it say, and what compares as equal."""
    return (
        torch.device(device.type, torch.accelerator.current_device_index())
        if device.index is None
        else device
    )
