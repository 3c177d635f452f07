"""Exponential moving averages of players, kept beside them and put in their place to be used."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganzoo.model import Model


class Averages:
    """One average for each player that the model names in `averaged()`; none when `hp.ema` is 0."""

    def __init__(self, model: Model) -> None:
        players = model.averaged() if model.hp.ema else []
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
        self._swap(self.pairs)
        try:
            yield self._model
        finally:
            self._swap({average: player for player, average in self.pairs.items()})

    def _swap(self, replacements: dict[nn.Module, nn.Module]) -> None:
        for parent in list(self._model.modules()):
            for name, child in list(parent.named_children()):
                if child in replacements:
                    setattr(parent, name, replacements[child])


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
