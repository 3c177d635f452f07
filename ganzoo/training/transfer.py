"""Starting from trained weights, on other data: which tensors are loaded, and which are not."""

import logging
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import StateError
from ganzoo.hub.transfer import resolve_run
from ganzoo.model.contract import Model
from ganzoo.state.run import Run
from ganzoo.state.weights import read_weights

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Adapted:
    """Names of tensors: `loaded`; `skipped`, in the file but not loaded; `new`, not in the file."""

    loaded: list[str]
    skipped: list[str]
    new: list[str]

    def log(self, source: str) -> None:
        """Reports them."""
        loaded = f"{len(self.loaded)} tensors loaded"
        counts = f"{len(self.skipped)} skipped, {len(self.new)} new"
        logger.info(f"from {source}: {loaded}, {counts}")
        if self.skipped:
            logger.info(f"skipped: {', '.join(self.skipped)}")
        if self.new:
            logger.info(f"new: {', '.join(self.new)}")


def adapt(
    model: Model,
    run: str | Path,
    *,
    partial: bool = False,
) -> Adapted:
    """Loads the weights of a RUN (see `ganzoo.load`) into a model for other data.

    Tensors are matched by name and shape. Raises StateError, and changes nothing, if some do not
    match and `partial` is False, if none matches, and if the run cannot be read.
    """
    config, weights = Run(resolve_run(run)).read_with_fallback(read_weights)
    wanted, name_here = model.state_dict(), model.display_name
    loaded, skipped = [], []
    for name, tensor in weights.items():
        text = f"{name} {tuple(tensor.shape)}"
        if name not in wanted:
            skipped.append(text)
        elif wanted[name].shape != tensor.shape:
            skipped.append(f"{text} (here {tuple(wanted[name].shape)})")
        else:
            loaded.append(name)
    new = [name for name in wanted if name not in weights]
    if not loaded:
        raise StateError(f"{run} is a {config.model}: no tensor of it fits {name_here}")
    if (skipped or new) and not partial:
        raise StateError(
            f"{len(skipped)} tensors of {run} do not fit {name_here} "
            f"(first: {skipped[:3]}), and {len(new)} of its own are missing "
            f"there (first: {new[:3]}); --partial loads the {len(loaded)} that fit"
        )
    for name in loaded:
        wanted[name] = weights[name]
    model.load_state_dict(wanted)
    model.origin = f"{config.model} {config.sha256}"
    return Adapted(loaded, skipped, new)
