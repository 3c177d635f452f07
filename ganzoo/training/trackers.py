"""Trackers: where a report is shown besides the journal."""

from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class TensorBoard:
    """TensorBoard events in the run folder: `tensorboard --logdir runs`."""

    def __init__(self, folder: Path, *, first_step: int) -> None:
        """Purges the events of an earlier try at `first_step` and later."""
        self._writer = SummaryWriter(str(folder), purge_step=first_step)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()
