"""TrainState: all that is needed to continue a training, as one object and as one folder."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from safetensors.torch import load_file

from ganzoo.errors import StateError
from ganzoo.files import new_folder, sha256
from ganzoo.state.config import CONFIG, DAMAGE, WEIGHTS, Config
from ganzoo.state.weights import Tensors, save_tensors

TENSORS = "training.safetensors"
STATE = "training.json"


@dataclass
class TrainState:
    """A run between two steps.

    `weights` are those to use, with averages in place of raw weights. `training` holds the other
    tensors: state of the optimizers, raw weights under averages, buffers that are not published.
    `extra` is the rest, as JSON.
    """

    config: Config
    weights: Tensors
    training: Tensors
    extra: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Writes the checkpoint, complete or not at all."""
        tensors = {WEIGHTS: self.weights, TENSORS: self.training}
        digests = {}
        with new_folder(folder) as unfinished:
            for name, values in tensors.items():
                save_tensors(values, unfinished / name)
                digests[name] = sha256(unfinished / name)
            config = replace(self.config, sha256=digests[WEIGHTS])
            (unfinished / CONFIG).write_text(config.to_json())
            digests[CONFIG] = sha256(unfinished / CONFIG)
            document = {"extra": self.extra, "sha256": digests}
            (unfinished / STATE).write_text(json.dumps(document, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads a checkpoint and verifies every byte.

        Raises StateError, which names the damaged file and the way out.
        """
        name = STATE
        try:
            document = json.loads((folder / name).read_bytes())
            extra, digests = (
                dict(document["extra"]),
                dict(document["sha256"]),
            )
            for name in (CONFIG, WEIGHTS, TENSORS):
                if sha256(folder / name) != digests.get(name):
                    raise ValueError(f"{STATE} has another sha256")
        except DAMAGE as cause:
            way_out = "there is no other checkpoint: start again elsewhere"
            for other in step_folders(folder.parent):
                if other != folder:
                    way_out = f"delete {folder.name} to go on from {other.name}"
            raise StateError(f"{folder / name} is damaged ({cause}); {way_out}") from None
        return cls(
            config=Config.read(folder / CONFIG),
            weights=load_file(folder / WEIGHTS),
            training=load_file(folder / TENSORS),
            extra=extra,
        )


def step_folders(train: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first. They are complete: they got their names last."""
    paths = [path for path in train.glob("step-*") if path.name[5:].isdecimal()]
    return sorted(paths, key=lambda path: int(path.name[5:]))
