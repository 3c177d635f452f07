"""Trainer: an iterator over steps that is saved in a run folder, and goes on from there."""

import warnings
from math import isfinite
from pathlib import Path

import torch

from ganzoo.data.open import data_config, source_text
from ganzoo.discovery.registry import Plugin, trainers
from ganzoo.errors import Diverged, PluginError, StateError, UnknownName
from ganzoo.model.contract import Model
from ganzoo.state.card import write_card
from ganzoo.state.checkpoints import TrainState
from ganzoo.state.config import Config
from ganzoo.state.run import Run
from ganzoo.state.weights import from_config
from ganzoo.training.snapshot import (
    changes,
    check_steps,
    published_weights,
    restore_training,
    training_tensors,
)
from ganzoo.training.stepping import Loop


class Trainer(Loop):
    """Players move in turn, as the model's `losses` yields them, until it has made `hp.steps` steps.

    >>> for step in Trainer(model, data): ...

    To stop early, `break`; going on with the loop goes on with the training. Each player's gradients come from its
    own losses alone. A trainer plugin subclasses this and overrides `step`.
    """

    def config(self) -> Config:
        """What config.json says of this run."""
        trainer = trainers.of(type(self))
        metrics = {}
        if self.evaluated and self.evaluated["step"] == self.steps_done:
            where = (
                source_text(self.held_out)
                if self.held_out
                else "a part of the data that was not trained on"
            )
            metrics = {
                **self.evaluated["scores"],
                "images": self.evaluated["images"],
                "measured on": where,
            }
        return Config.of(
            self.model,
            trainer=trainer.name if trainer else type(self).__name__,
            precision=self.device.precision,
            data={
                **data_config(self.data),
                **({"validation": data_config(self.held_out)} if self.held_out else {}),
            },
            metrics=metrics,
            step=self.steps_done,
        )

    def state(self) -> TrainState:
        """All that is needed to go on, on the CPU.

        Raises StateError inside a step that was interrupted, and Diverged when a weight is not finite.
        """
        self._check_whole()
        weights = published_weights(self.model, self.averages)
        if broken := next(
            (name for name, tensor in weights.items() if not tensor.isfinite().all()), None
        ):
            raise Diverged(
                f"{self.model.display_name}: after step {self.steps_done}, {broken} is not finite"
            )
        training, plain = training_tensors(self.model, self.averages, self.optimizers)
        extra = {
            "optimizer": plain,
            "threads": torch.get_num_threads(),
            "device": self.device.torch_device.type,
            "compiled": self._compiled,
            "progress_was_read": self.model.progress_was_read,
            "evaluated": self.evaluated,
            "best": self.best,
        }
        return TrainState(self.config(), weights, training, extra)

    def save(self, folder: str | Path) -> None:
        """Adds a checkpoint to the run folder, and puts weights, config.json and the card at its top."""
        run = Run(folder)
        self._settle(run)
        run.write_checkpoint(self.state(), self.model.defaults)
        write_card(run.folder, self.model)

    def _settle(self, run: Run) -> None:
        """Which weights are the best: these, if they were scored and none that are in the run scored as much."""
        if (
            self.best
            and self.best["step"] != self.steps_done
            and not run.has_checkpoint(self.best["step"])
        ):
            self.best = None
        if self.evaluated and self.evaluated["step"] == self.steps_done:
            name, score = next(iter(self.evaluated["scores"].items()))
            if isfinite(score) and (self.best is None or score > self.best["scores"][name]):
                self.best = self.evaluated

    @classmethod
    def resume(
        cls,
        folder: str | Path,
        data: object = None,
        *,
        model: type[Model] | None = None,
        validation: object = None,
        steps: int | None = None,
        device: str = "auto",
        compile: bool = False,  # noqa: A002  (what it is called in torch)
        workers: int | None = None,
        cache: str = "auto",
    ) -> "Trainer":
        """The trainer that wrote the newest checkpoint of the run folder, as it was then.

        `model` is the class, for a model that is registered under no name; call `resume` on the
        class of a trainer that is not. `data` is needed when it was not a SOURCE. `steps` may be more than before, unless the model's schedule
        depends on it. Raises StateError when the folder, the data or the steps do not allow it.
        """
        run = Run(folder)
        checkpoint = run.newest_checkpoint()
        if checkpoint is None:
            raise StateError(
                f"{run} has no checkpoint to go on from"
                if run.folder.is_dir()
                else f"there is no run {run}"
            )
        state = TrainState.read(checkpoint)
        config = state.config
        if data is None and not config.data.get("source"):
            raise StateError(
                f"{run} was trained on data passed in from Python: pass it to resume(folder, data)"
            )
        restored = from_config(config, checkpoint, kind=model)
        if steps is not None:
            restored.hp = restored.hp.replaced({"steps": steps})
        if validation is None and "validation" in config.data:
            validation = config.data["validation"]["source"]
            if validation is None:
                raise StateError(
                    f"{run} was scored on data passed in from Python: pass resume(..., validation=...)"
                )
        kind = cls if config.trainer == cls.__name__ else trainer_class(_plugin(config, run))
        named = config.data["source"]
        source = (tuple(named) if isinstance(named, list) else named) if data is None else data
        trainer = kind(
            restored,
            source,
            validation=validation,
            device=device,
            precision=config.precision,
            compile=compile,
            workers=workers,
            cache=cache,
        )
        for note in trainer._go_to(state, checkpoint):
            warnings.warn(note, stacklevel=2)
        return trainer

    def restore(self, folder: str | Path) -> list[str]:
        """Goes to where the newest checkpoint of a run stands; the run must be one of equal settings and data.

        Returns what is not as it was and may change the last bits of the result: threads, device, compiling, versions.
        """
        run = Run(folder)
        checkpoint = run.newest_checkpoint()
        if checkpoint is None:
            raise StateError(f"{run} has no checkpoint to go on from")
        return self._go_to(TrainState.read(checkpoint), checkpoint)

    def _go_to(self, state: TrainState, checkpoint: Path) -> list[str]:
        run = Run(checkpoint.parents[1])
        if differences := state.config.differences(self.config(), self.model.defaults):
            raise StateError(
                f"{run} was trained otherwise ({'; '.join(differences)}): choose another folder, or the same settings"
            )
        check_steps(self.model, state)
        self.steps_done = state.config.step
        self.evaluated, self.best = state.extra.get("evaluated"), state.extra.get("best")
        self._whole = True
        restore_training(self.model, self.averages, self.optimizers, state, checkpoint)
        run.publish()
        return changes(state, self.config(), self.device.torch_device, compiled=self._compiled)


def _plugin(config: Config, run: Run) -> Plugin:
    try:
        return trainers[config.trainer]
    except UnknownName:
        name = config.trainer
        raise StateError(
            f"{run} was trained with the trainer {name}, which is not installed; "
            f"if it is a class without an entry point, call {name}.resume(...)"
        ) from None


def trainer_class(plugin: Plugin) -> type[Trainer]:
    """What an entry point of the group `ganzoo.trainers` names, if it is a trainer."""
    found = plugin.load()
    if isinstance(found, type) and issubclass(found, Trainer):
        return found
    name = getattr(found, "__qualname__", repr(found))
    raise PluginError(
        f"trainer {plugin.name!r} is not one: {name} lacks ganzoo.Trainer as its base"
    )
