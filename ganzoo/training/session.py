"""A training session in a run folder: steps, reports, scores, checkpoints, signals."""

import logging
import shlex
from dataclasses import dataclass

from ganzoo.data.split_folders import source_texts
from ganzoo.device import Device, memory_errors_as_one_line
from ganzoo.errors import GanzooError, UsageError
from ganzoo.files import is_inside, replace_file
from ganzoo.state.run import Run
from ganzoo.training.introduction import introduce
from ganzoo.training.pictures import Pictures, in_order
from ganzoo.training.plan import Plan
from ganzoo.training.reports import Reports
from ganzoo.training.signals import stop_signals
from ganzoo.training.trainer import Trainer

logger = logging.getLogger(__name__)

FEW = 30
"""Validation images below which one more or less changes a score by 3 % and more."""


@dataclass(frozen=True)
class Outcome:
    """The run folder, its trainer, and the signal that arrived, 0 for none."""

    run: Run
    trainer: Trainer
    stopped_by: int = 0


def run_session(plan: Plan) -> Outcome:
    """Trains until the steps are made, or SIGINT or SIGTERM arrives.

    The run folder then holds all that was done, and the same plan goes on from there. Progress is
    logged under the name `ganzoo`.
    """
    run = plan.run
    run.check_ours()
    _check_outside_of_data(plan)
    sources = " and ".join(source_texts(plan.source)) or "data from Python"
    device = Device.open(plan.device, plan.precision)
    logger.info(f"training {plan.name} on {sources}, in {run}, on {device}")
    way_out = "set a smaller batch_size, or smaller networks"
    with memory_errors_as_one_line(f"{plan.name} on {plan.device}", way_out):
        trainer = plan.make_trainer()
    model, steps = trainer.model, trainer.model.hp.steps
    if plan.eval_every and trainer.validation is None:
        raise UsageError(f"--eval-every: {model.display_name} has no validation data")
    with run.lock(), trainer.memory_errors():
        _start(trainer, run, plan)
        if trainer.steps_done >= steps:
            _complete(trainer, run)
            made = f"all {steps} steps are made"
            if not model.schedule_depends_on_steps:
                made += "; the same command with --set steps=N goes on to N"
            logger.info(f"{run} is finished: {made}; --out DIR starts another")
            return Outcome(run, trainer)
        introduce(trainer)
        stopped_by = _make_steps(plan, trainer)
        if trainer.steps_done >= steps:
            _log_finished(trainer, run)
            return Outcome(run, trainer, stopped_by)
        place = f"step {trainer.steps_done} of {steps}"
        logger.info(f"stopped and saved after {place}; to go on: {plan.again}")
        return Outcome(run, trainer, stopped_by)


def _check_outside_of_data(plan: Plan) -> None:
    """Raises UsageError if the run would become part of its own data."""
    folder = plan.run.folder
    sources = source_texts(plan.source) + source_texts(plan.validation)
    for source in filter(None, sources):
        if is_inside(folder, source):
            raise UsageError(
                f"the run {folder} lies inside {source} and would become data: "
                "choose another folder with --out"
            )


def _start(trainer: Trainer, run: Run, plan: Plan) -> None:
    """Goes to the newest checkpoint, or makes the folder a run."""
    if run.newest_checkpoint():
        trainer.restore(run.folder, accept_data=plan.accept_data)
        logger.info(f"going on from step {trainer.steps_done} in {run}")
    else:
        run.check_no_weights()
        replace_file(run.config, trainer.config().to_json().encode())


def _make_steps(plan: Plan, trainer: Trainer) -> int:
    """Trains, reports, scores and saves. Returns the signal that stopped it, 0 for none."""
    run, done, steps = plan.run, trainer.steps_done, trainer.model.hp.steps
    scored_every = plan.eval_every or plan.save_every
    reports = Reports(run, done=done, steps=steps, every=plan.report_every)
    pictures = Pictures(trainer, run)
    with stop_signals() as signals, reports:
        pictures.begin()
        for step in trainer:
            number = step.number
            stopped_by = signals[0] if signals else 0
            reports.step(step)
            last = number == steps
            evaluation = None
            if trainer.validation and (last or number % scored_every == 0):
                evaluation = trainer.evaluate()
                assert trainer.evaluated
                reports.scores(trainer.evaluated)
            saving = last or stopped_by or number % plan.save_every == 0
            if saving or evaluation:
                # The checkpoint comes first: a faulty picture must not cost it.
                trainer.save(run.folder)
                pictures.publish(evaluation)
            else:
                _follow(pictures, trainer, run)
            if stopped_by:
                break
    return signals[0] if signals else 0


def _follow(pictures: Pictures, trainer: Trainer, run: Run) -> None:
    """Draws this step, if the timeline has it. A faulty picture costs no steps: they are saved."""
    try:
        pictures.follow()
    except GanzooError:
        trainer.save(run.folder)
        raise


def _complete(trainer: Trainer, run: Run) -> None:
    """Makes the pictures of a finished run that was killed after its last checkpoint."""
    shows_the_best = in_order(run.best_checkpoint(), run.samples)
    last = run.film
    if not last.exists():  # an older run has a single picture, which makes none
        last = run.timeline.path(trainer.steps_done)
    if not shows_the_best or not in_order(run.newest_checkpoint(), last, run.card):
        evaluation = trainer.evaluate() if trainer.validation else None
        Pictures(trainer, run).publish(evaluation)


def _log_finished(trainer: Trainer, run: Run) -> None:
    text = f"{run} is finished."
    best = trainer.best
    if best:
        name, score = best.deciding
        text += f" Step {best.step} is kept, the best by {name}: "
        text += f"{score:.4f} of {best.images} images."
        if best.images < FEW:
            text += " So few say little: give more data, or --validation SOURCE."
    words = ["sample", str(run)]
    if trainer.model.directions:
        words = ["translate", str(run), "INPUT", "OUT"]
    elif trainer.model.classifies:
        words = ["classify", str(run), "INPUT"]
    command = shlex.join(["ganzoo", *words])
    if run.picture:
        text += f" Look at {run.picture}"
        if run.film.exists():
            text += f" and {run.film}"
        text += f"; for more: {command}"
    elif trainer.model.classifies:
        text += f" To use it: {command}"
    logger.info(text)
