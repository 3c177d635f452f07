"""Reports of a training: a progress bar or log lines, metrics.jsonl, TensorBoard events."""

import math
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import click
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from ganzoo.errors import Diverged
from ganzoo.files import writing
from ganzoo.state.run import Run
from ganzoo.training.stepping import Step


class Reports:
    """Shows and writes where a training stands, every so many steps. A context manager, for one stretch of steps.

    On a terminal it is a bar on standard error; otherwise a line on standard output for each report.
    """

    def __init__(self, run: Run, *, done: int, steps: int, every: int) -> None:
        self.run, self.steps, self.every = run, steps, every
        self._last = (done, time.perf_counter())
        is_terminal = sys.stderr.isatty() and sys.stdout.isatty()
        self._bar = tqdm(
            total=steps,
            initial=done,
            unit="step",
            dynamic_ncols=True,
            disable=not is_terminal,
            file=sys.stderr,
        )
        with writing(run.metrics):
            run.journal.truncate(done)
            self._events = SummaryWriter(str(run), purge_step=done + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._bar.close()
        self._events.close()

    def step(self, step: Step) -> None:
        """Called after every step. Raises Diverged when a loss that is reported is no longer finite."""
        self._bar.update()
        if step.number % self.every and step.number != self.steps:
            return
        losses = step.read()  # waits for the device
        rate = self._rate(step.number)
        values = {"steps_per_second": round(rate, 3), **losses}
        self.run.journal.append("report", step.number, values)
        for name, loss in losses.items():
            self._events.add_scalar(name, loss, step.number)
        text = "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
        self._bar.set_postfix_str(text, refresh=False)
        if self._bar.disable:
            left = time.strftime("%H:%M:%S", time.gmtime((self.steps - step.number) / rate))
            click.echo(f"step {step.number}/{self.steps}  {rate:.1f} steps/s  {left} left  {text}")
            sys.stdout.flush()
        if broken := [name for name, loss in losses.items() if not math.isfinite(loss)]:
            raise Diverged(
                f"the loss {broken[0]} is {losses[broken[0]]} at step {step.number}: train with a smaller lr, "
                f"or look at {self.run.metrics.name} for where it began; checkpoints in {self.run} are from before"
            )

    def scores(self, number: int, scores: Mapping[str, float]) -> None:
        """What was measured on held-out data after this step."""
        named = {f"validation/{name}": score for name, score in scores.items()}
        self.run.journal.append("scores", number, named)
        for name, score in named.items():
            self._events.add_scalar(name, score, number)
        text = "  ".join(f"{name} {score:.4f}" for name, score in named.items())
        tqdm.write(f"step {number}/{self.steps}  {text}", file=sys.stdout)
        sys.stdout.flush()

    def _rate(self, number: int) -> float:
        (last, then), now = self._last, time.perf_counter()
        self._last = (number, now)
        return max(number - last, 1) / max(now - then, 1e-9)
