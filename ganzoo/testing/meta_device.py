"""The losses driven on a device that holds no data: whatever asks for a value, or leaves the device, is caught."""

import re
import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from ganzoo.model.contract import Model

ASKS_FOR_VALUES = (
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "is_nonzero",
    "equal",
    "_unique2",
    "unique_dim",
)
"""Operations that must wait for the device, since Python goes on with what they found."""
NO_VALUE = re.compile(
    r"copy out of meta|on meta tensors|convert meta|same device|two devices|different devices"
)
"""What torch says when there is none; of other errors on that device (no such operation there) nothing is concluded."""


class _Fault(RuntimeError):  # noqa: N818
    pass


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses operations that wait for the device, and those whose inputs are on two."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().partition("::")[2].partition(".")[0]
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = [tensor for tensor in tensors if tensor.device.type == "meta"]
        if there and name in ASKS_FOR_VALUES:
            raise _Fault(f"{name} needs a value of a tensor")
        devices = {str((kwargs or {}).get("device")), *(tensor.device.type for tensor in tensors)}
        if name == "_to_copy" and devices == {"cpu", "meta"}:
            raise _Fault("a tensor is copied from the CPU to the model's device, or back")
        if (
            there
            and any(tensor.device.type == "cpu" and tensor.ndim for tensor in tensors)
            and name != "copy_"
        ):
            raise _Fault(f"{name} is given a tensor of the CPU beside those of the model's device")
        return func(*args, **(kwargs or {}))


class _Asked(TorchFunctionMode):
    """Refuses to print a tensor of the model's device: where there are values, `f"{loss:.3f}"` waits for one."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.__format__, Tensor.__repr__) and args[0].is_meta:
            raise _Fault("a tensor is printed, which needs its values")
        return func(*args, **(kwargs or {}))


def fault_in_losses(model: Model, batch: Any, steps: int) -> str | None:
    """What `model.losses` does that a GPU would have to be waited for, or fail at, and in which line; None if nothing.

    The model is moved to torch's meta device, of which no value can be read: it is of no use afterwards. What cannot
    be followed there is not judged.
    """
    model.optimizers()  # which may set what losses reads
    _move(model)
    model.randn = model.rand = lambda *shape: torch.empty(shape, device="meta")  # type: ignore[method-assign]
    batch = tree_map(lambda tensor: tensor.to("meta"), batch)

    def drive() -> None:
        for step in range(steps):
            model.begin(step)
            for player, loss in model.losses(batch):
                trained = [
                    parameter for parameter in player.parameters() if parameter.requires_grad
                ]
                sum(tree_leaves(loss)).backward(inputs=trained)

    return _fault(drive)


def fault_in_use(model: Model, images: Tensor) -> str | None:
    """The same for what `generate`, `translated` or `logits` does in eval mode."""
    inputs = [images]
    if (
        model.task == "unconditional-image-generation"
        and type(model).generate is not Model.generate
    ):
        labels = [torch.zeros(2, dtype=torch.long)] if getattr(model.hp, "classes", None) else []
        inputs = [model.latents(2, 0), *labels]
    elif not model.directions and not model.classifies:
        return None
    _move(model.eval())
    inputs = [tensor.to("meta") for tensor in inputs]
    with torch.no_grad():
        return _fault(lambda: model(*inputs))


def _fault(drive: Callable[[], object]) -> str | None:
    try:
        with _Watch(), _Asked():  # type: ignore[no-untyped-call]
            drive()
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as cause:
        return (
            _location(cause) if isinstance(cause, _Fault) or NO_VALUE.search(str(cause)) else None
        )
    return None


def _move(model: Model) -> None:
    for module in model.modules():
        for name, tensor in [*module._parameters.items(), *module._buffers.items()]:
            if isinstance(tensor, nn.Parameter):
                module._parameters[name] = nn.Parameter(
                    tensor.detach().to("meta"), tensor.requires_grad
                )
            elif tensor is not None:
                module._buffers[name] = tensor.to("meta")


def _location(cause: Exception) -> str:
    frames = [
        frame for frame in traceback.extract_tb(cause.__traceback__) if not _is_ours(frame.filename)
    ]
    where = f"{frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}" if frames else "losses"
    return f"{str(cause).partition(chr(10))[0]} ({where})"


def _is_ours(filename: str) -> bool:
    return filename == __file__ or "/torch/" in filename or "\\torch\\" in filename
