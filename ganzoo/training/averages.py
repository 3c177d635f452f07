"""Exponential moving averages of players, kept beside them and put in their place to be used."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganzoo.errors import PluginError
from ganzoo.model.contract import Model


class Averages:
    """One average for each player that the model names in `averaged()`; none when `hp.ema` is 0."""

    def __init__(self, model: Model) -> None:
        players = model.averaged() if model.hp.ema else []
        for player in players:
            if not isinstance(player, nn.Module):
                raise PluginError(
                    f"{model.display_name}: averaged() gives {player!r:.60}, not networks, as [self.generator]"
                )
            inside = [
                module for other in players for module in other.modules() if module is not other
            ]
            if player is model or player in inside:
                raise PluginError(
                    f"{model.display_name}: averaged() names the model itself or a player inside another"
                )
            if player not in set(model.modules()):
                raise PluginError(
                    f"{model.display_name}: averaged() names a {type(player).__name__} that is no part of it"
                )
        self._model = model
        self.pairs = {player: copy.deepcopy(player).requires_grad_(False) for player in players}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """average <- decay * average + (1 - decay) * player, with decay = min(ema, (1 + step) / (10 + step)).

        The normalisation's statistics are averaged like the parameters; counters are copied.
        """
        decay = min(self._model.hp.ema, (1 + step) / (10 + step))
        for player, average in self.pairs.items():
            for mean, value in zip(_tensors(average), _tensors(player), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - decay)
                else:
                    mean.copy_(value)

    @contextmanager
    def substituted(self) -> Iterator[Model]:
        """Inside, the averages stand in the model where their players stood."""
        places = [
            (parent, name, child)
            for parent in list(self._model.modules())
            for name, child in parent._modules.items()
            if child in self.pairs
        ]
        for parent, name, player in places:
            setattr(parent, name, self.pairs[player])
        try:
            yield self._model
        finally:
            for parent, name, player in places:
                setattr(parent, name, player)


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
