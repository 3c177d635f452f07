"""Turns of a step: what `losses` yields, checked, with names for their losses."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ganzoo.device import Device
from ganzoo.errors import PluginError
from ganzoo.model.contract import Model

NO_OPTIMIZER = "has a player that optimizers() leaves out"
NO_GRADIENT = "depends on no trained parameter of its player"
STALE_GRAPH = (
    "was computed before an earlier move, which changed networks that it "
    "depends on: compute it after that move's yield, or detach what comes "
    "from there"
)
STALE = re.compile("backward through the graph a second time|modified by an inplace operation")
"""PyTorch's words for a graph whose tensors have changed or are gone."""
END = object()


@dataclass(frozen=True)
class Turn:
    """One player's move: the player, and the named scalars whose sum it minimises.

    Names are those of the report: `generator`, or `discriminator/real` and `discriminator/fake`.
    """

    player: nn.Module
    losses: dict[str, Tensor]


def turns(model: Model, device: Device, batch: Any) -> Iterator[Turn]:
    """Drives `model.losses(batch)` in the device's precision; the caller's code runs in fp32.

    Raises PluginError for a yield that is no move, and for a loss that is no scalar.
    """
    moves = model.losses(batch)
    if not isinstance(moves, Iterator):
        raise _error(model, "losses(batch) must yield (player, loss) for each move")
    names = {module: name for name, module in model.named_modules()}
    while True:
        with device.autocast():
            move = next(moves, END)
        if move is END:
            return
        yield _checked(move, model, names)


def _checked(move: Any, model: Model, names: Mapping[nn.Module, str]) -> Turn:
    match move:
        case (nn.Module() as player, loss) if player in names:
            name = names[player] or "model"  # the model itself may be a player
        case (nn.Module() as player, _):
            raise _error(
                model,
                f"the {type(player).__name__} moves, but it is no part of "
                "the model: keep networks as attributes of the model, "
                "or in nn.ModuleList and nn.ModuleDict",
            )
        case _:
            raise _error(model, f"losses(batch) yields {move!s:.60}, not (player, loss)")
    losses = {name: loss}
    if isinstance(loss, Mapping):
        losses = {f"{name}/{term}": value for term, value in loss.items()}
    for key, value in losses.items():
        if not isinstance(value, Tensor):
            raise _error(model, f"the loss {key} is {value!r}, not a tensor")
        if value.numel() != 1:
            shape = tuple(value.shape)
            raise _error(model, f"the loss {key} is no scalar: its shape is {shape}")
    if not any(value.requires_grad for value in losses.values()):
        raise turn_error(model, losses or [name], NO_GRADIENT)
    return Turn(player, losses)


def turn_error(model: Model, losses: Iterable[str], reason: str) -> PluginError:
    """The error for the losses of one turn: one of the three reasons of this module."""
    return _error(model, f"the loss {', '.join(losses)} {reason}")


def _error(model: Model, message: str) -> PluginError:
    return PluginError(f"{model.display_name}: {message}")
