"""Trainer: an iterator over steps that is saved in a run folder, and goes on from there."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.data.open import data_config, open_data, source_text
from ganzoo.data.split import train_validation_split, validation_hparams
from ganzoo.device import Device
from ganzoo.discovery.registry import Plugin, trainers
from ganzoo.errors import Diverged, PluginError, StateError, UnknownName, Unsupported
from ganzoo.model.contract import Model
from ganzoo.model.scores import Evaluation
from ganzoo.modes import evaluating
from ganzoo.seeds import seeded
from ganzoo.state.card import write_card
from ganzoo.state.checkpoints import TrainState
from ganzoo.state.config import Config
from ganzoo.state.run import Run
from ganzoo.state.weights import from_config
from ganzoo.training.averages import Averages
from ganzoo.training.optimizers import Optimizers
from ganzoo.training.scores import Score
from ganzoo.training.snapshot import (
    averaged_weights,
    changes,
    check_steps,
    restore_training,
    training_tensors,
)
from ganzoo.training.turns import Turn, Turns, no_gradient_error, stale_graph_error

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """A step that was made: its number, from 1, and its losses, which stay on the device."""

    number: int
    losses: dict[str, Tensor]

    def read(self) -> dict[str, float]:
        """The losses as numbers, `{"discriminator/real": 0.61, ...}`. Waits for the device."""
        return {name: loss.item() for name, loss in self.losses.items()}


class Trainer(Iterator[Step]):
    """Players move in turn, as the model's `losses` yields them, until `hp.steps` steps are made.

    >>> for step in Trainer(model, data): ...

    To stop early, `break`; going on with the loop goes on with the training. Each player's
    gradients come from its own losses alone. A trainer plugin subclasses this and overrides `step`.
    """

    retains_graphs: ClassVar[bool] = False
    """Whether `step` calls `backward(..., retain_graph=True)`; then networks cannot be compiled."""

    def __init__(
        self,
        model: Model,
        data: object,
        *,
        validation: object = None,
        device: str = "auto",
        precision: str = "auto",
        compile: bool = False,  # noqa: A002  (its name in torch)
        workers: int | None = None,
        cache: str = "auto",
    ) -> None:
        """Opens the data, and moves the model to the device.

        `data` is a SOURCE ("digits", a folder, a zip), a tensor of images (uint8, or floats in
        [-1, 1]) or a `torch.utils.data.Dataset`; two of them in a tuple for two domains or pairs.
        `workers` threads prepare the images of a SOURCE, and `cache` is where they are kept; a
        Dataset's items are made in that many processes. `compile` compiles the networks that
        `model.compiled()` names: the first step then takes minutes.

        `evaluate()` scores the model on `validation`, or else on the share `hp.validation` of the
        data, which is then never trained on.
        """
        if compile and self.retains_graphs:
            raise Unsupported(
                f"{type(self).__name__} goes through a graph more than once: it cannot compile"
            )
        self.device = Device.open(device, precision)
        self.model = model.to(self.device.torch_device).train()
        self.data = open_data(data, model.hp, model.view, workers=workers, cache=cache)
        self.held_out = None
        if validation is not None:
            hp = validation_hparams(model.hp)
            self.held_out = open_data(validation, hp, model.view, workers=workers, cache=cache)
        self.batches, self.validation = train_validation_split(
            self.data, self.held_out, model.hp, model.view, self.device.torch_device
        )
        self._check_scored()
        self.steps_done = 0
        self.evaluated: Score | None = None
        """The last evaluation."""
        self.best: Score | None = None
        """The best evaluation whose weights are kept."""
        self.averages = Averages(model)
        self.optimizers = Optimizers(model)
        self._turns = Turns(model, self.device)
        self._step_complete = True
        self._published_names = set(model.state_dict())
        model.classes = self.data.info.classes or model.classes
        self._compiled = compile
        if compile:
            for network in model.compiled():
                network.compile()  # in place: names of weights stay as they are

    def _check_scored(self) -> None:
        if self.validation and not self.model.scored:
            source = source_text(self.validation.data)
            raise Unsupported(
                f"{self.model.display_name} has no scores: it cannot be evaluated on {source}"
            )

    # A step

    def __next__(self) -> Step:
        number = self.steps_done
        if number >= self.model.hp.steps:
            self._close_data()
            raise StopIteration
        batch = self.prepare(number)
        with seeded("step", self.model.hp.seed, number, device=self.device.torch_device):
            losses = self.run(batch)
        return self.finish(losses)

    def _close_data(self) -> None:
        """Ends the threads and processes that read ahead."""
        for data in (self.data, self.held_out):
            if data:
                data.close()

    def prepare(self, number: int) -> Any:
        """Sets phase, rates and draws of a step. Returns its batch, a tuple for several."""
        self._check_step_complete()
        batch = self.batch(number)
        self._step_complete = False
        self.model.begin(number)
        if self.optimizers.enter(number):
            self._check_state_dict()
        return batch

    def batch(self, number: int) -> Any:
        """The batch of a step, or a tuple of `batches_per_step`."""
        count = self.model.batches_per_step
        batches = tuple(self.batches[number * count + i] for i in range(count))
        return batches if count > 1 else batches[0]

    def run(self, batch: Any) -> dict[str, Tensor]:
        """The tensors' part of a step: turns, optimizers, averages. Waits for no device."""
        losses = self.step(batch)
        self.averages.update(self.steps_done)
        return losses

    def finish(self, losses: dict[str, Tensor]) -> Step:
        """Counts the step."""
        if not isinstance(losses, Mapping):
            raise self._step_error(losses)
        for loss in losses.values():
            if not isinstance(loss, Tensor):
                raise self._step_error(losses)
        self.steps_done += 1
        self._step_complete = True
        return Step(self.steps_done, losses)

    def step(self, batch: Any) -> dict[str, Tensor]:
        """Every turn of `losses(batch)`: the mover's gradients, then its optimizer.

        Returns the losses by name, detached; a player that moves several times reports its last.
        A trainer plugin overrides this.
        """
        losses: dict[str, Tensor] = {}
        for turn in self.turns(batch):
            losses |= self.backward(turn)
            self.update(turn.player)
        return losses

    def turns(self, batch: Any) -> Iterator[Turn]:
        """Drives `model.losses(batch)`, to its end, in the precision of the device."""
        return self._turns.of(batch)

    def backward(self, turn: Turn, *, retain_graph: bool = False) -> dict[str, Tensor]:
        """Computes the gradients of the parameters that the player trains, and of no others.

        Returns the losses of the turn, detached. To use a graph twice, pass `retain_graph=True`
        and set `retains_graphs = True` in the class.
        """
        if retain_graph and not self.retains_graphs:
            raise PluginError(
                f"{type(self).__name__} retains a graph: set retains_graphs = True in the class"
            )
        trained = self._trained(turn)
        self.optimizers[turn.player].zero_grad()
        try:
            loss = reduce(add, turn.losses.values())
            loss.backward(inputs=trained, retain_graph=retain_graph)  # type: ignore[no-untyped-call]
        except RuntimeError as cause:
            if error := stale_graph_error(self.model, turn.losses, cause):
                raise error from cause
            raise
        if all(parameter.grad is None for parameter in trained):
            raise no_gradient_error(self.model, turn.losses)
        return {name: loss.detach() for name, loss in turn.losses.items()}

    def update(self, player: nn.Module) -> None:
        """Changes the player's parameters by their gradients."""
        self.optimizers[player].step()

    def _trained(self, turn: Turn) -> list[nn.Parameter]:
        if turn.player not in self.optimizers:
            raise PluginError(
                f"{self.model.display_name}: the {type(turn.player).__name__} of "
                f"{', '.join(turn.losses)} moves, but optimizers() has none for it"
            )
        parameters = self.optimizers.trained(turn.player)
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        if not trained:
            raise no_gradient_error(self.model, turn.losses)
        return trained

    def _check_state_dict(self) -> None:
        """Raises PluginError if the model has other tensors than it was made with."""
        others = self._published_names ^ set(self.model.state_dict())
        if others:
            raise PluginError(
                f"{self.model.display_name}: {min(others)} is new since the model was made, or "
                f"gone: make all networks in __init__; a trainer adds buffers, "
                f"register_buffer(..., persistent=False), in its __init__"
            )

    def _check_step_complete(self) -> None:
        """Raises StateError inside a step that was interrupted: only some players have moved."""
        if not self._step_complete:
            raise StateError(
                f"step {self.steps_done + 1} was interrupted: go back to the last checkpoint with "
                f"restore(folder)"
            )

    def _step_error(self, losses: object) -> PluginError:
        return PluginError(
            f"{type(self).__name__}.step(batch) gives {losses!s:.60}; it must return tensors by "
            f"the names of the losses"
        )

    # Weights and scores

    def averaged_model(self) -> AbstractContextManager[Model]:
        """In `with trainer.averaged_model() as model`, the model has the weights that are saved."""
        return self.averages.substituted()

    def evaluate(self) -> Evaluation:
        """Scores the averaged weights on the validation data. The first score decides what is best.

        Raises Unsupported without validation data, or if the model has no scores.
        """
        if self.validation is None:
            raise Unsupported(
                f"{self.model.display_name} has no validation data: set validation above 0"
            )
        with self.averaged_model() as model, evaluating(model), torch.no_grad():
            result = model.evaluate(self.validation.one_epoch())
        if not isinstance(result, Evaluation):
            raise self._evaluation_error(result)
        for score in result.scores.values():
            if not isinstance(score, float | int):
                raise self._evaluation_error(result)
        self.evaluated = Score(self.steps_done, dict(result.scores), self.validation.total)
        return result

    def _evaluation_error(self, result: object) -> PluginError:
        return PluginError(
            f"{self.model.display_name}: evaluate(batches) gives {result!s:.60}; it must be a "
            f"ganzoo.Evaluation of numbers"
        )

    # A run folder

    def config(self) -> Config:
        """The config.json of the run at this step."""
        trainer = trainers.of(type(self))
        data = data_config(self.data)
        if self.held_out:
            data["validation"] = data_config(self.held_out)
        return Config.of(
            self.model,
            trainer=trainer.name if trainer else type(self).__name__,
            precision=self.device.precision,
            data=data,
            metrics=self._metrics(),
            step=self.steps_done,
        )

    def _metrics(self) -> dict[str, Any]:
        score = self.evaluated
        if score is None or score.step != self.steps_done:
            return {}
        where = "a part of the data that was not trained on"
        if self.held_out:
            where = source_text(self.held_out)
        return {**score.scores, "images": score.images, "measured on": where}

    def state(self) -> TrainState:
        """All that is needed to go on, on the CPU.

        Raises StateError inside an interrupted step, and Diverged for a weight that is not finite.
        """
        self._check_step_complete()
        weights = averaged_weights(self.model, self.averages)
        for name, tensor in weights.items():
            if not tensor.isfinite().all():
                raise Diverged(
                    f"{self.model.display_name}: after step {self.steps_done}, {name} is not finite"
                )
        training, numbers = training_tensors(self.model, self.averages, self.optimizers)
        extra = {
            "optimizer": numbers,
            "threads": torch.get_num_threads(),
            "device": self.device.torch_device.type,
            "compiled": self._compiled,
            "depends_on_steps": self.model.schedule_depends_on_steps,
            "evaluated": self.evaluated and self.evaluated.to_json(),
            "best": self.best and self.best.to_json(),
        }
        return TrainState(self.config(), weights, training, extra)

    def save(self, folder: str | Path) -> None:
        """Adds a checkpoint to the run folder, and publishes weights, config.json and the card."""
        run = Run(folder)
        self._update_best(run)
        run.write_checkpoint(self.state(), self.model.defaults)
        write_card(run.folder, self.model)

    def _update_best(self, run: Run) -> None:
        """Marks the current weights as best if their score beats every checkpoint in the run."""
        best, score = self.best, self.evaluated
        if best and best.step != self.steps_done and not run.has_checkpoint(best.step):
            self.best = None
        if score and score.step == self.steps_done and score.is_better_than(self.best):
            self.best = score

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
        compile: bool = False,  # noqa: A002  (its name in torch)
        workers: int | None = None,
        cache: str = "auto",
    ) -> "Trainer":
        """The trainer that wrote the newest checkpoint of the run folder, in the state of then.

        `model` is the class of a model without an entry point; call `resume` on the class of such
        a trainer. `data` is needed if it was not a SOURCE, and `validation` likewise. `steps` may
        grow, unless the model's schedule depends on it. Raises StateError if the folder, the data or the
        steps do not allow it.
        """
        run = Run(folder)
        checkpoint = _checkpoint_of(run)
        state = TrainState.read(checkpoint)
        config = state.config
        sources = config.data
        data = _source(data, sources, f"{run} was trained on data passed in from Python: pass data")
        if validation is not None or "validation" in sources:
            message = f"{run} was scored on data passed in from Python: pass validation="
            validation = _source(validation, sources.get("validation", {}), message)
        restored = from_config(config, checkpoint, kind=model)
        if steps is not None:
            restored.hp = restored.hp.replaced({"steps": steps})
        kind = cls if config.trainer == cls.__name__ else _registered_trainer(config, run)
        trainer = kind(
            restored,
            data,
            validation=validation,
            device=device,
            precision=config.precision,
            compile=compile,
            workers=workers,
            cache=cache,
        )
        for note in trainer._restore(state, checkpoint):
            logger.warning(note)
        return trainer

    def restore(self, folder: str | Path) -> list[str]:
        """Goes to the newest checkpoint of a run, which must have equal settings and data.

        Returns what has changed and may change the last bits of the result: threads, device,
        compiling, versions. Raises StateError if the run has other settings.
        """
        checkpoint = _checkpoint_of(Run(folder))
        return self._restore(TrainState.read(checkpoint), checkpoint)

    def _restore(self, state: TrainState, checkpoint: Path) -> list[str]:
        run = Run(checkpoint.parents[1])
        if differences := state.config.differences(self.config(), self.model.defaults):
            raise StateError(
                f"{run} was trained otherwise ({'; '.join(differences)}): choose another folder, "
                f"or the same settings"
            )
        check_steps(self.model, state)
        self._step_complete = False  # until all of it is restored
        restore_training(self.model, self.averages, self.optimizers, state, checkpoint)
        self.steps_done = state.config.step
        self.evaluated = Score.from_json(state.extra.get("evaluated"))
        self.best = Score.from_json(state.extra.get("best"))
        self._step_complete = True
        run.publish()
        device = self.device.torch_device
        return changes(state, self.config(), device, compiled=self._compiled)


