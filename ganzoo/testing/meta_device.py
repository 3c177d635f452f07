"""Runs losses and inference on torch's meta device, which has no data.

Code that reads a value of a tensor, or that leaves the device, fails there.
"""

import re
import traceback
from collections.abc import Callable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from ganzoo.data.views import Conditioned
from ganzoo.model.contract import Model

NEEDS_VALUES = (
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "is_nonzero",
    "equal",
    "_unique2",
    "unique_dim",
)
"""Operations whose result Python needs: it waits for the device."""
NO_VALUE = re.compile(
    r"copy out of meta|on meta tensors|convert meta|same device|two devices|different devices"
)
"""PyTorch's words for a missing value. Other errors there (no such operation) say nothing."""


class _Fault(RuntimeError):  # noqa: N818
    pass


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses operations that wait for the device, and those whose inputs are on two devices."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().partition("::")[2].partition(".")[0]
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        on_meta = any(tensor.is_meta for tensor in tensors)
        # a scalar of the CPU may join, it is passed by value
        on_cpu = any(tensor.is_cpu and tensor.ndim for tensor in tensors)
        if on_meta and name in NEEDS_VALUES:
            raise _Fault(f"{name} needs a value of a tensor")
        devices = {tensor.device.type for tensor in tensors}
        devices.add(str((kwargs or {}).get("device")))
        if name == "_to_copy" and devices == {"cpu", "meta"}:
            raise _Fault("a tensor is copied between the CPU and the model's device")
        if on_meta and on_cpu and name != "copy_":
            raise _Fault(f"{name} gets a tensor of the CPU beside those of the model's device")
        return func(*args, **(kwargs or {}))


class _Printing(TorchFunctionMode):
    """Refuses to print a tensor: `f"{loss:.3f}"` waits for its value."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.__format__, Tensor.__repr__) and args[0].is_meta:
            raise _Fault("a tensor is printed, which needs its values")
        return func(*args, **(kwargs or {}))


def fault_in_losses(model: Model, batch: Any, steps: int) -> str | None:
    """The first thing in `losses` that waits for a GPU or fails on it, with its line.

    Returns None if there is none, or if torch cannot follow the code. Spoils the model.
    """
    phase = model.phase(0)
    model.enter_phase(phase)
    model.optimizers()  # which may set what losses reads
    _move(model)
    model.randn = model.rand = _draw  # type: ignore[method-assign]
    batch = tree_map(lambda tensor: tensor.to("meta"), batch)

    def drive() -> None:
        entered = phase
        for step in range(steps):
            model.begin(step)
            if model.phase(step) != entered:
                entered = model.phase(step)
                model.enter_phase(entered)
            for player, loss in model.losses(batch):
                trained = [one for one in player.parameters() if one.requires_grad]
                sum(tree_leaves(loss)).backward(inputs=trained)

    return _fault(drive)


def _draw(*shape: int, shared: bool = False) -> Tensor:
    return torch.empty(shape, device="meta")


def fault_in_use(model: Model, images: Tensor) -> str | None:
    """The same for `generate`, `translated` or `logits` in eval mode."""
    inputs = [images]
    if model.task == "unconditional-image-generation":
        if type(model).generate is Model.generate:
            return None
        inputs = [model.latents(2, 0)]
        if model.hp.classes:
            inputs.append(torch.zeros(2, dtype=torch.long))
        elif model.view is Conditioned:
            inputs.append(model.conditions(2, prompt="" if model.reads_text else None))
    elif not model.directions and not model.classifies:
        return None
    _move(model.eval())
    inputs = [tensor.to("meta") for tensor in inputs]
    with torch.no_grad():
        return _fault(lambda: model(*inputs))


def _fault(drive: Callable[[], object]) -> str | None:
    try:
        with _Operations(), _Printing():  # type: ignore[no-untyped-call]
            drive()
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as cause:
        if isinstance(cause, _Fault) or NO_VALUE.search(str(cause)):
            return _with_line(cause)
    return None


def _move(model: Model) -> None:
    companions = chain.from_iterable(one.modules() for one in model.companions)
    for module in [*model.modules(), *companions]:
        for name, parameter in module._parameters.items():
            if parameter is not None:
                on_meta = nn.Parameter(parameter.detach().to("meta"), parameter.requires_grad)
                module._parameters[name] = on_meta
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = buffer.to("meta")


def _with_line(cause: Exception) -> str:
    """The message, and the last line that is neither ours nor torch's."""
    line = "losses"
    for frame in traceback.extract_tb(cause.__traceback__):
        path = frame.filename.replace("\\", "/")
        if frame.filename != __file__ and "/torch/" not in path:
            line = f"{frame.filename}:{frame.lineno}: {frame.line}"
    message = str(cause).partition("\n")[0]
    return f"{message} ({line})"
