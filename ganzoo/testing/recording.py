"""Watches a training turn by turn, and compares and describes what it ends with."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ganzoo.model.contract import Model, Move
from ganzoo.training.trainer import Trainer


@dataclass
class Recording:
    """The observations of a training. Parameters are named as in the model."""

    model: Model
    losses: list[dict[str, float]] = field(default_factory=list)
    players: set[str] = field(default_factory=set)
    foreign_changes: list[str] = field(default_factory=list)
    """Changes of a parameter in the move of another player, or between moves."""
    incomplete_steps: int = 0
    """Steps in which the trainer did not drive `losses` to its end."""
    batch_changed: bool = False
    rates_changed: bool = False
    """Whether the model set a learning rate by itself."""
    progress_read: bool = False
    setting_changed: str | None = None
    """A global setting of torch that is different after the training."""
    undetached: set[str] = field(default_factory=set)
    """Losses that the trainer returned with their graphs."""
    twice_differentiated: set[str] = field(default_factory=set)
    """Parameters of whose gradients gradients were taken."""
    cut_gradients: set[str] = field(default_factory=set)
    """Losses that depend on a gradient whose own graph was not made."""
    without_gradient: set[str] = field(default_factory=set)
    """Terms of a loss that no gradient passes, though they are no constants."""
    in_optimizers: set[str] = field(default_factory=set)
    """The parameters that an optimizer has in some step."""
    constants: dict[str, Tensor] = field(default_factory=dict)
    """The first value of each term without a gradient."""
    pending: list[Tensor] = field(default_factory=list)
    """Gradients without a graph that were taken since the last move."""
    plain_grad: Any = torch.autograd.grad
    before: dict[str, Tensor] = field(default_factory=dict)
    after: dict[str, Tensor] = field(default_factory=dict)

    @property
    def unchanged(self) -> set[str]:
        """The parameters that ended as they began."""
        return {name for name, tensor in self.before.items() if tensor.equal(self.after[name])}


def recorded(trainer: Trainer) -> Recording:
    """Trains to the end, and watches."""
    model, settings = trainer.model, torch_settings()
    recording = Recording(model, before=_parameters(model))
    model.losses = _watched_losses(trainer, recording)  # type: ignore[method-assign]
    try:
        with _watched_gradients(recording), _watched_progress(recording):
            for step in trainer:
                recording.losses.append(step.read())
                for name, loss in step.losses.items():
                    if loss.requires_grad:
                        recording.undetached.add(name)
    finally:
        del model.losses
    recording.after = _parameters(model)
    recording.setting_changed = changed_since(settings)
    return recording


def _watched_losses(trainer: Trainer, recording: Recording) -> Callable[[Any], Any]:
    losses = trainer.model.losses

    def watched(batch: Any) -> Any:
        moves = losses(batch)
        if not isinstance(moves, Iterator):
            return moves  # the trainer refuses it
        return _watched_moves(moves, batch, trainer, recording)

    return watched


def _watched_moves(
    moves: Iterator[Move], batch: Any, trainer: Trainer, recording: Recording
) -> Iterator[Move]:
    """One step's moves; between them, looks at who has changed."""
    model = trainer.model
    recording.incomplete_steps += 1  # until the end is reached
    copies = [tensor.clone() for tensor in tree_leaves(batch)]
    rates = _rates(trainer)
    names = {module: name for name, module in model.named_modules()}
    last, own, trained = _parameters(model), set[str](), set[str]()
    for player in trainer.optimizers:
        trained |= _names_of_trained(trainer, player)
    recording.in_optimizers |= trained

    def look(when: str) -> None:
        # parameters that nobody trains, as a teacher's, are nobody's
        nonlocal last
        now = _parameters(model)
        for name in sorted(trained - own):
            if not same(last[name], now[name]):
                recording.foreign_changes.append(f"{name} changes {when}")
        last = now

    when = "before the first move"
    for move in moves:
        look(when)
        _watch_terms(move, names, recording)
        yield move  # the trainer refuses what is no move
        mover, own = names[move[0]] or "model", _names_of_trained(trainer, move[0])
        recording.players.add(mover)
        look(f"in the move of the {mover}")
        when = f"after the move of the {mover}"
    look(when)
    recording.incomplete_steps -= 1
    if rates != _rates(trainer):
        recording.rates_changed = True
    if not all(map(same, copies, tree_leaves(batch))):
        recording.batch_changed = True


