"""Trainer: an iterator over steps that is saved in a run folder, and goes on from there."""

import logging
import shlex
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.data.open import data_config, open_data, source_text
from ganzoo.data.split import (
    NEWEST,
    OLDEST,
    train_validation_split,
    validation_hparams,
)
from ganzoo.data.split_folders import divided
from ganzoo.data.summary import DataSummary
from ganzoo.device import Device, memory_errors_as_one_line
from ganzoo.discovery.registry import Plugin, trainers
from ganzoo.errors import (
    Diverged,
    HparamError,
    PluginError,
    StateError,
    UnknownName,
    Unsupported,
    UsageError,
    unknown,
)
from ganzoo.hparams.fields import text_of
from ganzoo.hparams.hparams import CONDITION
from ganzoo.hparams.settings import TRAINER, Settings
from ganzoo.model.contract import Model
from ganzoo.model.scores import Evaluation
from ganzoo.modes import evaluating
from ganzoo.seeds import seeded
from ganzoo.state.card import going_on_words, write_card
from ganzoo.state.checkpoints import TrainState
from ganzoo.state.config import CONTENT, HELD_OUT, Config
from ganzoo.state.run import Run
from ganzoo.state.weights import cpu_tensors, from_config
from ganzoo.training.averages import Averages
from ganzoo.training.helpers import load_helpers
from ganzoo.training.optimizers import Optimizers
from ganzoo.training.published import published
from ganzoo.training.scores import Score
from ganzoo.training.signals import delayed_interrupt
from ganzoo.training.snapshot import check_steps, restore_training, training_tensors
from ganzoo.training.turns import (
    NO_GRADIENT,
    NO_OPTIMIZER,
    STALE,
    STALE_GRAPH,
    Turn,
    turn_error,
    turns,
)

logger = logging.getLogger(__name__)
ARGUMENTS = (
    "model",
    "data",
    "validation",
    "device",
    "precision",
    "compile",
    "workers",
    "cache",
)
"""The arguments of every trainer; its own hyperparameters have other names."""


@dataclass(frozen=True)
class Step:
    """A step that was made: its number, from 1, its losses, and what the model reported.

    Both stay on the device.
    """

    number: int
    losses: dict[str, Tensor]
    reports: dict[str, Tensor] = field(default_factory=dict)

    def read(self) -> dict[str, float]:
        """Losses and reports as numbers, `{"discriminator/real": 0.61}`. Waits for the device."""
        return {name: value.item() for name, value in (self.losses | self.reports).items()}


