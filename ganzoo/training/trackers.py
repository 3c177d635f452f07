"""Trackers: where a journal's lines are shown besides metrics.jsonl."""

from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class TensorBoard:
    """TensorBoard events in the run folder: `tensorboard --logdir runs`."""

    def __init__(self, folder: Path, *, first_step: int) -> None:
        """Events of `first_step` and later, of an earlier try, are purged."""
        self._writer = SummaryWriter(str(folder), purge_step=first_step)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()