def _watch_terms(move: Any, names: Mapping[nn.Module, str], recording: Recording) -> None:
    """Notes terms without a gradient, and losses that depend on a gradient without a graph."""
    leaves, recording.pending = recording.pending, []
    if not isinstance(move, tuple) or len(move) != 2:
        return
    player, loss = move
    mover = names.get(player) or "model"
    terms = loss if isinstance(loss, Mapping) else {"": loss}
    for term, value in terms.items():
        if not isinstance(value, Tensor):
            continue
        name = f"{mover}/{term}".rstrip("/")
        if not value.requires_grad:
            known = recording.constants.setdefault(name, value.detach().clone())
            if not known.equal(value):
                recording.without_gradient.add(name)
            continue
        options = {"retain_graph": True, "allow_unused": True}
        for leaf in leaves:
            [gradient] = recording.plain_grad(value.sum(), leaf, **options)
            if gradient is not None:
                recording.cut_gradients.add(name)


def _names_of_trained(trainer: Trainer, player: nn.Module) -> set[str]:
    return names_of(trainer.model, set(trainer.optimizers.trained(player)))


def names_of(model: Model, parameters: set[nn.Parameter]) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter in parameters}


def _parameters(model: Model) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def _rates(trainer: Trainer) -> list[float]:
    rates = []
    for optimizer in trainer.optimizers.values():
        for group in optimizer.param_groups:
            rates.append(group["lr"])
    return rates


@contextmanager
def _watched_progress(recording: Recording) -> Iterator[None]:
    plain: Any = Model.progress

    def progress(model: Model) -> Any:
        if model is recording.model:
            recording.progress_read = True
        return plain.fget(model)

    Model.progress = property(progress)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Model.progress = plain  # type: ignore[method-assign]


@contextmanager
def _watched_gradients(recording: Recording) -> Iterator[None]:
    """Notes the parameters that torch.autograd.grad(..., create_graph=True) goes through.

    Without create_graph, the gradients become leaves: a loss that depends on one learns nothing
    from it.
    """
    plain: Any = torch.autograd.grad

    def grad(outputs: Any, *args: Any, create_graph: Any = False, **kwargs: Any) -> Any:
        if create_graph:
            inputs = args[0] if args else kwargs.get("inputs")
            names = names_of(recording.model, _leaves(outputs, inputs))
            recording.twice_differentiated |= names
            return plain(outputs, *args, create_graph=create_graph, **kwargs)
        results = []
        for gradient in plain(outputs, *args, create_graph=create_graph, **kwargs):
            if isinstance(gradient, Tensor) and torch.is_grad_enabled():
                gradient = gradient.detach().requires_grad_()
                recording.pending.append(gradient)
            results.append(gradient)
        return tuple(results)

    torch.autograd.grad = grad
    try:
        yield
    finally:
        torch.autograd.grad = plain


def _leaves(outputs: Any, inputs: Any) -> set[Any]:
    """The tensors that the graph of the outputs begins with, without what the inputs come from."""
    functions = [tensor.grad_fn for tensor in tree_leaves(outputs)]
    leaves: set[Any] = set()
    visited: set[Any] = {None}
    for tensor in tree_leaves(inputs):
        if isinstance(tensor, Tensor):
            visited.add(tensor.grad_fn)
    while functions:
        function = functions.pop()
        if function in visited:
            continue
        visited.add(function)
        if hasattr(function, "variable"):
            leaves.add(function.variable)
        for earlier, _ in function.next_functions:
            functions.append(earlier)
    return leaves


# State that no checkpoint has


