"""The optimizers of a model's players, through its phases and its schedules."""

from collections.abc import Hashable, Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ganzoo.errors import PluginError
from ganzoo.model.contract import Model

OPTIONS = ("amsgrad", "centered", "momentum")
"""Options of optimizers that decide which tensors they keep."""


class Optimizers(dict[nn.Module, Optimizer]):
    """Player -> its optimizer, in the phase that was entered last."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._phase: Hashable = object()  # equal to none: the first step enters one

    def trained(self, player: nn.Module) -> list[nn.Parameter]:
        """The parameters that a move of this player changes."""
        parameters: list[nn.Parameter] = []
        for group in self[player].param_groups:
            parameters += group["params"]
        return parameters

    def enter(self, step: int) -> bool:
        """Sets phase, rates and betas of a step. Returns whether the phase changed."""
        model = self._model
        phase = model.phase(step)
        changed = phase != self._phase
        if changed:
            self._enter_phase(phase)
        scale = model.lr_scale(step / model.hp.steps)
        betas = model.betas(step)
        for optimizer in self.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * scale
                if betas is not None:
                    group["betas"] = betas
        return changed

    def _enter_phase(self, phase: Hashable) -> None:
        """Asks for optimizers anew; a parameter keeps its state in one of the same kind."""
        before, states = dict(self), self.state()
        self._model.enter_phase(phase)
        self._phase = phase
        optimizers = self._model.optimizers()
        self._check_kinds(optimizers)
        self.clear()
        self.update(optimizers)
        self._check_parts()
        for player, optimizer in self.items():
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]
            if player in before and _keep_alike(before[player], optimizer):
                self._load(player, states)

    def _check_kinds(self, optimizers: Mapping[nn.Module, Optimizer]) -> None:
        name = self._model.display_name
        is_map = isinstance(optimizers, Mapping)
        if not is_map or not all(isinstance(one, Optimizer) for one in optimizers.values()):
            raise PluginError(
                f"{name}: optimizers() gives {optimizers!s:.60}; it must be {{player: optimizer}}"
            )
        if len(set(optimizers.values())) < len(optimizers):
            raise PluginError(
                f"{name}: optimizers() gives one optimizer to two players: each needs its own"
            )

    def _check_parts(self) -> None:
        parts = {*self._model.modules(), *self._model.parameters()}
        for player in self:
            for part in (player, *self.trained(player)):
                if part not in parts:
                    raise PluginError(
                        f"{self._model.display_name}: optimizers() has a {type(part).__name__} "
                        "that is no part of the model: keep networks as attributes, "
                        "or in nn.ModuleList and nn.ModuleDict"
                    )

    def state(self) -> dict[str, dict[str, Any]]:
        """`player/parameter` -> the optimizer's state of that parameter, by key."""
        states = {}
        for player, optimizer in self.items():
            parameters = self.trained(player)
            for name, parameter in zip(self._names(player), parameters, strict=True):
                if parameter in optimizer.state:
                    states[name] = optimizer.state[parameter]
        return states

    def restore(self, states: Mapping[str, dict[str, Any]]) -> None:
        """Puts states back; a parameter without one starts afresh."""
        for player in self:
            self._load(player, states)

    def _load(self, player: nn.Module, states: Mapping[str, dict[str, Any]]) -> None:
        numbered = {}
        for number, name in enumerate(self._names(player)):
            if name in states:
                numbered[number] = states[name]
        optimizer = self[player]
        optimizer.load_state_dict({**optimizer.state_dict(), "state": numbered})

    def _names(self, player: nn.Module) -> list[str]:
        """`player/parameter`, for each parameter that the player trains."""
        names = {}
        for name, parameter in self._model.named_parameters(remove_duplicate=False):
            names[parameter] = name
        players = {module: name for name, module in self._model.named_modules()}
        return [f"{players[player]}/{names[parameter]}" for parameter in self.trained(player)]


def _keep_alike(old: Optimizer, new: Optimizer) -> bool:
    """Whether one optimizer can go on with the state of the other."""
    for key in OPTIONS:
        if bool(old.defaults.get(key)) != bool(new.defaults.get(key)):
            return False
    return isinstance(new, type(old)) or isinstance(old, type(new))
