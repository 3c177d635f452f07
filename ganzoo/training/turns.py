"""What a model's losses yield, checked and named."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor, nn

from ganzoo.errors import PluginError
from ganzoo.model.contract import Model, Move
from ganzoo.training.optimizers import Optimizers

END = object()


def iterate_turns(
    model: Model, batch: Any, forward: Callable[[], AbstractContextManager[object]]
) -> Iterator[Move]:
    """The moves of `model.losses(batch)`, which runs inside `forward()`; what is done with a move runs outside.

    Raises PluginError for what is no move.
    """
    moves = model.losses(batch)
    if not isinstance(moves, Iterator):
        raise PluginError(
            f"{model.display_name}: losses(batch) must yield (player, loss) for each move"
        )
    while True:
        with forward():
            move = next(moves, END)
        if move is END:
            return
        if not isinstance(move, tuple) or len(move) != 2 or not isinstance(move[0], nn.Module):
            raise PluginError(
                f"{model.display_name}: losses(batch) yields {move!s:.60}; it must be (player, loss)"
            )
        yield move


def loss_terms(
    model: Model, player: nn.Module, loss: Tensor | Mapping[str, Tensor], optimizers: Optimizers
) -> dict[str, Tensor]:
    """The loss of a move as named scalars: `generator`, or `discriminator/real` and `discriminator/fake`.

    Raises PluginError for a player without an optimizer, and for what is no loss.
    """
    name = next((name for name, module in model.named_modules() if module is player), None)
    if name is None or player not in optimizers:
        what = f"the {type(player).__name__} {name or ''}".rstrip()
        where = (
            ""
            if name
            else ": networks are attributes of the model, or in nn.ModuleList and nn.ModuleDict"
        )
        raise PluginError(
            f"{model.display_name}: {what} moves, but optimizers() has none for it{where}"
        )
    named = loss.items() if isinstance(loss, Mapping) else [("", loss)]
    name = name or "model"  # the model itself may be a player
    terms: dict[str, Tensor] = {f"{name}/{term}".rstrip("/"): value for term, value in named}
    for term, value in terms.items():
        if not isinstance(value, Tensor) or value.numel() != 1:
            shape = (
                f"has the shape {tuple(value.shape)}"
                if isinstance(value, Tensor)
                else f"is {value!r}"
            )
            raise PluginError(
                f"{model.display_name}: the loss {term} {shape}; it must be a tensor of one number"
            )
    if not any(value.requires_grad for value in terms.values()):
        raise no_gradient_error(model, terms or [name])
    return terms


def stale_graph_error(
    model: Model, terms: Iterable[str], cause: RuntimeError
) -> PluginError | None:
    """The error for a loss whose networks have moved since it was computed, if that is what torch complains of."""
    if not re.search(
        "backward through the graph a second time|modified by an inplace operation", str(cause)
    ):
        return None
    return PluginError(
        f"{model.display_name}: the loss {', '.join(terms)} was computed before an earlier move, which changed the networks "
        f"that it is of: compute it after that move's yield, or detach what comes from there"
    )


def no_gradient_error(model: Model, terms: Iterable[str]) -> PluginError:
    """The error for a loss that its player cannot change."""
    return PluginError(
        f"{model.display_name}: {', '.join(terms)} depends on none of its player's trained parameters"
    )
