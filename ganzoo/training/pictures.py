"""The pictures of a training: those at the top of the run, and the timeline in samples/."""

import logging
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps

from ganzoo.errors import PluginError, Unsupported
from ganzoo.files import replace_file, writing
from ganzoo.images import enlarged, grid, save_picture, save_png
from ganzoo.model.contract import Model
from ganzoo.model.scores import Evaluation
from ganzoo.modes import evaluating
from ganzoo.seeds import seeded
from ganzoo.state.card import write_card
from ganzoo.state.run import Run
from ganzoo.training.curve import curve
from ganzoo.training.film import SIDE, film
from ganzoo.training.notebook import NotebookPicture
from ganzoo.training.trainer import Trainer

logger = logging.getLogger(__name__)
EVEN = 20
"""The largest number of pictures at even distances; those of the first steps come on top."""


def picture_steps(steps: int) -> set[int]:
    """The steps whose pictures are in the timeline of a training of so many steps.

    0, 1, 2, 4, 8, ..., then the multiples of a power of two, and the last step: 33 or fewer up to
    100,000 steps. A longer training has no others in this stretch: it only leaves some out.
    """
    chosen = {0, steps}
    stride = 1
    while stride * EVEN < steps:
        chosen.add(stride)
        stride *= 2
    chosen.update(range(stride, steps, stride))
    return chosen


class Pictures:
    """Draws what a training has learned so far, always from the same noise or inputs.

    In a notebook the newest picture is shown.
    """

    def __init__(self, trainer: Trainer, run: Run) -> None:
        self._trainer, self._run = trainer, run
        self._steps = picture_steps(trainer.model.hp.steps)
        self._drawn: dict[int, Image.Image | None] = {}
        self._shown = NotebookPicture()

    def begin(self) -> None:
        """Deletes the pictures of later steps, which will be made again, and draws this one."""
        done = self._trainer.steps_done
        self._run.timeline.keep({step for step in self._steps if step <= done})
        self.follow()
        if self._run.timeline.pictures():
            logger.info(f"pictures while it learns: {self._run.timeline.folder}")

    def follow(self) -> None:
        """Draws the current weights if the timeline has this step, and lacks the picture."""
        step = self._trainer.steps_done
        path = self._run.timeline.path(step)
        if step not in self._steps or path.exists():
            return
        picture = self._current()
        if picture is None:
            return
        picture = enlarged(picture, SIDE // 2)
        if max(picture.size) > SIDE:
            picture = ImageOps.contain(picture, (SIDE, SIDE))
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            save_picture(picture, path)
        self._shown.update(path)

    def publish(self, scored: Evaluation | None) -> None:
        """Draws what stands at the top of the run, and writes the card, which shows it."""
        trainer, run = self._trainer, self._run
        self.follow()
        if scored and trainer.best == trainer.evaluated:
            for name, picture in scored.pictures.items():
                _write(picture, run.folder / name)
        self._draw_samples()
        _write(curve(run.journal.series()), run.curve)
        timeline = run.timeline.pictures()
        if len(timeline) > 1 and trainer.steps_done == trainer.model.hp.steps:
            replace_file(run.film, film(timeline.values()))
        write_card(run.folder, trainer.model)
        self._shown.update(run.picture)

    def _draw_samples(self) -> None:
        """Draws the weights at the top of the run, unless samples.png shows them already."""
        trainer, run = self._trainer, self._run
        if run.step == trainer.steps_done:
            picture = self._current()
        elif in_order(run.best_checkpoint(), run.samples):
            return
        else:
            model = Run(run.folder, type(trainer.model)).model
            picture = self._preview(model.to(trainer.device.torch_device))
        if picture:
            _write(enlarged(picture), run.samples)

    def _current(self) -> Image.Image | None:
        """The preview of the trainer's weights, drawn once for each step."""
        step = self._trainer.steps_done
        if step not in self._drawn:
            with self._trainer.averaged_model() as model:
                self._drawn = {step: self._preview(model)}
        return self._drawn[step]

    @cached_property
    def _batch(self) -> Any:
        # kept: going back to the first batches starts the processes of a Dataset anew
        return self._trainer.batches.preview_batch()

    def _preview(self, model: Model) -> Image.Image | None:
        """The model's preview; None if it only trains."""
        batch = self._batch
        draws = seeded("preview", model.hp.seed, device=model.device)
        try:
            with evaluating(model), draws, torch.no_grad():
                return grid(model.preview(batch))
        except Unsupported:
            return None
        except Exception as cause:  # a stranger's code may raise anything
            reason = f"{type(cause).__name__}: {cause}"
            text = f"{model.display_name}: preview() failed: {reason}"
            raise PluginError(text) from cause


def in_order(*paths: Path | None) -> bool:
    """Whether all of them exist, and were written one after the other."""
    moments = []
    for path in paths:
        if path is None or not path.exists():
            return False
        moments.append(path.stat().st_mtime)
    return moments == sorted(moments)


def _write(picture: Image.Image | None, path: Path) -> None:
    if picture:
        with writing(path):
            save_png(picture, path)
