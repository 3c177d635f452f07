"""Run: the folder of a run. Only this module knows the names of the files at its top."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from ganzoo.errors import StateError
from ganzoo.files import ASIDE, remove, replace_file, sha256, sweep, writing
from ganzoo.state.checkpoints import STATE, TrainState, step_folders
from ganzoo.state.config import CONFIG, WEIGHTS, Config
from ganzoo.state.journal import Journal

T = TypeVar("T")
KEPT = 3
"""Checkpoints that a run keeps, the newest included; the best is kept too."""
CARD = "README.md"
UPLOADED = (CONFIG, WEIGHTS, CARD, "LICENSE", "[!.]*.png")
"""The files that are pushed and pulled; nothing else is ever read from a repository."""


class Run:
    """A run folder, which need not exist yet."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.config = self.folder / CONFIG
        self.weights = self.folder / WEIGHTS
        self.card = self.folder / CARD
        self.samples = self.folder / "samples.png"
        self.confusion = self.folder / "confusion.png"
        self.curve = self.folder / "curve.png"
        self.metrics = self.folder / "metrics.jsonl"
        self.train = self.folder / "train"
        self.journal = Journal(self.metrics)

    def __str__(self) -> str:
        return str(self.folder)

    def uploaded_files(self) -> list[Path]:
        """The files that are pushed: weights, configuration, card, licence and pictures."""
        files: list[Path] = []
        for pattern in UPLOADED:
            files += self.folder.glob(pattern)
        return sorted(path for path in files if path.is_file())

    # Checkpoints

    def checkpoint(self, step: int) -> Path:
        """The folder of the checkpoint of this step, which need not exist."""
        return self.train / f"step-{step:06}"

    def checkpoints(self) -> list[Path]:
        """The folders of the checkpoints, oldest first."""
        return step_folders(self.train)

    def has_checkpoint(self, step: int) -> bool:
        """Whether the run has a checkpoint of this step."""
        return (self.checkpoint(step) / CONFIG).is_file()

    def newest_checkpoint(self) -> Path | None:
        """The checkpoint to continue from; None before the first."""
        return next(reversed(self.checkpoints()), None)

    def best_checkpoint(self) -> Path | None:
        """The checkpoint with the best score, or the newest if nothing was scored."""
        newest = self.newest_checkpoint()
        if newest is None:
            return None
        try:
            document = json.loads((newest / STATE).read_text(encoding="utf-8"))
            step = int(document["extra"]["best"]["step"])
        except (OSError, ValueError, KeyError, TypeError):
            return newest
        return self.checkpoint(step) if self.has_checkpoint(step) else newest

    def write_checkpoint(self, state: TrainState, defaults: Mapping[str, Any]) -> None:
        """Adds a checkpoint, publishes the best weights and deletes old checkpoints.

        `defaults` are the model's hyperparameters, for a run that is older than one of them.
        Raises StateError if the folder belongs to another run, or is at a later step.
        """
        self._check_may_write(state.config, defaults)
        state.write(self.checkpoint(state.config.step))
        self.publish()
        best = self.best_checkpoint()
        for old in self.checkpoints()[:-KEPT]:
            if old != best:
                remove(old)

    def _check_may_write(self, config: Config, defaults: Mapping[str, Any]) -> None:
        self.check_ours()
        newest = self.newest_checkpoint()
        if newest is None:
            self.check_no_weights()
            return
        saved = Config.read(newest / CONFIG)
        if differences := saved.differences(config, defaults):
            raise StateError(
                f"{self} holds another run ({'; '.join(differences)}): choose another folder"
            )
        if saved.step > config.step:
            raise StateError(
                f"{self} is at step {saved.step} already, beyond {config.step}: "
                "resume it, or choose another folder"
            )

    def publish(self) -> None:
        """Copies the weights and the configuration of the best checkpoint to the top of the run.

        Weights that are at the top already are verified, not copied. config.json comes last: it
        says what the weights should be.
        """
        best = self.best_checkpoint()
        if best is None:
            return
        wanted = Config.read(best / CONFIG).sha256
        if not self._has_weights(wanted):
            replace_file(self.weights, best / WEIGHTS)
        replace_file(self.config, best / CONFIG)

    def _has_weights(self, digest: str | None) -> bool:
        try:  # config.json is small: other weights are recognised without reading them
            return Config.read(self.config).sha256 == digest and sha256(self.weights) == digest
        except (StateError, OSError):
            return False

    def read_with_fallback(self, read: Callable[[Path], T]) -> T:
        """`read(folder)`, or `read(best checkpoint)` if the top was torn by a kill.

        Raises StateError if there is no such folder, and the error of `read` if there is no
        checkpoint.
        """
        if os.path.isfile(self.folder):
            raise StateError(f"{self} is a file, not a run folder")
        if not os.path.isdir(self.folder):  # Path.is_dir raises for a name that is too long
            raise StateError(f"there is no run {self}")
        try:
            return read(self.folder)
        except StateError:
            checkpoint = self.best_checkpoint()
            if checkpoint is None:
                raise
            return read(checkpoint)

    # Who may write here

    def check_ours(self) -> None:
        """Raises StateError unless the folder is a run, is empty, or does not exist yet."""
        with writing(self.folder):
            if self.folder.exists() and not self.folder.is_dir():
                raise StateError(f"{self} is a file: choose a folder with --out")
        if any(self.train.glob(f"step-*/{CONFIG}")):
            return
        if self.config.is_file():
            Config.read(self.config)  # raises if another program wrote it
            return
        with writing(self.folder):
            paths = [*self.folder.glob("*"), *self.train.glob("*")]
        for path in paths:
            ours = path in (self.train, self.train / ".lock") or path.name.startswith(ASIDE)
            if not ours:
                raise StateError(
                    f"{self} is not empty and not a ganzoo run "
                    f"(it has {path.relative_to(self.folder).as_posix()}): "
                    "choose another folder with --out"
                )

    def check_no_weights(self) -> None:
        """Raises StateError if there are weights, which a new run would overwrite."""
        if self.weights.exists():
            raise StateError(
                f"{self} holds weights and no checkpoint to go on from: "
                "choose another folder with --out"
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes from training in this folder, and cleans up after a kill."""
        self.check_ours()
        with writing(self.folder):
            self.train.mkdir(parents=True, exist_ok=True)
            held = FileLock(self.train / ".lock")
            try:
                held.acquire(blocking=False)
            except Timeout:
                raise StateError(
                    f"another process is training in {self}: wait for it, or choose another --out"
                ) from None
        try:
            sweep(self.folder)
            sweep(self.train)
            yield
        finally:
            held.release()
