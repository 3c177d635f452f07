"""Exponential moving averages of players, kept beside them and used in their place."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from ganzoo.errors import PluginError
from ganzoo.model.contract import Model


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
            self._means += _averaged_tensors(average)
            self._values += [tensor.detach() for tensor in _averaged_tensors(player)]
            self._copied += _other_buffers(average, player)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """average <- decay * average + (1 - decay) * player, with the model's `ema_decay(step)`.

        Parameters and the statistics of norms are averaged; other buffers (counters, the unit
        vectors of spectral norm) are copied.
        """
        if not self.pairs:
            return
        torch._foreach_lerp_(self._means, self._values, 1 - self._model.ema_decay(step))
        for owner, source, name in self._copied:
            owner._buffers[name].copy_(source._buffers[name])  # type: ignore[union-attr, arg-type]

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
    parts = set(model.modules())
    for player in players:
        if not isinstance(player, nn.Module):
            raise PluginError(
                f"{model.display_name}: averaged() gives {player!r:.60}, not networks such as "
                f"[self.generator]"
            )
        if player is model or any(player in list(other.modules())[1:] for other in players):
            raise PluginError(
                f"{model.display_name}: averaged() names the model itself or a player inside another"
            )
        if player not in parts:
            raise PluginError(
                f"{model.display_name}: averaged() names a {type(player).__name__} that is no part "
                f"of the model"
            )


def _averaged_tensors(module: nn.Module) -> list[Tensor]:
    tensors: list[Tensor] = list(module.parameters())
    for norm in module.modules():
        if isinstance(norm, _NormBase) and norm.running_mean is not None:
            assert norm.running_var is not None
            tensors += [norm.running_mean, norm.running_var]
    return tensors


def _other_buffers(average: nn.Module, player: nn.Module) -> list[tuple[nn.Module, nn.Module, str]]:
    """(module of the average, module of the player, name) of each buffer that is copied."""
    statistics = {id(tensor) for tensor in _averaged_tensors(average)}
    buffers = []
    for owner, source in zip(average.modules(), player.modules(), strict=True):
        for name, buffer in owner._buffers.items():
            if buffer is not None and id(buffer) not in statistics:
                buffers.append((owner, source, name))
    return buffers
