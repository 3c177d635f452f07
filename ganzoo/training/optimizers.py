"""The optimizers of a model's players, through its phases and its schedules."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from torch import nn
from torch.optim import Optimizer

from ganzoo.errors import PluginError
from ganzoo.model.contract import Model

OPTIONS = ("amsgrad", "centered", "momentum")
"""Options of optimizers that decide which tensors they keep."""


class Slot(NamedTuple):
    """A parameter in an optimizer: `player/parameter`, the optimizer, its number there."""

    name: str
    optimizer: Optimizer
    number: int
    parameter: nn.Parameter


class Optimizers(Mapping[nn.Module, Optimizer]):
    """Player -> its optimizer, in the phase that was entered last."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._of: dict[nn.Module, Optimizer] = {}
        self._trained: dict[nn.Module, list[nn.Parameter]] = {}
        self._phase: Hashable = object()  # equal to none: the first step enters one
        self._rates: list[tuple[dict[str, Any], float]] = []

    def __getitem__(self, player: nn.Module) -> Optimizer:
        return self._of[player]

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def trained(self, player: nn.Module) -> list[nn.Parameter]:
        """The parameters that a move of this player changes."""
        return self._trained[player]

    def enter(self, step: int) -> bool:
        """Sets phase, rates and betas of a step. Returns whether the phase changed."""
        phase = self._model.phase(step)
        changed = phase != self._phase
        if changed:
            self._enter_phase(phase)
        scale = self._model.lr_scale(step / self._model.hp.steps)
        betas = self._model.betas(step)
        for group, rate in self._rates:
            group["lr"] = rate * scale
            if betas is not None:
                group["betas"] = betas
        return changed

    def _enter_phase(self, phase: Hashable) -> None:
        """Asks for optimizers anew; parameters keep their state in an optimizer of the same kind."""
        kept = {slot.name: slot for slot in self._slots()}
        states = self.state()
        self._model.enter_phase(phase)
        self._phase, self._of = phase, self._model.optimizers()
        self._check_kinds()
        self._trained = {player: _parameters(optimizer) for player, optimizer in self._of.items()}
        self._check_parts()
        self._rates = []
        for optimizer in self._of.values():
            self._rates += [(group, group["lr"]) for group in optimizer.param_groups]
        restored = {}
        for slot in self._slots():
            if slot.name in states and _keep_alike(kept[slot.name].optimizer, slot.optimizer):
                restored[slot.name] = states[slot.name]
        self.restore(restored)

    def _check_kinds(self) -> None:
        name, optimizers = self._model.display_name, self._of
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
        parts: set[object] = {*self._model.modules(), *self._model.parameters()}
        for player, parameters in self._trained.items():
            for part in (player, *parameters):
                if part not in parts:
                    raise PluginError(
                        f"{self._model.display_name}: optimizers() has a {type(part).__name__} that "
                        f"is no part of the model: keep networks as attributes, or in "
                        f"nn.ModuleList and nn.ModuleDict"
                    )

    def state(self) -> dict[str, dict[str, Any]]:
        """`player/parameter` -> the optimizer's state of that parameter, by key."""
        states = {}
        for slot in self._slots():
            if slot.parameter in slot.optimizer.state:
                states[slot.name] = slot.optimizer.state[slot.parameter]
        return states

    def restore(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Puts states back; a parameter without one starts afresh."""
        numbered: dict[Optimizer, dict[int, Any]] = {one: {} for one in self._of.values()}
        for slot in self._slots():
            if slot.name in states:
                numbered[slot.optimizer][slot.number] = dict(states[slot.name])
        for optimizer, state in numbered.items():
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        # load_state_dict replaces the groups
        self._rates = [
            (group, rate)
            for (group, rate) in zip(self._groups(), [rate for _, rate in self._rates], strict=True)
        ]

    def _groups(self) -> list[dict[str, Any]]:
        groups = []
        for optimizer in self._of.values():
            groups += optimizer.param_groups
        return groups

    def _slots(self) -> list[Slot]:
        """All parameters of all players; two players may share one."""
        names = {}
        for name, parameter in self._model.named_parameters(remove_duplicate=False):
            names[parameter] = name
        players = {module: name for name, module in self._model.named_modules()}
        slots = []
        for player, optimizer in self._of.items():
            for number, parameter in enumerate(self._trained[player]):
                name = f"{players[player]}/{names[parameter]}"
                slots.append(Slot(name, optimizer, number, parameter))
        return slots


def _parameters(optimizer: Optimizer) -> list[nn.Parameter]:
    parameters: list[nn.Parameter] = []
    for group in optimizer.param_groups:
        parameters += group["params"]
    return parameters


def _keep_alike(old: Optimizer, new: Optimizer) -> bool:
    """Whether one optimizer can go on with the state of the other."""
    related = isinstance(new, type(old)) or isinstance(old, type(new))
    return related and all(
        bool(old.defaults.get(key)) == bool(new.defaults.get(key)) for key in OPTIONS
    )
