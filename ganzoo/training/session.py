"""The training loop of the command line: steps, reports, pictures, checkpoints, signals."""

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
import torch

from ganzoo.errors import PluginError, Unsupported, UsageError
from ganzoo.files import is_inside, replace_file, writing
from ganzoo.images import enlarged, grid, save_png
from ganzoo.model.contract import Model
from ganzoo.model.scores import Evaluation
from ganzoo.state.card import write_card
from ganzoo.state.checkpoints import check_no_weights, newest_checkpoint
from ganzoo.state.run import check_ours, lock
from ganzoo.training.curve import curve
from ganzoo.training.plan import Plan
from ganzoo.training.report import Reports
from ganzoo.training.snapshot import depends_on_steps
from ganzoo.training.trainer import Trainer


def train(plan: Plan) -> int:
    """Trains until the steps are made, or SIGINT or SIGTERM arrives. Returns the number of that signal, else 0.

    Either way the run folder then holds all that was done; the same plan goes on from there.
    """
    run = plan.folder
    check_ours(run)
    if inside := next((source for source in plan.data if is_inside(run, source)), None):
        raise UsageError(
            f"the run {run} lies inside {inside} and would become data: choose another folder with --out"
        )
    trainer = plan.make_trainer()
    if plan.eval_every and trainer.validation is None:
        raise UsageError(
            f"--eval-every: nothing is held out of the data of {trainer.model.display_name}"
        )
    with lock(run):
        _begin(trainer, run)
        steps = trainer.model.hp.steps
        if trainer.steps_done >= steps:
            more = "" if depends_on_steps(trainer.model) else " --set steps=N goes on to N,"
            click.echo(
                f"{run} is finished: all {steps} steps are made.{more} --out DIR starts another."
            )
            return 0
        with (
            stop_signals() as signals,
            Reports(run, done=trainer.steps_done, steps=steps, every=plan.report_every) as reports,
        ):
            for step in trainer:
                reports.step(step)
                last = step.number == steps
                due = step.number % (plan.eval_every or plan.save_every) == 0 or last
                found = trainer.evaluate() if trainer.validation and due else None
                if found:
                    reports.scores(step.number, found.scores)
                if step.number % plan.save_every == 0 or last or found or signals:
                    _save(trainer, run, found)
                if signals:
                    break
        if signals and trainer.steps_done < steps:
            click.echo(
                f"stopped and saved after step {trainer.steps_done} of {steps}; to go on: {plan.again}"
            )
            return signals[0]
        pictures = [
            run / name for name in ("samples.png", "confusion.png") if (run / name).exists()
        ]
        look = f" Look at {pictures[0]}; for more: {_more(trainer.model, run)}" if pictures else ""
        click.echo(f"{run} is finished.{_kept(trainer)}{look}")
        return 0


def _begin(trainer: Trainer, run: Path) -> None:
    """Goes to where the folder's run stands, or makes the folder a run."""
    if newest_checkpoint(run):
        notes = trainer.restore(run)
        click.echo("\n".join([f"going on from step {trainer.steps_done} in {run}", *notes]))
        return
    check_no_weights(run)
    replace_file(run / "config.json", trainer.config().to_json().encode())


def _more(model: Model, run: Path) -> str:
    """What to do with a model that is trained."""
    words = ["sample", str(run)]
    if model.directions:
        words = ["translate", str(run), "INPUT", "OUT"]
    elif model.classifies:
        words = ["classify", str(run), "INPUT"]
    return shlex.join(["ganzoo", *words])


def _kept(trainer: Trainer) -> str:
    if trainer.best is None:
        return ""
    name, score = next(iter(trainer.best["scores"].items()))
    return f" Kept is step {trainer.best['step']}, the best by {name}: {score:.4f} of {trainer.best['images']} images."


def _save(trainer: Trainer, run: Path, found: Evaluation | None) -> None:
    trainer.save(run)  # first: nothing that goes wrong with a picture may cost a checkpoint
    if found and trainer.best == trainer.evaluated:
        for name, picture in found.pictures.items():  # those of the weights that are kept
            with writing(run / name):
                save_png(picture, run / name)
    _picture(trainer, run / "samples.png")
    if drawn := curve(run / "metrics.jsonl"):
        with writing(run / "curve.png"):
            save_png(drawn, run / "curve.png")
    write_card(run, trainer.model)  # once more, now that there is a picture to show


def _picture(trainer: Trainer, path: Path) -> None:
    try:
        with trainer.averaged_model() as model, torch.no_grad():
            picture = enlarged(grid(model.preview(trainer.batches.first(8))))
    except Unsupported:
        return  # a model that only trains has nothing to show
    except Exception as cause:  # a stranger's code may do anything at all
        raise PluginError(
            f"{trainer.model.display_name}: preview() failed: {type(cause).__name__}: {cause}"
        ) from cause
    with writing(path):
        save_png(picture, path)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Inside, the first SIGINT or SIGTERM is put into the list; a second interrupts at once."""
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