def trainer_class(plugin: Plugin) -> type[Trainer]:
    """The class of an entry point in the group `ganzoo.trainers`. Raises PluginError for another."""
    kind = plugin.load()
    if isinstance(kind, type) and issubclass(kind, Trainer):
        return kind
    name = getattr(kind, "__qualname__", repr(kind))
    raise PluginError(f"trainer {plugin.name!r}: {name} is no subclass of ganzoo.Trainer")


def _checkpoint_of(run: Run) -> Path:
    checkpoint = run.newest_checkpoint()
    if checkpoint is None:
        exists = run.folder.is_dir()
        raise StateError(f"{run} has no checkpoint to go on from" if exists else f"no run {run}")
    return checkpoint


def _source(data: object, config: Mapping[str, Any], message: str) -> object:
    """The data that were passed, or the SOURCE, or two, that config.json names."""
    if data is not None:
        return data
    source = config.get("source")
    if not source:
        raise StateError(message)
    return tuple(source) if isinstance(source, list) else source


def _registered_trainer(config: Config, run: Run) -> type[Trainer]:
    try:
        plugin = trainers[config.trainer]
    except UnknownName:
        name = config.trainer
        raise StateError(
            f"{run} was trained with the trainer {name}, which is not installed; if it is a class "
            f"without an entry point, call {name}.resume(...)"
        ) from None
    return trainer_class(plugin)
