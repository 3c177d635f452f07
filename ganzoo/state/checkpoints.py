"""TrainState: all that is needed to go on training, as one object and as one folder."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from torch import Tensor

from ganzoo.errors import StateError
from ganzoo.files import new_folder, remove, replace_file, sha256
from ganzoo.state.config import Config
from ganzoo.state.run import check_ours
from ganzoo.state.weights import load_tensors, save_tensors

T = TypeVar("T")
KEPT = 3
"""Checkpoints that a run keeps, the newest included."""


@dataclass
class TrainState:
    """A run between two steps.

    `weights` are those to use, averages substituted; `training` holds the other tensors (optimizers' state, raw
    weights under averages, buffers that are not published); `extra` what is not a tensor, as JSON has it.
    """

    config: Config
    weights: dict[str, Tensor]
    training: dict[str, Tensor]
    extra: dict[str, Any]

    def write(self, run: Path, defaults: Mapping[str, Any]) -> None:
        """Adds `train/step-N` to the run, complete or not at all, publishes its weights, drops old checkpoints.

        `defaults` are the model's hyperparameters, of a run that is older than one of them.
        """
        self._check_may_write(run, defaults)
        folder = run / "train" / f"step-{self.config.step:06}"
        with new_folder(folder) as aside:
            save_tensors(self.weights, aside / "model.safetensors")
            save_tensors(self.training, aside / "training.safetensors")
            config = self.config.at(self.config.step, sha256(aside / "model.safetensors"))
            (aside / "config.json").write_text(config.to_json(), encoding="utf-8")
            digests = {file.name: sha256(file) for file in sorted(aside.iterdir())}
            document = {"extra": self.extra, "sha256": digests}
            (aside / "training.json").write_text(
                json.dumps(document, indent=2) + "\n", encoding="utf-8"
            )
        publish(run)
        best = best_checkpoint(run)
        for old in checkpoints(run)[:-KEPT]:
            if old != best:
                remove(old)

    def _check_may_write(self, run: Path, defaults: Mapping[str, Any]) -> None:
        check_ours(run)
        newest = newest_checkpoint(run)
        if newest is None:
            check_no_weights(run)
            return
        there = Config.read(newest / "config.json")
        if differences := there.differences(self.config, defaults):
            raise StateError(
                f"{run} holds another run ({'; '.join(differences)}): choose another folder"
            )
        if there.step > self.config.step:
            raise StateError(
                f"{run} is at step {there.step} already, beyond {self.config.step}: resume it, or choose another folder"
            )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads a checkpoint, every byte verified. Raises StateError, naming the file and the way out."""
        try:
            document = json.loads((folder / "training.json").read_text(encoding="utf-8"))
            digests, extra = dict(document["sha256"]), dict(document["extra"])
            damaged = next(
                (name for name, digest in digests.items() if sha256(folder / name) != digest), None
            )
        except FileNotFoundError as cause:
            damaged = Path(str(cause.filename)).name
        except OSError as cause:
            raise StateError(f"{folder} cannot be read: {cause}") from None
        except (ValueError, KeyError, TypeError):
            damaged = "training.json"
        if damaged:
            others = [path for path in checkpoints(folder.parents[1]) if path != folder]
            back = (
                f"delete it to go on from {others[-1].name}"
                if others
                else "there is no other: start again elsewhere"
            )
            raise StateError(f"{folder} is damaged ({damaged} is not what was saved); {back}")
        return cls(
            config=Config.read(folder / "config.json"),
            weights=load_tensors(folder / "model.safetensors", digests["model.safetensors"]),
            training=load_tensors(folder / "training.safetensors", digests["training.safetensors"]),
            extra=extra,
        )


def checkpoints(run: Path) -> list[Path]:
    """The run's checkpoints, oldest first. A folder with this name is complete: it got the name last."""
    found = [
        (int(match[1]), path)
        for path in run.glob("train/step-*")
        if (match := re.fullmatch(r"step-(\d+)", path.name))
    ]
    return [path for _, path in sorted(found)]


def newest_checkpoint(run: Path) -> Path | None:
    """The folder to go on from; None before the first."""
    return next(reversed(checkpoints(run)), None)


def best_checkpoint(run: Path) -> Path | None:
    """The folder whose weights are to be used: that of the best score, where scores were taken, or the newest."""
    newest = newest_checkpoint(run)
    if newest is None:
        return None
    try:
        best = json.loads((newest / "training.json").read_text(encoding="utf-8"))["extra"]["best"]
        step = int(best["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return newest
    return newest.with_name(f"step-{step:06}") if has_checkpoint(run, step) else newest


def has_checkpoint(run: Path, step: int) -> bool:
    """Whether the run has that of this step."""
    return (run / "train" / f"step-{step:06}" / "config.json").is_file()


def read_with_fallback(run: Path, read: Callable[[Path], T]) -> T:
    """What `read` makes of the run or, where its top is torn since a process was killed, of its best checkpoint.

    Raises StateError when there is no such folder, and what `read` raises when there is no checkpoint either.
    """
    try:
        if not run.is_dir():
            there = run.exists()
            raise StateError(
                f"{run} is a file, not a run folder" if there else f"there is no run {run}"
            )
    except OSError as cause:
        raise StateError(f"{run} cannot be read: {cause.strerror}") from None
    try:
        return read(run)
    except StateError:
        checkpoint = best_checkpoint(run)
        if checkpoint is None:
            raise
        return read(checkpoint)


def check_no_weights(run: Path) -> None:
    """Raises StateError when a folder without checkpoints holds weights, which a new run would overwrite."""
    if (run / "model.safetensors").exists():
        raise StateError(
            f"{run} holds weights and no checkpoint to go on from: choose another folder with --out"
        )


def publish(run: Path) -> None:
    """Puts the best checkpoint's weights and configuration at the top of the run, unless they are there."""
    best = best_checkpoint(run)
    if best is None:
        return
    there, top = Config.read(best / "config.json"), run / "model.safetensors"
    if not top.is_file() or sha256(top) != there.sha256:
        replace_file(top, best / "model.safetensors")
    replace_file(
        run / "config.json", best / "config.json"
    )  # last: it says what the weights should be
