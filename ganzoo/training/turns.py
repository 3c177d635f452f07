"""Turns: the moves that a model's losses yield, checked, with the names of their losses."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ganzoo.device import Device
from ganzoo.errors import PluginError
from ganzoo.model.contract import Model

END = object()
STALE = re.compile("backward through the graph a second time|modified by an inplace operation")
"""PyTorch's words for a graph whose tensors have changed or are gone."""


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
        is_pair = isinstance(move, tuple) and len(move) == 2
        if not is_pair or not isinstance(move[0], nn.Module):
            raise self._error(f"losses(batch) yields {move!s:.60}; it must be (player, loss)")
        player, loss = move
        losses = self._named(player, loss)
        for name, value in losses.items():
            if not isinstance(value, Tensor):
                raise self._error(
                    f"the loss {name} is {value!r}; it must be a tensor of one number"
                )
            if value.numel() != 1:
                shape = tuple(value.shape)
                raise self._error(f"the loss {name} has the shape {shape}, not that of one number")
        if not any(value.requires_grad for value in losses.values()):
            raise no_gradient_error(self._model, losses or [self._name(player)])
        return Turn(player, losses)

    def _named(self, player: nn.Module, loss: Any) -> dict[str, Any]:
        name = self._name(player)
        if not isinstance(loss, Mapping):
            return {name: loss}
        return {f"{name}/{term}": value for term, value in loss.items()}

    def _name(self, player: nn.Module) -> str:
        if player not in self._names:  # first seen, or it came with a new phase
            self._names = {module: name for name, module in self._model.named_modules()}
        if player not in self._names:
            raise self._error(
                f"the {type(player).__name__} moves, but it is no part of the model: keep networks "
                f"as attributes of the model, or in nn.ModuleList and nn.ModuleDict, and give "
                f"each an optimizer in optimizers()"
            )
        return self._names[player] or "model"  # the model itself may be a player

    def _error(self, message: str) -> PluginError:
        return PluginError(f"{self._model.display_name}: {message}")


def stale_graph_error(
    model: Model, names: Iterable[str], cause: RuntimeError
) -> PluginError | None:
    """The error for a loss that was computed before its networks moved; None for another cause."""
    if not STALE.search(str(cause)):
        return None
    return PluginError(
        f"{model.display_name}: the loss {', '.join(names)} was computed before an earlier move, "
        f"which changed networks that it depends on: compute it after that move's yield, or detach "
        f"what comes from there"
    )


def no_gradient_error(model: Model, names: Iterable[str]) -> PluginError:
    """The error for a loss that its player cannot change."""
    return PluginError(
        f"{model.display_name}: {', '.join(names)} depends on no trained parameter of its player"
    )
