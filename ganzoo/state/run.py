"""Run: the folder of a run. Only this module knows the names of the files at its top."""

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import cached_property, partial
from html import escape
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from ganzoo.errors import StateError
from ganzoo.files import (
    expanded,
    remove,
    replace_file,
    sha256,
    sweep,
    writing,
)
from ganzoo.model.contract import Model
from ganzoo.state.checkpoints import (
    STATE,
    TrainState,
    step_folders,
)
from ganzoo.state.config import CONFIG, DAMAGE, WEIGHTS, Config
from ganzoo.state.journal import Journal
from ganzoo.state.timeline import Timeline
from ganzoo.state.weights import load_model

T = TypeVar("T")
KEPT = 3
"""Checkpoints that a run keeps, the newest included; the best is kept too."""
CARD = "README.md"
ELSEWHERE = "choose another folder with --out"
FILM = "training.webp"
UPLOADED = (CONFIG, WEIGHTS, CARD, "LICENSE", "[!.]*.png", FILM)
"""The files that are pushed and pulled; nothing else is ever read from a repository."""


class Run:
    """A run folder, which need not exist yet.

    `samples`, `curve`, `film` and the like are paths; `timeline.pictures()` are the pictures of
    its steps. `kind` is the class of its model, if that is registered under no name.
    """

    def __init__(
        self,
        folder: str | Path,
        kind: type[Model] | None = None,
    ) -> None:
        self.folder = expanded(folder)
        self._kind = kind
        self.config = self.folder / CONFIG
        self.weights = self.folder / WEIGHTS
        self.card = self.folder / CARD
        self.samples = self.folder / "samples.png"
        self.confusion = self.folder / "confusion.png"
        self.curve = self.folder / "curve.png"
        self.film = self.folder / FILM
        self.timeline = Timeline(self.folder / "samples")
        self.train = self.folder / "train"
        self.journal = Journal(self.folder / "metrics.jsonl")

    def __str__(self) -> str:
        return str(self.folder)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self)!r})"

    # What a user asks of it

    @cached_property
    def model(self) -> Model:
        """The trained model, on the CPU and in eval mode, as `ganzoo.load` has it."""
        read = partial(load_model, kind=self._kind)
        return self.read_with_fallback(read)[0]

    @property
    def step(self) -> int:
        """The step of the weights at the top of the run."""
        return self.read_config().step

    @property
    def scores(self) -> dict[str, float]:
        """The scores of these weights on validation data, by name."""
        return self.read_config().scores()

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl: `{"step": 50, "kind": "report", "generator": 0.7, ...}`."""
        return list(self.journal.lines())

    @property
    def picture(self) -> Path | None:
        """samples.png, else confusion.png; None if there is neither."""
        for path in (self.samples, self.confusion):
            if path.exists():
                return path
        return None

    def read_config(self) -> Config:
        """The configuration of the weights at the top of the run."""
        return self.read_with_fallback(lambda folder: Config.read(folder / CONFIG))

    def _repr_html_(self) -> str:
        """How a notebook shows it: the model, where it stands, and its pictures."""
        if not self.config.exists():
            return f"<code>{escape(repr(self))}</code>"
        config = self.read_config()
        text = f"{config.model}, step {config.step:,}"
        for name, score in config.scores().items():
            text += f", {name} {score:.4f}"
        lines = [f"<b>{escape(text)}</b> in <code>{escape(str(self))}</code>"]
        for path in (self.picture, self.curve):
            if path and path.exists():
                data = base64.b64encode(path.read_bytes()).decode()
                lines.append(f'<img alt="{path.name}" src="data:image/png;base64,{data}">')
        return "<br>\n".join(lines)

    def uploaded_files(self) -> list[Path]:
        """The files that are pushed: weights, configuration, card, licence and pictures."""
        files: list[Path] = []
        for pattern in UPLOADED:
            files += filter(Path.is_file, self.folder.glob(pattern))
        return sorted(files)

    def neighbours(self) -> dict[str, Path]:
        """The runs beside it, and those in runs/, by name."""
        runs = {}
        for parent in (Path("runs"), self.folder.parent):
            with suppress(OSError):
                for config in parent.glob(f"*/{CONFIG}"):
                    runs[config.parent.name] = config.parent
        return runs

    # Checkpoints

    def checkpoint(self, step: int) -> Path:
        """The folder of the checkpoint of this step, which need not exist."""
        return self.train / f"step-{step:06}"

    def checkpoints(self) -> list[Path]:
        """The folders of the checkpoints, oldest first."""
        return step_folders(self.train)

    def has_checkpoint(self, step: int) -> bool:
        """Whether the run has a checkpoint of this step."""
        return self.checkpoint(step).is_dir()

    def newest_checkpoint(self) -> Path | None:
        """The checkpoint to continue from; None before the first."""
        checkpoints = self.checkpoints()
        return checkpoints[-1] if checkpoints else None

    def best_checkpoint(self) -> Path | None:
        """The checkpoint with the best score, or the newest if nothing was scored."""
        newest = self.newest_checkpoint()
        if newest:
            with suppress(*DAMAGE):
                document = json.loads((newest / STATE).read_bytes())
                step = int(document["extra"]["best"]["step"])
                if self.has_checkpoint(step):
                    return self.checkpoint(step)
        return newest

    def write_checkpoint(self, state: TrainState, defaults: Mapping[str, Any]) -> None:
        """Adds a checkpoint, publishes the best weights and deletes old checkpoints.

        `defaults` are the model's hyperparameters, for a run that is older than one of them.
        Raises StateError if the folder belongs to another run, or is at a later step.
        """
        self.check_ours()
        config, newest = state.config, self.newest_checkpoint()
        if newest:
            saved = Config.read(newest / CONFIG)
            problem = "; ".join(saved.differences(config, defaults).values())
            if not problem and saved.step > config.step:
                problem = f"at step {saved.step}, beyond {config.step}"
            if problem:
                raise StateError(f"{self} holds another run ({problem}): {ELSEWHERE}")
        else:
            self.check_no_weights()
        state.write(self.checkpoint(config.step))
        self.publish()
        best = self.best_checkpoint()
        for old in self.checkpoints()[:-KEPT]:
            if old != best:
                remove(old)

    def publish(self) -> None:
        """Copies the weights and the configuration of the best checkpoint to the top of the run.

        Weights that are at the top already are verified, not copied. config.json comes last: it
        says what the weights should be.
        """
        best = self.best_checkpoint()
        if best is None:
            return
        wanted = Config.read(best / CONFIG).sha256
        try:  # config.json is small: other weights are recognised without reading them
            is_up_to_date = Config.read(self.config).sha256 == wanted == sha256(self.weights)
        except (StateError, OSError):
            is_up_to_date = False
        if not is_up_to_date:
            replace_file(self.weights, best / WEIGHTS)
        replace_file(self.config, best / CONFIG)

    def read_with_fallback(self, read: Callable[[Path], T]) -> T:
        """`read(folder)`, or `read(best checkpoint)` if the top was torn by a kill.

        Raises StateError if there is no such folder, and the error of `read` if there is no
        checkpoint.
        """
        if not os.path.isdir(self.folder):  # Path.is_dir raises for a name that is too long
            runs = self.neighbours()
            close = get_close_matches(self.folder.name, runs, n=1)
            hint = f"; did you mean {runs[close[0]]}?" if close else ": it is missing, or a file"
            raise StateError(f"there is no run {self}{hint}")
        try:
            return read(self.folder)
        except StateError:
            checkpoint = self.best_checkpoint()
            if checkpoint is None:
                raise
            return read(checkpoint)

    # Who may write here

    def check_ours(self) -> None:
        """Raises StateError unless it is a run, has no files but hidden ones, or is not there."""
        with writing(self.folder):
            if self.folder.is_file():
                raise StateError(f"{self} is a file: {ELSEWHERE}")
            if any(self.train.glob(f"step-*/{CONFIG}")):
                return
            if self.config.is_file():
                Config.read(self.config)  # raises if another program wrote it
                return
            # hidden files are our own leftovers, or others' that nothing overwrites
            paths = [*self.folder.glob("[!.]*"), *self.train.glob("[!.]*")]
            for path in paths:
                if path != self.train:
                    raise StateError(f"{self} is no run, and not empty ({path}): {ELSEWHERE}")

    def check_no_weights(self) -> None:
        """Raises StateError if there are weights, which a new run would overwrite."""
        if self.weights.exists():
            raise StateError(
                f"{self} has weights and no checkpoint to go on from: "
                f"--from {self} --out NEW starts a new run from these weights"
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes from training in this folder, and cleans up after a kill."""
        self.check_ours()
        with writing(self.folder):
            self.train.mkdir(parents=True, exist_ok=True)
            try:
                lock = FileLock(self.train / ".lock").acquire(blocking=False)
            except Timeout:
                raise StateError(
                    f"another process is training in {self}: wait for it, or {ELSEWHERE}"
                ) from None
        with lock:
            sweep(self.folder)
            sweep(self.train)
            sweep(self.timeline.folder)
            yield
