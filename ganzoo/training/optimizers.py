"""The optimizers of a model's players, through its phases and its schedule."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.errors import PluginError
from ganzoo.model.contract import Model

PerParameter = dict[str, dict[str, Any]]
"""`"player/parameter"` -> its part of that player's optimizer's state, by key."""


class Optimizers(Mapping[nn.Module, Optimizer]):
    """Player -> its optimizer, in the phase that was entered last."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._of: dict[nn.Module, Optimizer] = {}
        self._phase: Hashable = object()  # equal to none: the first step enters one
        self._rates: list[float] = []

    def __getitem__(self, player: nn.Module) -> Optimizer:
        return self._of[player]

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def enter(self, step: int) -> bool:
        """Before a step: `model.optimizers()` anew if its phase changes. Returns whether it did.

        Parameters that stay keep their state, where their optimizer is of the same kind as before.
        """
        phase = self._model.phase(step)
        if changed := phase != self._phase:
            kept, before = self.state(), {name: optimizer for name, optimizer, _, _ in self._rows()}
            self._phase, self._of = phase, self._model.optimizers()
            self._check()
            self._rates = [group["lr"] for group in self._groups()]
            rows = [(name, now) for name, now, _, _ in self._rows() if name in kept]
            self.restore({name: kept[name] for name, now in rows if _alike(before[name], now)})
        scale = self._model.lr_scale(step / self._model.hp.steps)
        for group, rate in zip(self._groups(), self._rates, strict=True):
            group["lr"] = rate * scale
        return changed

    def _check(self) -> None:
        """Raises PluginError for what optimizers() must not give."""
        called, found = self._model.display_name, self._of
        if not isinstance(found, Mapping) or not all(
            isinstance(one, Optimizer) for one in found.values()
        ):
            raise PluginError(
                f"{called}: optimizers() gives {found!s:.60}; it must be {{player: optimizer}}"
            )
        inside: set[object] = {*self._model.modules(), *self._model.parameters()}
        trained = [parameter for player in found for parameter in self.trained(player)]
        if stray := next((part for part in [*found, *trained] if part not in inside), None):
            raise PluginError(
                f"{called}: optimizers() has a {type(stray).__name__} that is no part of the model: "
                f"keep networks as attributes, or in nn.ModuleList and nn.ModuleDict"
            )
        if len(set(found.values())) < len(found):
            raise PluginError(
                f"{called}: optimizers() gives one optimizer to two players: each has its own"
            )

    def trained(self, player: nn.Module) -> list[nn.Parameter]:
        """The parameters that a move of this player changes."""
        return [
            parameter for group in self._of[player].param_groups for parameter in group["params"]
        ]

    def state(self) -> PerParameter:
        """What the optimizers remember of each parameter."""
        return {
            name: optimizer.state[p]
            for name, optimizer, _, p in self._rows()
            if p in optimizer.state
        }

    def restore(self, saved: Mapping[str, Mapping[str, Any]]) -> None:
        """Puts it back; a parameter of which nothing was saved starts afresh."""
        states: dict[Optimizer, dict[int, Any]] = {optimizer: {} for optimizer in self._of.values()}
        for name, optimizer, number, _ in self._rows():
            if name in saved:
                states[optimizer][number] = dict(saved[name])
        for optimizer, state in states.items():
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})

    def _groups(self) -> list[dict[str, Any]]:
        return [group for optimizer in self._of.values() for group in optimizer.param_groups]

    def _rows(self) -> list[tuple[str, Optimizer, int, nn.Parameter]]:
        """(player/parameter, optimizer, number there, the parameter) for each; two players may share a parameter."""
        names = {
            parameter: name
            for name, parameter in self._model.named_parameters(remove_duplicate=False)
        }
        players = {module: name for name, module in self._model.named_modules()}
        return [
            (f"{players[player]}/{names[parameter]}", self._of[player], number, parameter)
            for player in self._of
            for number, parameter in enumerate(self.trained(player))
        ]


def _alike(old: Optimizer, new: Optimizer) -> bool:
    """Whether one can go on with what the other remembers."""
    related = isinstance(new, type(old)) or isinstance(old, type(new))
    options = ("amsgrad", "centered", "momentum")
    return related and all(
        bool(old.defaults.get(key)) == bool(new.defaults.get(key)) for key in options
    )


def split(state: PerParameter) -> tuple[dict[str, Tensor], PerParameter]:
    """Tensors under `"parameter/key"`, for safetensors, and the plain numbers, for JSON."""
    tensors = {
        f"{n}/{key}": v
        for n, values in state.items()
        for key, v in values.items()
        if isinstance(v, Tensor)
    }
    plain = {
        n: {k: v for k, v in values.items() if not isinstance(v, Tensor)}
        for n, values in state.items()
    }
    return tensors, {name: values for name, values in plain.items() if values}


def join(tensors: Mapping[str, Tensor], plain: Mapping[str, Mapping[str, Any]]) -> PerParameter:
    """The other way round."""
    state: PerParameter = {name: dict(values) for name, values in plain.items()}
    for path, tensor in tensors.items():
        name, _, key = path.rpartition("/")
        state.setdefault(name, {})[key] = tensor
    return state
