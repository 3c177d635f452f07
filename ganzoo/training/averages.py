"""Exponential moving averages of players, kept beside them and used in their place."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganzoo.errors import PluginError
from ganzoo.model.contract import Model

STATISTICS = ("running_mean", "running_var")
"""The buffers of norms that are averaged."""


class Averages:
    """One average for each player that the model names in `averaged()`; none if `hp.ema` is 0."""

    def __init__(self, model: Model) -> None:
        players = model.averaged() if model.hp.ema else []
        _check(model, players)
        self._model = model
        self.pairs: dict[nn.Module, nn.Module] = {}
        self._means: list[Tensor] = []
        self._values: list[Tensor] = []
        self._copied: list[tuple[nn.Module, nn.Module, str]] = []
        for player in players:
            average = copy.deepcopy(player).requires_grad_(False)
            self.pairs[player] = average
            self._means += average.parameters()
            self._values += player.parameters()
            modules = zip(average.modules(), player.modules(), strict=True)
            for own, source in modules:
                self._add_buffers(own, source)

    def _add_buffers(self, own: nn.Module, source: nn.Module) -> None:
        for name, mean in own.named_buffers(recurse=False):
            if name in STATISTICS:
                self._means.append(mean)
                self._values.append(source.get_buffer(name))
            else:
                self._copied.append((own, source, name))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """average <- decay * average + (1 - decay) * player, with the model's `ema_decay(step)`.

        Parameters and the statistics of norms are averaged; other buffers (counters, the unit
        vectors of spectral norm) are copied.
        """
        if not self.pairs:
            return
        weight = 1 - self._model.ema_decay(step)
        torch._foreach_lerp_(self._means, self._values, weight)
        for own, source, name in self._copied:
            own.get_buffer(name).copy_(source.get_buffer(name))

    @contextmanager
    def substituted(self) -> Iterator[Model]:
        """Inside, the averages stand in the model in place of their players."""
        places = []
        for parent in list(self._model.modules()):
            for name, child in parent._modules.items():
                if child in self.pairs:
                    places.append((parent, name, child))
        for parent, name, player in places:
            setattr(parent, name, self.pairs[player])
        try:
            yield self._model
        finally:
            for parent, name, player in places:
                setattr(parent, name, player)


def _check(model: Model, players: list[nn.Module]) -> None:
    """Raises PluginError unless they are separate networks of the model."""
    text = f"{model.display_name}: averaged()"
    parts = {*model.modules()} - {model}
    for player in players:
        if not isinstance(player, nn.Module):
            raise PluginError(f"{text} gives {player!r:.60}, not networks such as [self.generator]")
        inner = list(player.modules())[1:]
        if player not in parts or any(part in players for part in inner):
            raise PluginError(
                f"{text} names a {type(player).__name__} that is no "
                "part of the model, or has another of the players inside"
            )