class Trainer(Iterator[Step]):
    """Players move in turn, as the model's `losses` yields them, until `hp.steps` steps are made.

    >>> for step in Trainer(model, data): ...

    To stop early, `break`; going on with the loop goes on with the training. Ctrl-C, or the Stop of
    a notebook, lets the step finish and then raises KeyboardInterrupt: the trainer can be saved, or
    goes on. `len(trainer)` is the number of steps that are left. Each player's gradients come from
    its own losses alone. A trainer plugin subclasses this and overrides `step`.

    `trainer.model` has the raw weights; those that are saved are in `averaged_model()`.

    `data` is a SOURCE ("digits", a folder, a zip), a tensor or an array of images (uint8, or
    floats in [-1, 1]), alone or in a tuple (images, labels), or a `torch.utils.data.Dataset`,
    whose pictures are resized; two of them in a tuple for two domains or pairs. `workers`
    threads prepare the images of a SOURCE, and `cache` is where they are kept; a Dataset's items
    are made in that many processes. `compile` compiles the networks that `model.compiled()`
    names: the first step then takes minutes.

    `evaluate()` scores the model on `validation`, or else on the share `hp.validation` of the
    data, which is then never trained on.
    """

    retains_graphs: ClassVar[bool] = False
    """Whether `step` calls `backward(..., retain_graph=True)`; then networks cannot be compiled."""
    Hparams: ClassVar[type[Settings]] = Settings
    """The trainer's own hyperparameters: `--set trainer.NAME=value`, and here by name."""

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
        **hyperparameters: object,
    ) -> None:
        """Opens the data, and moves the model to the device.

        `hyperparameters` are the trainer's own. Raises UsageError if `model` is none, and for
        hyperparameters of the model.
        """
        _check_arguments(type(self), model, hyperparameters)
        self.hp = self.Hparams().replaced(hyperparameters)
        if compile and self.retains_graphs:
            raise Unsupported(
                f"{type(self).__name__} goes through a graph more than once: it cannot compile"
            )
        self.device = Device.open(device, precision)
        self.model = model.to(self.device.torch_device).train()
        self._open(data, validation, workers, cache)
        model.classes = self.data.info.classes or model.classes
        if model.loaded_config:
            loaded = model.loaded_config
            model.origin = f"{loaded.model} {loaded.sha256}"
            model.first_weights = None
        model.make_augmentation()
        self._helpers = load_helpers(model)
        model.on_data(DataSummary.of(self.batches))
        self.averages = Averages(model)
        self.optimizers = Optimizers(model)
        self.steps_done = 0
        self.evaluated: Score | None = None
        """The last evaluation."""
        self.best: Score | None = None
        """The best evaluation whose weights are kept."""
        self.earlier_data: list[dict[str, Any]] = []
        """The data of config.json that the run was trained on before, each with its last step."""
        self._reports: dict[str, Tensor] = {}
        self._step_complete = True
        self._names = set(model.state_dict())
        self._compiled = compile
        for network in model.compiled() if compile else ():
            network.compile()  # in place: names of weights stay as they are

    def _open(self, data: object, validation: object, workers: int | None, cache: str) -> None:
        model, hp = self.model, self.model.hp
        opened = partial(open_data, view=model.view, workers=workers, cache=cache)
        data, validation = divided(data, validation, validates=model.scored)
        self.data = opened(data, hp)
        self.held_out = None
        if validation is not None:
            self.held_out = opened(validation, validation_hparams(hp))
        self._encode()
        self._divide(NEWEST)
        if self.validation and not model.scored:
            source = source_text(self.validation.data)
            raise Unsupported(
                f"{model.display_name} has no scores: it cannot be evaluated on {source}"
            )

    def _encode(self) -> None:
        """Makes the conditions of the data. Raises HparamError or StateError for others."""
        model, attributes = self.model, self.data.info.attributes
        if attributes is None:
            return
        if not model.attributes.kinds:
            model.attributes = attributes
        if model.attributes.structure != attributes.structure:
            raise StateError(
                f"{model.display_name} knows other attributes or values than "
                f"{source_text(self.data)}: train a new model on these"
            )
        length = model.hp.to_json().get(CONDITION, attributes.length)
        if length != attributes.length:
            raise HparamError(
                f"{CONDITION}={length}, and {source_text(self.data)} have {attributes.length}: "
                f"leave {CONDITION} to the data"
            )
        for data in filter(None, (self.data, self.held_out)):
            data.encode(model.condition)

    def _divide(self, rule: str) -> None:
        """Decides what is trained on, and what is held out by a rule of data/split.py."""
        model = self.model
        device = self.device.torch_device
        self.batches, self.validation = train_validation_split(
            self.data, self.held_out, model.hp, model.view, device, rule
        )
        self._validation_rule = rule

    # A step

    def __len__(self) -> int:
        """The number of steps that are left."""
        return max(0, self.model.hp.steps - self.steps_done)

    def __bool__(self) -> bool:
        return True  # a finished trainer is one too

    def __next__(self) -> Step:
        number, hp = self.steps_done, self.model.hp
        if number >= hp.steps:
            for data in filter(None, (self.data, self.held_out)):
                data.close()  # ends the threads and processes that read ahead
            raise StopIteration
        with delayed_interrupt(), self.memory_errors():
            batch = self.prepare(number)
            device = self.device.torch_device
            with seeded("step", hp.seed, number, device=device):
                losses = self.run(batch)
            return self.finish(losses)

    def memory_errors(self) -> AbstractContextManager[None]:
        """Inside, an error for lack of memory becomes an OutOfMemory that says what to shrink."""
        hp = self.model.hp
        size = f"batch_size={hp.batch_size}"
        names = "batch_size"
        if hp.image_size:
            size += f", image_size={text_of(hp.image_size)}"
            names += " or image_size"
        purpose = f"{self.model.display_name} on {self.device.torch_device} with {size}"
        return memory_errors_as_one_line(purpose, f"set a smaller {names}")

    def prepare(self, number: int) -> Any:
        """Sets phase, rates and draws of a step. Returns its batch, a tuple for several."""
        self._check_step_complete()
        batch = self.batch(number)
        self._step_complete = False
        self.model.begin(number)
        if self.optimizers.enter(number):
            self._check_names()
        return batch

    def batch(self, number: int) -> Any:
        """The batch of a step, or a tuple of `batches_per_step`."""
        count = self.model.batches_per_step
        batches = [self.batches[number * count + i] for i in range(count)]
        return tuple(batches) if count > 1 else batches[0]

    def run(self, batch: Any) -> dict[str, Tensor]:
        """The tensors' part of a step: turns, optimizers, averages. Waits for no device."""
        with self.model.collecting_reports() as reports:
            losses = self.step(batch)
        self._reports = reports
        self.averages.update(self.steps_done)
        return losses

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
        return turns(self.model, self.device, batch)

    def backward(
        self,
        turn: Turn,
        *,
        retain_graph: bool = False,
    ) -> dict[str, Tensor]:
        """Computes the gradients of the parameters that the player trains, and of no others.

        Returns the losses of the turn, detached. To use a graph twice, pass `retain_graph=True`
        and set `retains_graphs = True` in the class.
        """
        if retain_graph and not self.retains_graphs:
            raise PluginError(
                f"{type(self).__name__} retains a graph: set retains_graphs = True in the class"
            )
        if turn.player not in self.optimizers:
            raise turn_error(self.model, turn.losses, NO_OPTIMIZER)
        self.optimizers[turn.player].zero_grad()
        parameters = self.optimizers.trained(turn.player)
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        loss = reduce(add, turn.losses.values())
        try:
            if trained:
                loss.backward(  # type: ignore[no-untyped-call]
                    inputs=trained, retain_graph=retain_graph
                )
        except RuntimeError as cause:
            if STALE.search(str(cause)):
                raise turn_error(self.model, turn.losses, STALE_GRAPH) from cause
            raise
        if all(parameter.grad is None for parameter in trained):
            raise turn_error(self.model, turn.losses, NO_GRADIENT)
        return {name: loss.detach() for name, loss in turn.losses.items()}

    def update(self, player: nn.Module) -> None:
        """Changes the player's parameters by their gradients."""
        self.optimizers[player].step()

    def finish(self, losses: dict[str, Tensor]) -> Step:
        """Counts the step."""
        is_map = isinstance(losses, Mapping)
        if not is_map or not all(isinstance(loss, Tensor) for loss in losses.values()):
            raise PluginError(
                f"{type(self).__name__}.step(batch) gives {losses!s:.60}; "
                "it must return tensors by the names of the losses"
            )
        both = losses.keys() & self._reports.keys()
        if both:
            raise PluginError(
                f"{self.model.display_name}: {min(both)} is a loss and a report: rename the report"
            )
        self.steps_done += 1
        self._step_complete = True
        return Step(self.steps_done, losses, self._reports)

    def _check_names(self) -> None:
        """Raises PluginError if the model has other tensors than it was made with."""
        others = self._names ^ {*self.model.state_dict()}
        if others:
            raise PluginError(
                f"{self.model.display_name}: {min(others)} is new since the model was made, "
                "or gone: make all networks in __init__; a trainer adds buffers, "
                "register_buffer(..., persistent=False), in its __init__"
            )

    def _check_step_complete(self) -> None:
        """Raises StateError inside a step that was interrupted: only some players have moved."""
        if not self._step_complete:
            raise StateError(
                f"step {self.steps_done + 1} was interrupted: "
                "go back to the last checkpoint with restore(folder)"
            )

    # Weights and scores

    def averaged_model(self) -> AbstractContextManager[Model]:
        """In `with trainer.averaged_model() as model`, the model has the weights that are saved.

        It stays in train mode: `model.sample` and the like switch to eval mode, a call does not.
        """
        return published(self.model, self.averages, self.steps_done)

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
        is_evaluation = isinstance(result, Evaluation)
        if not is_evaluation or not all(
            isinstance(score, float | int) for score in result.scores.values()
        ):
            raise PluginError(
                f"{model.display_name}: evaluate(batches) gives {result!s:.60}; "
                "it must be a ganzoo.Evaluation of numbers"
            )
        total = self.validation.total
        by_class = dict(result.by_class)
        self.evaluated = Score(self.steps_done, dict(result.scores), total, by_class, result.better)
        return result

    # A run folder

    def config(self) -> Config:
        """The config.json of the run at this step."""
        data = data_config(self.data)
        measured_on = "a part of the data that was not trained on"
        if self.held_out:
            data["validation"] = data_config(self.held_out)
            measured_on = source_text(self.held_out)
        elif self.validation:
            data["validation_rule"] = self._validation_rule
        if self.earlier_data:
            data["earlier"] = self.earlier_data
        metrics: dict[str, Any] = {}
        score = self.evaluated
        if score and score.step == self.steps_done:
            metrics = {**score.scores, **score.details(), "images": score.images}
            metrics["measured on"] = measured_on
            if score.better != "higher":
                metrics["better"] = score.better
        plugin = trainers.of(type(self))
        return Config.of(
            self.model,
            trainer=plugin.name if plugin else type(self).__name__,
            trainer_hyperparameters=self.hp.to_json(),
            precision=self.device.precision,
            data=data,
            metrics=metrics,
            helpers=self._helpers,
            step=self.steps_done,
        )

    def state(self) -> TrainState:
        """All that is needed to go on, on the CPU.

        Raises StateError inside an interrupted step, and Diverged for a weight that is not finite.
        """
        self._check_step_complete()
        with self.averaged_model() as model:
            weights = cpu_tensors(model.state_dict())
        for name, tensor in weights.items():
            if not tensor.isfinite().all():
                raise Diverged(
                    f"{model.display_name}: after step {self.steps_done}, {name} is not finite"
                )
        training, numbers = training_tensors(model, self.averages, self.optimizers, weights)
        extra = {
            "optimizer": numbers,
            **self._machine(),
            "depends_on_steps": model.schedule_depends_on_steps,
            "evaluated": self.evaluated and asdict(self.evaluated),
            "best": self.best and asdict(self.best),
        }
        return TrainState(self.config(), weights, training, extra)

    def _machine(self) -> dict[str, Any]:
        """What may change the last bits of the result."""
        return {
            "threads": torch.get_num_threads(),
            "device": self.device.torch_device.type,
            "compiled": self._compiled,
        }

    def save(self, folder: str | Path) -> None:
        """Adds a checkpoint to the run folder, and publishes weights, config.json and the card."""
        run = Run(folder)
        self._update_best(run)
        run.write_checkpoint(self.state(), self._defaults)
        write_card(run.folder, self.model)

    def _update_best(self, run: Run) -> None:
        """Marks the current weights as best if their score beats every checkpoint in the run."""
        step, score = self.steps_done, self.evaluated
        best = self.best
        if best and best.step != step and not run.has_checkpoint(best.step):
            best = None
        if score and score.step == step and score.is_better_than(best):
            best = score
        self.best = best

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
        accept_data: bool = False,
    ) -> "Trainer":
        """The trainer that wrote the newest checkpoint of the run folder, in the state of then.

        `model` is the class of a model without an entry point; call `resume` on the class of such
        a trainer. `data` is needed if it was not a SOURCE, and `validation` likewise. `steps` may
        grow, unless the model's schedule depends on it. `accept_data` goes on with data that have
        changed. Raises StateError if the folder, the data or the steps do not allow it.
        """
        run = Run(folder)
        checkpoint = _checkpoint_of(run)
        state = TrainState.read(checkpoint)
        config = state.config
        restored = from_config(config, checkpoint, kind=model)
        if steps is not None:
            restored.hp = restored.hp.replaced({"steps": steps})
        opened = partial(open_data, view=restored.view, workers=workers, cache=cache)
        if data is None:
            # opened here: to an older run, train/ and val/ are classes
            data = opened(_recorded(run, config, "data"), restored.hp)
        if validation is None and "validation" in config.data:
            sources = _recorded(run, config, "validation")
            validation = opened(sources, validation_hparams(restored.hp))
        kind = cls if config.trainer == cls.__name__ else _recorded_trainer(run, config)
        trainer = kind(
            restored,
            data,
            validation=validation,
            device=device,
            precision=config.precision,
            compile=compile,
            workers=workers,
            cache=cache,
            **config.trainer_hyperparameters,
        )
        trainer._restore(state, checkpoint, accept_data)
        return trainer

    def restore(self, folder: str | Path, *, accept_data: bool = False) -> list[str]:
        """Goes to the newest checkpoint of a run, which must have equal settings and data.

        `accept_data` takes the data as they are now; config.json then records the earlier ones.
        Returns, and logs, what has changed and may change the last bits of the result: threads,
        device, compiling, versions. Raises StateError if the run has other settings.
        """
        checkpoint = _checkpoint_of(Run(folder))
        return self._restore(TrainState.read(checkpoint), checkpoint, accept_data)

    def _restore(
        self,
        state: TrainState,
        checkpoint: Path,
        accept_data: bool,
    ) -> list[str]:
        run = Run(checkpoint.parents[1])
        if self.model.loaded_config:  # its weights are about to be replaced
            self.model.origin = state.config.origin
        earlier_data = self.earlier_data
        try:
            data_changed = self._check_settings(run, state.config, accept_data)
            check_steps(self.model, state)
        except StateError:
            self.earlier_data = earlier_data
            raise
        has_part = "validation" not in state.config.data
        rule = state.config.data.get("validation_rule", OLDEST if has_part else NEWEST)
        if self.validation and not self.held_out and rule != self._validation_rule:
            self._divide(rule)
        saved, config = state.config, self.config()
        self._step_complete = False  # until all of it is restored
        parts = self.model, self.averages, self.optimizers
        restore_training(*parts, state, checkpoint)
        self.model.first_weights = saved.first_weights
        if saved.attributes:
            self.model.attributes = saved.read_attributes()
            self._encode()
        self.steps_done = saved.step
        self.evaluated = self.best = None
        if not data_changed:  # else scores from now on are of other images
            self.evaluated = Score.from_json(state.extra.get("evaluated"))
            self.best = Score.from_json(state.extra.get("best"))
        self._step_complete = True
        run.publish()
        package = config.distribution
        before = {"compiled": False, **state.extra, package: saved.version}
        now = {**self._machine(), package: config.version}
        changes = []
        for name, value in now.items():
            if before[name] != value:
                changes.append(
                    f"{name}: {before[name]} before, {value} now; the result may differ "
                    "in its last bits from a run in one go"
                )
                logger.warning(changes[-1])
        return changes

    @property
    def _defaults(self) -> dict[str, Any]:
        """The defaults of all hyperparameters, for a run that is older than one of them."""
        values = self.model.defaults
        for name, value in self.Hparams().to_json().items():
            values[f"{TRAINER}{name}"] = value
        return values

    def _check_settings(self, run: Run, saved: Config, accept_data: bool) -> bool:
        """Raises StateError unless the run has these settings and, if not accepted, these data.

        Returns whether it was trained on other data.
        """
        self.earlier_data = list(saved.data.get("earlier", []))
        differences = saved.differences(self.config(), self._defaults)
        changed = differences.keys() & {CONTENT, HELD_OUT}
        same = going_on_words(run, saved, self._defaults)
        command = shlex.join(same) or f"ganzoo show {run} has them"
        way_out = f"choose another folder with --out, or the same settings ({command})"
        if self.model.hp.classes and saved.classes != self.model.classes:
            pass  # the same numbers would mean other classes
        elif saved.read_attributes().structure != self.model.attributes.structure:
            pass  # so would those of conditions
        elif accept_data and changed:
            for name in changed:
                del differences[name]
            self.earlier_data.append(saved.data_until_now())
        elif differences.keys() == changed:
            way_out = "--accept-data goes on with the data as they are now"
        if differences:
            raise StateError(
                f"{run} was trained otherwise ({'; '.join(differences.values())}): {way_out}; "
                f"--from {run} --out NEW starts a new run from its weights"
            )
        if changed:
            self._log_changed_data(run, saved)
        return bool(changed)

    def _log_changed_data(self, run: Run, saved: Config) -> None:
        before, now = saved.data.get("images"), len(self.data)
        text = f"{run} goes on with changed data: {before} images before, {now} now"
        if self.validation and not self.held_out:
            text += "; what is held out is drawn anew, and was partly trained on before"
        logger.warning(text)


