"""TrainState: all that is needed to continue a training, as one object and as one folder."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from safetensors.torch import load_file
from torch import Tensor

from ganzoo.errors import StateError
from ganzoo.files import new_folder, sha256
from ganzoo.state.config import CONFIG, WEIGHTS, Config
from ganzoo.state.weights import save_tensors

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
    weights: dict[str, Tensor]
    training: dict[str, Tensor]
    extra: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Writes the checkpoint, complete or not at all."""
        with new_folder(folder) as aside:
            save_tensors(self.weights, aside / WEIGHTS)
            save_tensors(self.training, aside / TENSORS)
            digests = {name: sha256(aside / name) for name in (WEIGHTS, TENSORS)}
            config = replace(self.config, sha256=digests[WEIGHTS])
            (aside / CONFIG).write_text(config.to_json(), encoding="utf-8")
            digests[CONFIG] = sha256(aside / CONFIG)
            text = json.dumps({"extra": self.extra, "sha256": digests}, indent=2)
            (aside / STATE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads a checkpoint and verifies every byte.

        Raises StateError, which names the damaged file and the way out.
        """
        try:
            document = json.loads((folder / STATE).read_text(encoding="utf-8"))
            extra, digests = dict(document["extra"]), dict(document["sha256"])
            for name in (CONFIG, WEIGHTS, TENSORS):
                if sha256(folder / name) != digests[name]:
                    raise _damaged(folder, name)
        except FileNotFoundError as cause:
            raise _damaged(folder, Path(cause.filename).name) from None
        except OSError as cause:
            raise StateError(f"{folder} cannot be read: {cause}") from None
        except (ValueError, KeyError, TypeError):
            raise _damaged(folder, STATE) from None
        return cls(
            config=Config.read(folder / CONFIG),
            weights=load_file(folder / WEIGHTS),
            training=load_file(folder / TENSORS),
            extra=extra,
        )


def _damaged(folder: Path, name: str) -> StateError:
    others = [path for path in step_folders(folder.parent) if path != folder]
    way_out = "there is no other: start again elsewhere"
    if others:
        way_out = f"delete it to go on from {others[-1].name}"
    return StateError(f"{folder} is damaged ({name} is not what was saved); {way_out}")


def step_folders(train: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first. They are complete: they got their names last."""
    steps = {}
    for path in train.glob("step-*"):
        match = re.fullmatch(r"step-(\d+)", path.name)
        if match:
            steps[int(match[1])] = path
    return [steps[step] for step in sorted(steps)]
