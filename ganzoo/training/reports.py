"""Reports of a training: its journal, TensorBoard events, a progress bar or log lines."""

import logging
import math
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager

import torch
from torch import Tensor
from tqdm.auto import tqdm

from ganzoo.errors import Diverged
from ganzoo.files import writing
from ganzoo.state.run import Run
from ganzoo.training.notebook import in_notebook
from ganzoo.training.scores import Score
from ganzoo.training.trackers import TensorBoard
from ganzoo.training.trainer import Step

Values = Mapping[str, float]
PATIENCE = 10
"""Seconds after which losses are shown although no report is due."""
logger = logging.getLogger(__name__)


class Reports(AbstractContextManager["Reports"]):
    """Writes and shows where a training stands. A context manager, for one stretch of steps.

    On a terminal there is a bar on standard error, otherwise a log record for each report.
    """

    def __init__(
        self,
        run: Run,
        *,
        done: int,
        steps: int,
        every: int,
    ) -> None:
        self._run, self._steps, self._every = run, steps, every
        self._last, self._then = done, time.perf_counter()
        self._newest: dict[str, Tensor] = {}
        self._sums: dict[str, tuple[Tensor, int]] = {}
        is_terminal = sys.stderr.isatty() and sys.stdout.isatty()
        has_bar = is_terminal or in_notebook()
        self._bar = tqdm(
            total=steps,
            initial=done,
            unit="step",
            dynamic_ncols=True,
            disable=not has_bar,
        )
        run.journal.truncate(done)
        with writing(run.folder):
            self._board = TensorBoard(run.folder, first_step=done + 1)

    def __exit__(self, *error: object) -> None:
        self._bar.close()
        self._board.close()

    def step(self, step: Step) -> None:
        """Counts a step, and reports some. Raises Diverged for a loss that is not finite."""
        self._bar.update()
        self._newest |= step.losses
        for name, value in step.reports.items():
            total, count = self._sums.get(name, (torch.zeros_like(value), 0))
            self._sums[name] = total + value, count + 1
        number, now = step.number, time.perf_counter()
        is_due = number % self._every == 0 or number == self._steps
        if not is_due and now - self._then < PATIENCE:
            return
        values, newest = self._values(), self._newest  # waits for the device
        now = time.perf_counter()
        made, seconds = number - self._last, now - self._then
        self._last, self._then = number, now
        rate = max(made, 1) / max(seconds, 1e-9)
        if is_due:
            speed = {"steps_per_second": round(rate, 3)}
            self._run.journal.append("report", number, speed | values)
            self._board.add(number, speed | values)
            self._sums.clear()
            self._newest = {}
        self._show(number, rate, values)
        for name in newest:
            loss = values[name]
            if not math.isfinite(loss):
                raise Diverged(
                    f"the loss {name} is {loss} at step {number}: "
                    "train with a smaller lr; metrics.jsonl shows where it "
                    f"began{self._older_checkpoints()}"
                )

    def _values(self) -> dict[str, float]:
        """The newest value of each loss, and the mean of each report since the last line."""
        values = {name: loss.item() for name, loss in self._newest.items()}
        for name, (total, count) in self._sums.items():
            values[name] = (total / count).item()
        return values

    def _show(self, number: int, rate: float, losses: Values) -> None:
        text = _text(losses, 3)
        self._bar.set_postfix_str(text, refresh=False)
        if self._bar.disable:
            left = tqdm.format_interval((self._steps - number) / rate)
            place = f"step {number}/{self._steps}"
            logger.info(f"{place}  {rate:.1f} steps/s  {left} left  {text}")

    def _older_checkpoints(self) -> str:
        newest = self._run.newest_checkpoint()
        return f"; {newest} is older" if newest else ""

    def scores(self, score: Score) -> None:
        """Reports the scores on validation data after a step; those by class in the journal."""
        number = score.step
        named = {}
        for name, value in score.scores.items():
            named[f"validation/{name}"] = value
        self._run.journal.append("scores", number, {**named, **score.details()})
        self._board.add(number, named)
        logger.info(f"step {number}/{self._steps}  {_text(named, 4)}")


def _text(values: Values, digits: int) -> str:
    return "  ".join(f"{name} {value:.{digits}f}" for name, value in values.items())
