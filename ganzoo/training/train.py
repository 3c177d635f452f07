"""train: a whole training from Python, as `ganzoo train` makes it."""

import signal
from pathlib import Path
from typing import Any

from ganzoo.model.contract import Model
from ganzoo.state.run import Run
from ganzoo.training.notebook import visible_messages
from ganzoo.training.plan import Plan
from ganzoo.training.session import run_session
from ganzoo.training.trainer import Trainer


def train(
    model: str | type[Model] | Model,
    data: object = None,
    *,
    out: str | Path | None = None,
    validation: object = None,
    from_run: str | Path | None = None,
    partial: bool = False,
    trainer: str | type[Trainer] | None = None,
    device: str = "auto",
    precision: str = "auto",
    compile: bool = False,  # noqa: A002  (its name in torch)
    workers: int | None = None,
    cache: str = "auto",
    strict: bool = False,
    accept_data: bool = False,
    report_every: int = 50,
    save_every: int = 500,
    eval_every: int | None = None,
    **hyperparameters: Any,
) -> Run:
    """Trains a model into a run folder, or continues it: the same call goes on where it stopped.

    `train("dcgan-mini", "digits", steps=200)`. `model` is a registered name, a class or a model;
    `data` is what a Trainer takes, by default the model's own. The options are those of
    `ganzoo train`, which reports, draws pictures, saves and stops in the same way: `out` is the run
    folder (by default runs/NAME), `from_run` a run to start from.

    Ctrl-C, or the Stop of a notebook, finishes the step, saves and returns; a second one interrupts
    at once. In a notebook the newest picture is shown below the cell. Messages go to the handlers
    of `logging`, or else to standard output.

    Raises UsageError for an option or a hyperparameter, DataError for data that do not suit the
    model, StateError if the folder holds another run, OutOfMemory, and Diverged.
    """
    options = locals()  # the parameters are named as the fields of Plan
    with visible_messages():
        outcome = run_session(Plan(**options, again="the same call"))
    if outcome.stopped_by == signal.SIGTERM:
        signal.raise_signal(signal.SIGTERM)  # it asked the program to end, not only the training
    return outcome.run
