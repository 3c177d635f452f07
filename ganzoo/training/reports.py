"""Reports of a training: its journal, TensorBoard events, a progress bar or log lines."""

import logging
import math
import sys
import time
from collections.abc import Mapping

from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from ganzoo.errors import Diverged
from ganzoo.files import writing
from ganzoo.state.journal import Kind
from ganzoo.state.run import Run
from ganzoo.training.trainer import Step

logger = logging.getLogger(__name__)


class Reports:
    """Writes and shows where a training stands, for one stretch of steps; close it afterwards.

    On a terminal there is a bar on standard error, otherwise a log record for each report.
    TensorBoard shows the events in the run folder: `tensorboard --logdir runs`.
    """

    def __init__(self, run: Run, *, done: int, steps: int, every: int) -> None:
        self._run, self._steps, self._every = run, steps, every
        self._last, self._then = done, time.perf_counter()
        is_terminal = sys.stderr.isatty() and sys.stdout.isatty()
        self._bar = tqdm(
            total=steps,
            initial=done,
            unit="step",
            dynamic_ncols=True,
            disable=not is_terminal,
            file=sys.stderr,
        )
        run.journal.truncate(done)
        with writing(run.folder):  # events of an earlier try at later steps are purged
            self._board = SummaryWriter(str(run.folder), purge_step=done + 1)

    def close(self) -> None:
        self._bar.close()
        self._board.close()

    def step(self, step: Step) -> None:
        """Counts a step, and reports some. Raises Diverged for a loss that is not finite."""
        self._bar.update()
        number = step.number
        if number % self._every and number != self._steps:
            return
        losses = step.read()  # waits for the device
        rate = self._rate(number)
        self._write("report", number, {"steps_per_second": round(rate, 3), **losses})
        text = "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
        self._bar.set_postfix_str(text, refresh=False)
        if self._bar.disable:
            left = tqdm.format_interval((self._steps - number) / rate)
            speed = f"{rate:.1f} steps/s  {left} left"
            logger.info(f"step {number}/{self._steps}  {speed}  {text}")
        for name, loss in losses.items():
            if not math.isfinite(loss):
                raise Diverged(
                    f"the loss {name} is {loss} at step {number}: train with a smaller lr; "
                    "metrics.jsonl shows where it began; "
                    f"checkpoints in {self._run} are older"
                )

    def scores(self, number: int, scores: Mapping[str, float]) -> None:
        """Reports the scores on validation data after a step."""
        named = {f"validation/{name}": score for name, score in scores.items()}
        self._write("scores", number, named)
        text = "  ".join(f"{name} {score:.4f}" for name, score in named.items())
        logger.info(f"step {number}/{self._steps}  {text}")

    def _write(self, kind: Kind, number: int, values: Mapping[str, float]) -> None:
        self._run.journal.append(kind, number, values)
        for name, value in values.items():
            self._board.add_scalar(name, value, number)

    def _rate(self, number: int) -> float:
        """Steps per second since the last report."""
        now = time.perf_counter()
        steps, seconds = number - self._last, now - self._then
        self._last, self._then = number, now
        return max(steps, 1) / max(seconds, 1e-9)