def unsaved_state(trainer: Trainer) -> dict[str, object]:
    """Attribute -> value, for numbers, texts and tensors that are in no checkpoint.

    Attributes of the model, its modules and the trainer: `self.count`, `self.critic.pool`.
    """
    model = trainer.model
    owners: list[tuple[str, object]] = []
    for path, module in model.named_modules():
        owners.append((f"self.{path}" if path else "self", module))
    owners.append(("trainer", trainer))
    saved = {id(tensor) for tensor in [*model.parameters(), *model.buffers()]}
    state: dict[str, object] = {}
    for path, owner in owners:
        for name, value in vars(owner).items():
            state[f"{path}.{name}"] = _comparable(value, saved)
    return state


def _comparable(value: Any, saved: set[int]) -> list[object]:
    """The numbers, texts and unsaved tensors in a value."""
    result: list[object] = []
    for leaf in tree_leaves(value):
        if isinstance(leaf, bool | int | float | str):
            result.append(leaf)
        elif isinstance(leaf, torch.Generator):
            result.append(leaf.get_state().tolist())
        elif isinstance(leaf, random.Random):
            result.append(str(leaf.getstate()))
        elif isinstance(leaf, np.random.Generator):
            result.append(str(leaf.bit_generator.state))
        elif isinstance(leaf, set | frozenset):
            result.append(sorted(map(str, _comparable(list(leaf), saved))))
        elif isinstance(leaf, Tensor) and id(leaf) not in saved:
            result += [tuple(leaf.shape), leaf.detach().cpu().flatten().tolist()]
    return result


# Settings and random states that a process has once

TORCH_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "the detection of anomalies": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "the number of threads": (torch.get_num_threads, torch.set_num_threads),
    "the computing of gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "the use of deterministic algorithms": (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    "the precision of matrix products": (
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    "the benchmarking of cuDNN": (
        lambda: torch.backends.cudnn.benchmark,
        lambda value: setattr(torch.backends.cudnn, "benchmark", value),
    ),
    "the determinism of cuDNN": (
        lambda: torch.backends.cudnn.deterministic,
        lambda value: setattr(torch.backends.cudnn, "deterministic", value),
    ),
}
"""Name -> how a global setting of torch is read and written."""


def torch_settings() -> dict[str, Any]:
    """The global settings of torch, by name."""
    return {name: read() for name, (read, _) in TORCH_SETTINGS.items()}


def restore_torch_settings(before: Mapping[str, Any]) -> None:
    for name, (read, write) in TORCH_SETTINGS.items():
        if read() != before[name]:
            write(before[name])


def global_state() -> dict[str, Any]:
    """The global settings of torch and the global random states, by name."""
    return {
        **torch_settings(),
        "torch's random state": torch.get_rng_state().tolist(),
        "NumPy's random state": str(np.random.get_state()),
        "Python's random state": random.getstate(),
    }


def changed_since(before: Mapping[str, Any]) -> str | None:
    """The first of these settings or random states that is different now."""
    now = global_state()
    for name, value in before.items():
        if value != now[name]:
            return name
    return None


@contextmanager
def other_random_states() -> Iterator[None]:
    """Inside, the random states of torch, NumPy and Python are others."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.rand(7), np.random.rand(7), random.random()  # noqa: S311
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


# Comparing and describing tensors


def difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that differs."""
    if one.keys() != other.keys():
        return min(one.keys() ^ other.keys())
    for name, tensor in one.items():
        if not same(tensor, other[name]):
            return name
    return None


def same(one: Tensor, other: Tensor) -> bool:
    """Whether shape and values are equal; NaN equals NaN."""
    if one.shape != other.shape:
        return False
    both_nan = one.isnan() & other.isnan()
    return bool((torch.eq(one, other) | both_nan).all())


def in_range(images: Tensor) -> bool:
    """Whether they are floats in [-1, 1]."""
    if not images.is_floating_point() or not images.isfinite().all():
        return False
    return images.abs().max().item() <= 1


def described(images: Tensor) -> str:
    """`(5, 1, 16, 16) of torch.float32 from -1 to 1.5`."""
    shape = f"{tuple(images.shape)} of {images.dtype}"
    if not images.numel():
        return shape
    return f"{shape} from {images.min().item():.3g} to {images.max().item():.3g}"
