"""Starting from trained weights, on other data: which tensors come along, which cannot, which are new."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import StateError
from ganzoo.hub.transfer import resolve_run
from ganzoo.model.contract import Model
from ganzoo.state.run import Run
from ganzoo.state.weights import read_weights


@dataclass(frozen=True)
class Adapted:
    """Names of tensors: taken over, in the file but of no use here, in the model but not in the file."""

    loaded: list[str]
    skipped: list[str]
    new: list[str]

    def lines(self, origin: str) -> list[str]:
        """For the user."""
        found = [
            f"from {origin}: {len(self.loaded)} tensors loaded, {len(self.skipped)} skipped, {len(self.new)} new"
        ]
        found += [f"skipped: {', '.join(self.skipped)}"] if self.skipped else []
        return found + ([f"new: {', '.join(self.new)}"] if self.new else [])


def adapt(model: Model, run: str | Path, *, partial: bool = False) -> Adapted:
    """Puts the weights of a run, or of an id of the Hub, into a model that is about to be trained on other data.

    Tensors are matched by name and shape. Raises StateError, having changed nothing, when some do not match and
    `partial` does not allow it, when none does, and when the run cannot be read.
    """
    config, weights = Run(resolve_run(run)).read_with_fallback(read_weights)
    wanted = model.state_dict()
    loaded = [
        name
        for name, tensor in weights.items()
        if name in wanted and wanted[name].shape == tensor.shape
    ]
    skipped = [
        f"{name} {tuple(tensor.shape)}"
        + (f" (here {tuple(wanted[name].shape)})" if name in wanted else "")
        for name, tensor in weights.items()
        if name not in loaded
    ]
    new = [name for name in wanted if name not in weights]
    if not loaded:
        raise StateError(f"{run} is a {config.model} of which no tensor fits {model.display_name}")
    if (skipped or new) and not partial:
        raise StateError(
            f"{len(skipped)} tensors of {run} do not fit here ({_some(skipped)}) and {len(new)} here are not there "
            f"({_some(new)}); --partial takes the {len(loaded)} that fit"
        )
    wanted.update({name: weights[name] for name in loaded})
    model.load_state_dict(wanted)
    model.origin = f"{config.model} {config.sha256}"
    return Adapted(loaded, skipped, new)


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:3]) + (", ..." if len(found) > 3 else "") if found else "none"
