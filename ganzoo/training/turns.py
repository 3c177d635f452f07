"""Turns of a step: what `losses` yields, checked, with names for their losses."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ganzoo.device import Device
from ganzoo.errors import PluginError
from ganzoo.model.contract import Model

NO_OPTIMIZER = "has a player without an optimizer: give it one in optimizers()"
NO_GRADIENT = "depends on no trained parameter of its player"
STALE_GRAPH = (
    "was computed before an earlier move, which changed networks that it depends on: "
    "compute it after that move's yield, or detach what comes from there"
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


class Turns:
    """Drives `model.losses(batch)`, and checks and names what it yields."""

    def __init__(self, model: Model, device: Device) -> None:
        self._model, self._device = model, device
        self._names: dict[nn.Module, str] = {}

    def of(self, batch: Any) -> Iterator[Turn]:
        """The turns of a step. `losses` runs in the device's precision, the caller's code in fp32.

        Raises PluginError for a yield that is no move, and for a loss that is no scalar.
        """
        moves = self._model.losses(batch)
        if not isinstance(moves, Iterator):
            raise self._error("losses(batch) must yield (player, loss) for each move")
        while True:
            with self._device.autocast():
                move = next(moves, END)
            if move is END:
                return
            yield self._checked(move)

    def _checked(self, move: Any) -> Turn:
        match move:
            case (nn.Module() as player, loss):
                name = self._name(player)
            case _:
                raise self._error(f"losses(batch) yields {move!s:.60}; it must be (player, loss)")
        losses = {name: loss}
        if isinstance(loss, Mapping):
            losses = {f"{name}/{term}": value for term, value in loss.items()}
        for key, value in losses.items():
            if not isinstance(value, Tensor):
                raise self._error(f"the loss {key} is {value!r}; it must be a tensor")
            if value.numel() != 1:
                shape = tuple(value.shape)
                raise self._error(f"the loss {key} has the shape {shape}; it must be one number")
        if not any(value.requires_grad for value in losses.values()):
            raise turn_error(self._model, losses or [name], NO_GRADIENT)
        return Turn(player, losses)

    def _name(self, player: nn.Module) -> str:
        if player not in self._names:  # its first turn
            self._names = {module: name for name, module in self._model.named_modules()}
        if player not in self._names:
            raise self._error(
                f"the {type(player).__name__} moves, but it is no part of the model: "
                "keep networks as attributes of the model, or in nn.ModuleList and "
                "nn.ModuleDict, and give each an optimizer in optimizers()"
            )
        return self._names[player] or "model"  # the model itself may be a player

    def _error(self, message: str) -> PluginError:
        return PluginError(f"{self._model.display_name}: {message}")


def turn_error(model: Model, losses: Iterable[str], reason: str) -> PluginError:
    """The error for the losses of one turn: one of the three reasons of this module."""
    return PluginError(f"{model.display_name}: the loss {', '.join(losses)} {reason}")
