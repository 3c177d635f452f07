"""A training session in a run folder: steps, reports, pictures, checkpoints, signals."""

import logging
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from PIL import Image

from ganzoo.errors import PluginError, Unsupported, UsageError
from ganzoo.files import is_inside, replace_file, writing
from ganzoo.images import enlarged, grid, save_png
from ganzoo.model.scores import Evaluation
from ganzoo.state.card import write_card
from ganzoo.state.run import Run
from ganzoo.training.curve import curve
from ganzoo.training.plan import Plan
from ganzoo.training.reports import Reports
from ganzoo.training.trainer import Step, Trainer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The run folder, its trainer, and the signal that stopped it, 0 if it is finished."""

    run: Run
    trainer: Trainer
    stopped_by: int = 0


def train(plan: Plan) -> Outcome:
    """Trains until the steps are made, or SIGINT or SIGTERM arrives.

    The run folder then holds all that was done, and the same plan goes on from there. Progress is
    logged under the name `ganzoo`.
    """
    run = plan.run
    run.check_ours()
    _check_outside_of_data(plan)
    trainer = plan.make_trainer()
    if plan.eval_every and trainer.validation is None:
        raise UsageError(f"--eval-every: {trainer.model.display_name} has no validation data")
    with run.lock():
        _start(trainer, run)
        steps = trainer.model.hp.steps
        if trainer.steps_done >= steps:
            _complete(trainer, run)
            _log_already_finished(trainer, run)
            return Outcome(run, trainer)
        with stop_signals() as signals:
            reports = Reports(run, done=trainer.steps_done, steps=steps, every=plan.report_every)
            with reports:
                for step in trainer:
                    reports.step(step)
                    _after_step(plan, trainer, step, reports, stopping=bool(signals))
                    if signals:
                        break
        if signals and trainer.steps_done < steps:
            place = f"step {trainer.steps_done} of {steps}"
            logger.info(f"stopped and saved after {place}; to go on: {plan.again}")
            return Outcome(run, trainer, signals[0])
        _log_finished(trainer, run)
        return Outcome(run, trainer)


def _check_outside_of_data(plan: Plan) -> None:
    """Raises UsageError if the run would become part of its own data."""
    folder = plan.run.folder
    validation = [plan.validation] if plan.validation else []
    for source in (*plan.data, *validation):
        if source and is_inside(folder, source):
            raise UsageError(
                f"the run {folder} lies inside {source} and would become data: choose another "
                f"folder with --out"
            )


def _start(trainer: Trainer, run: Run) -> None:
    """Goes to the newest checkpoint, or makes the folder a run."""
    if run.newest_checkpoint():
        notes = trainer.restore(run.folder)
        logger.info(f"going on from step {trainer.steps_done} in {run}")
        for note in notes:
            logger.warning(note)
        return
    run.check_no_weights()
    replace_file(run.config, trainer.config().to_json().encode())


def _after_step(
    plan: Plan, trainer: Trainer, step: Step, reports: Reports, *, stopping: bool
) -> None:
    """Scores and saves, if either is due."""
    last = step.number == trainer.model.hp.steps
    saving = step.number % plan.save_every == 0 or last or stopping
    evaluation = None
    if trainer.validation and (step.number % (plan.eval_every or plan.save_every) == 0 or last):
        evaluation = trainer.evaluate()
        reports.scores(step.number, evaluation.scores)
    if saving or evaluation:
        _save(trainer, plan.run, evaluation)


def _save(trainer: Trainer, run: Run, evaluation: Evaluation | None) -> None:
    """The checkpoint comes first: nothing that goes wrong with a picture may cost it."""
    trainer.save(run.folder)
    if evaluation and trainer.best == trainer.evaluated:  # pictures of the weights that are kept
        for name, picture in evaluation.pictures.items():
            _write_picture(picture, run.folder / name)
    _write_pictures(trainer, run)


def _write_pictures(trainer: Trainer, run: Run) -> None:
    """samples.png, curve.png, and the card once more, which shows them."""
    samples = _preview(trainer)
    if samples:
        _write_picture(samples, run.samples)
    drawn = curve(run.journal.series())
    if drawn:
        _write_picture(drawn, run.curve)
    write_card(run.folder, trainer.model)


def _complete(trainer: Trainer, run: Run) -> None:
    """Makes the pictures of a finished run that was killed after its last checkpoint."""
    checkpoint = run.newest_checkpoint()
    moments = [
        path.stat().st_mtime
        for path in (checkpoint, run.samples, run.card)
        if path and path.exists()
    ]
    if len(moments) == 3 and moments == sorted(moments):  # written in this order
        return
    if trainer.validation and trainer.best == trainer.evaluated:
        for name, picture in trainer.evaluate().pictures.items():
            _write_picture(picture, run.folder / name)
    _write_pictures(trainer, run)


def _write_picture(picture: Image.Image, path: Path) -> None:
    with writing(path):
        save_png(picture, path)


def _preview(trainer: Trainer) -> Image.Image | None:
    """The model's preview; None if it only trains."""
    try:
        with trainer.averaged_model() as model, torch.no_grad():
            return enlarged(grid(model.preview(trainer.batches.preview_batch(8))))
    except Unsupported:
        return None
    except Exception as cause:  # a stranger's code may raise anything
        raise PluginError(
            f"{trainer.model.display_name}: preview() failed: {type(cause).__name__}: {cause}"
        ) from cause


def _log_already_finished(trainer: Trainer, run: Run) -> None:
    more = "; --set steps=N goes on to N"
    if trainer.model.schedule_depends_on_steps:
        more = ""
    steps = trainer.model.hp.steps
    logger.info(f"{run} is finished: all {steps} steps are made{more}; --out DIR starts another")


def _log_finished(trainer: Trainer, run: Run) -> None:
    text = f"{run} is finished."
    if trainer.best:
        name, score = trainer.best.deciding
        text += f" Step {trainer.best.step} is kept, the best by {name}: {score:.4f} of "
        text += f"{trainer.best.images} images."
    for picture in (run.samples, run.confusion):
        if picture.exists():
            text += f" Look at {picture}; for more: {_next_command(trainer, run)}"
            break
    logger.info(text)


def _next_command(trainer: Trainer, run: Run) -> str:
    if trainer.model.directions:
        words = ["translate", str(run), "INPUT", "OUT"]
    elif trainer.model.classifies:
        words = ["classify", str(run), "INPUT"]
    else:
        words = ["sample", str(run)]
    return shlex.join(["ganzoo", *words])


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Inside, the first SIGINT or SIGTERM is put into the list; a second one interrupts at once."""
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    handlers = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        handlers[number] = signal.signal(number, handle)
    try:
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
