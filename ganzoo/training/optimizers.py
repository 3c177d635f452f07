"""The optimizers of a model's players, through its phases and its schedules."""

import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ganzoo.errors import PluginError
from ganzoo.model.contract import Model

States = Mapping[str, dict[str, Any]]
"""`player/parameter` -> what an optimizer keeps for it, by key."""
OPTIONS = ("amsgrad", "centered", "momentum")
"""Options of optimizers that decide which tensors they keep."""


class Optimizers(dict[nn.Module, Optimizer]):
    """Player -> its optimizer, in the phase that was entered last."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        # equal to no phase: the first step enters one
        self._phase: Hashable = object()
        self._lr_scale = lr_scale_of(model)
        self._resting: set[nn.Module] = set()

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
        progress = step / model.hp.steps
        betas = model.betas(step)
        for player, optimizer in self.items():
            scale = self._lr_scale(progress, player)
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
        for player, optimizer in self.items():
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]
            alike = player in before and _keep_alike(before[player], optimizer)
            self._load(player, states if alike else {})
        self._rest()

    def _rest(self) -> None:
        """Puts networks that nobody trains into eval mode: their BatchNorm statistics stay."""
        trained: set[nn.Parameter] = set()
        for player in self:
            trained.update(p for p in self.trained(player) if p.requires_grad)
        for network in self._model.children():
            parameters = set(network.parameters())
            if parameters and not parameters & trained:
                network.eval()
                self._resting.add(network)
            elif network in self._resting:
                network.train()
                self._resting.remove(network)

    def _check_kinds(self, optimizers: Mapping[nn.Module, Optimizer]) -> None:
        text = f"{self._model.display_name}: optimizers() gives"
        is_map = isinstance(optimizers, Mapping)
        values: Iterable[object] = optimizers.values() if is_map else [None]
        if not all(isinstance(value, Optimizer) for value in values):
            raise PluginError(f"{text} {optimizers!s:.60}; it must be {{player: optimizer}}")
        if len(set(values)) < len(optimizers):
            raise PluginError(f"{text} one optimizer to two players: each needs its own")

    def state(self) -> States:
        """The state of every trained parameter that has one."""
        states = {}
        for player, optimizer in self.items():
            for name, parameter in self._named(player):
                if parameter in optimizer.state:
                    states[name] = optimizer.state[parameter]
        return states

    def restore(self, states: States) -> None:
        """Puts states back; a parameter without one starts afresh."""
        for player in self:
            self._load(player, states)

    def _load(self, player: nn.Module, states: States) -> None:
        numbered = {}
        for number, (name, _) in enumerate(self._named(player)):
            if name in states:
                numbered[number] = states[name]
        state = self[player].state_dict()
        self[player].load_state_dict({**state, "state": numbered})

    def _named(self, player: nn.Module) -> list[tuple[str, nn.Parameter]]:
        """(`player/parameter`, parameter) for each that the player trains."""
        model, trained = self._model, self.trained(player)
        names: dict[object, str] = {}
        for name, module in model.named_modules():
            names[module] = name
        for name, parameter in model.named_parameters(remove_duplicate=False):
            names[parameter] = name
        for part in (player, *trained):
            if part not in names:
                raise PluginError(
                    f"{model.display_name}: optimizers() has a {type(part).__name__} "
                    "that is no part of the model: keep networks as attributes, "
                    "or in nn.ModuleList and nn.ModuleDict"
                )
        named = []
        for parameter in trained:
            name = f"{names[player]}/{names[parameter]}"
            named.append((name, parameter))
        return named


def lr_scale_of(model: Model) -> Callable[[float, nn.Module], float]:
    """The model's `lr_scale`, which is passed the player if it has an argument of that name."""
    scale: Callable[..., float] = model.lr_scale
    if "player" in inspect.signature(scale).parameters:
        return lambda progress, player: scale(progress, player=player)
    return lambda progress, player: scale(progress)


def _keep_alike(old: Optimizer, new: Optimizer) -> bool:
    """Whether one optimizer can go on with the state of the other."""
    for key in OPTIONS:
        before, now = old.defaults.get(key), new.defaults.get(key)
        if bool(before) != bool(now):
            return False
    return isinstance(new, type(old)) or isinstance(old, type(new))