def _check_arguments(
    kind: type[Trainer], model: object, hyperparameters: Mapping[str, object]
) -> None:
    if not isinstance(model, Model):
        text = repr(model) if isinstance(model, str) else f"a {type(model).__name__}"
        raise UsageError(
            f"a trainer wants a ganzoo.Model, not {text}: create one with ganzoo.create(name), "
            "or use ganzoo.train(name, data)"
        )
    check_fields(kind)
    own = kind.Hparams.annotations()
    for name in hyperparameters:
        if name in own:
            continue
        if name not in model.hp.annotations():
            known = {*ARGUMENTS[2:], *own, *model.hp.annotations()}
            raise unknown("option or hyperparameter", name, known)
        raise UsageError(
            f"{name} is a hyperparameter of the model: ganzoo.create({model.display_name!r}, "
            f"{name}=...)"
        )


def check_fields(kind: type[Trainer]) -> None:
    """Raises PluginError for a hyperparameter with the name of an argument of every trainer."""
    for name in kind.Hparams.annotations():
        if name in ARGUMENTS:
            raise PluginError(
                f"{kind.__name__}.Hparams.{name}: every trainer has an argument {name}, "
                "choose another name"
            )


def trainer_class(plugin: Plugin) -> type[Trainer]:
    """The class of an entry point in `ganzoo.trainers`. Raises PluginError for another."""
    kind = plugin.load()
    if isinstance(kind, type) and issubclass(kind, Trainer):
        return kind
    raise PluginError(f"trainer {plugin.name!r}: {kind!r} is no ganzoo.Trainer")


def _checkpoint_of(run: Run) -> Path:
    checkpoint = run.newest_checkpoint()
    if checkpoint is None:
        raise StateError(f"{run} is no run with a checkpoint to go on from")
    return checkpoint


def _recorded(run: Run, config: Config, name: str) -> tuple[str, ...]:
    """The sources of "data" or "validation" that config.json names."""
    sources = config.sources("" if name == "data" else name)
    if not sources:
        raise StateError(f"{run} got {name} from Python: pass {name}= again")
    return tuple(sources)


def _recorded_trainer(run: Run, config: Config) -> type[Trainer]:
    name = config.trainer
    try:
        return trainer_class(trainers[name])
    except UnknownName:
        raise StateError(
            f"{run} was trained with the trainer {name}, which is not installed; "
            f"if it is a class without an entry point, call {name}.resume(...)"
        ) from None
