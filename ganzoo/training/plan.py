"""Plan: the options of a training, and the trainer that they make."""

import logging
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ganzoo.data.open import Data, open_data
from ganzoo.data.split import validation_hparams
from ganzoo.data.split_folders import divided, source_texts
from ganzoo.data.views import Labelled
from ganzoo.discovery.registry import Plugin, datasets, models, trainers
from ganzoo.errors import HparamError, StateError, UnknownName, UsageError, unknown
from ganzoo.hparams.hparams import Hparams
from ganzoo.hparams.settings import AUGMENT, own_values
from ganzoo.model.augmentation import augmentation_of
from ganzoo.model.construct import construct, initialised
from ganzoo.model.contract import Model
from ganzoo.model.inference import has_scores
from ganzoo.state.card import going_on_words
from ganzoo.state.config import CONFIG, Config
from ganzoo.state.run import Run
from ganzoo.training.trainer import Trainer, check_fields, trainer_class
from ganzoo.training.transfer import adapt
from ganzoo.zoo import checked_class, model_class

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `ganzoo train` and `ganzoo.train` are asked for; None means not asked for.

    `model` is a registered name, a class or a model; `data` and `validation` are what a Trainer
    takes. `hyperparameters` come after those of the file `config` and of the `assignments`.
    """

    model: str | type[Model] | Model
    data: object = None
    validation: object = None
    assignments: tuple[str, ...] = ()
    config: Path | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    out: str | Path | None = None
    trainer: str | type[Trainer] | None = None
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    workers: int | None = None
    cache: str = "auto"
    strict: bool = False
    accept_data: bool = False
    from_run: str | Path | None = None
    partial: bool = False
    report_every: int = 50
    save_every: int = 500
    eval_every: int | None = None
    again: str = "the same command"
    """The command itself, for the message that says how to go on."""

    def __post_init__(self) -> None:
        for name in ("report_every", "save_every", "eval_every", "workers"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise UsageError(f"{name}={value!r}: choose a whole number, 1 or more")

    @cached_property
    def plugin(self) -> Plugin | None:
        """The entry point of the model, if it has one."""
        if isinstance(self.model, str):
            return models[self.model]
        if isinstance(self.model, Model):
            return self.model.plugin
        return models.of(checked_class(self.model))

    @cached_property
    def kind(self) -> type[Model]:
        """The class of the model."""
        if isinstance(self.model, Model):
            return type(self.model)
        if self.plugin:
            return model_class(self.plugin)
        return self.model  # type: ignore[return-value]  # a name has an entry point

    @property
    def name(self) -> str:
        """The name of the model in messages, and of its run folder."""
        return self.plugin.name if self.plugin else self.kind.__name__

    @property
    def run(self) -> Run:
        """The run folder: --out, or runs/NAME."""
        return Run(self.out or Path("runs", self.name), self.kind)

    @cached_property
    def source(self) -> object:
        """The data, or the model's own. Raises UsageError if there is neither."""
        source = self.kind.default_data if self.data is None else self.data
        if source is None:
            raise UsageError(
                f"{self.name} has no data of its own: give --data SOURCE ({', '.join(datasets)})"
            )
        return source

    def make_trainer(self) -> Trainer:
        """A trainer at step 0. Raises a GanzooError for an option that cannot be met."""
        kind, hp, recorded = self.kind, self._hp(), self._recorded()
        if recorded and hp.load_size == "auto":
            # older runs have the default for another image_size
            hp = hp.replaced({"load_size": recorded.hyperparameters.get("load_size", "auto")})
        if self.partial and not self.from_run:
            raise UsageError("--partial requires --from RUN")
        trainer = self._trainer_class()
        own = self._trainer_values(trainer)
        augmentation_of(hp)
        source, validation_source = self._sources(recorded)
        self._check_own_data(source, recorded)
        data = self._open(source, hp)
        classes = data.info.classes if kind.view is Labelled else ()
        hp = hp.for_data(replace(data.info, classes=classes))
        validation = None
        if validation_source is not None:
            validation = self._open(validation_source, validation_hparams(hp))
        precision = self.precision
        if recorded and precision == "auto":
            precision = recorded.precision
        return trainer(
            self._make_model(hp, recorded),
            data,
            validation=validation,
            device=self.device,
            precision=precision,
            compile=self.compile,
            **own,
        )

    def _trainer_values(self, trainer: type[Trainer]) -> dict[str, Any]:
        """The trainer's own hyperparameters. Raises HparamError or UnknownName for others."""
        plugin = trainers.of(trainer)
        name = plugin.name if plugin else trainer.__name__
        check_fields(trainer)
        try:
            hp = trainer.Hparams.from_options(self.config, self.assignments, of_trainer=True)
            hp = hp.replaced(own_values(self.hyperparameters, of_trainer=True))
        except HparamError as cause:
            raise HparamError(f"trainer {name}: {cause}") from None
        except UnknownName as cause:
            if not trainer.Hparams.annotations():
                raise UsageError(f"the trainer {name} has no hyperparameters of its own") from None
            raise UnknownName(f"trainer {name}: {cause}") from None
        return {key: getattr(hp, key) for key in hp.annotations()}

    def _hp(self) -> Hparams:
        """The hyperparameters, before the data fill some of them."""
        values = own_values(self.hyperparameters, of_trainer=False)
        if not isinstance(self.model, Model):
            kind = self.kind.Hparams
            known = {*kind.annotations(), *kind.renamed}
            for name in values:
                if name not in known and not name.startswith(AUGMENT):
                    raise unknown("option or hyperparameter", name, known | OPTIONS)
            hp = kind.from_options(self.config, self.assignments)
            return hp.replaced(values)
        for name in values:
            raise UsageError(
                f"{name} cannot be set for a model that exists: "
                f"ganzoo.create({self.name!r}, {name}=...) makes another one"
            )
        return self.model.hp

    def _check_own_data(self, source: object, recorded: Config | None) -> None:
        """Raises StateError if nobody chose the data, and the run was trained on others."""
        if self.data is not None or self.accept_data or not recorded:
            return
        before, own = recorded.sources(), source_texts(source)
        if not before or before == own:
            return
        words = going_on_words(self.run, recorded, self.kind.Hparams().to_json())
        if not words:
            for text in before:
                words += ["--data", text]
        raise StateError(
            f"{self.run} was trained on {' and '.join(before)}, not on {' and '.join(own)}: "
            f"go on with {shlex.join(words)}, or choose another folder with --out"
        )

    def _sources(self, recorded: Config | None) -> tuple[object, object]:
        """Data and validation data, which may be train/ and val/ of one folder."""
        source, validation = self.source, self.validation
        if recorded and recorded.sources() == source_texts(source):
            return source, validation  # an older run reads train/ and val/ as classes
        return divided(source, validation, validates=has_scores(self.kind))

    def _trainer_class(self) -> type[Trainer]:
        chosen = self.trainer or self.kind.default_trainer
        return trainer_class(trainers[chosen]) if isinstance(chosen, str) else chosen

    def _open(self, source: object, hp: Hparams) -> Data:
        return open_data(
            source,
            hp,
            self.kind.view,
            workers=self.workers,
            cache=self.cache,
            strict=self.strict,
        )

    def _recorded(self) -> Config | None:
        """The configuration of the checkpoint to go on from; None without one, or if damaged."""
        checkpoint = self.run.newest_checkpoint()
        if checkpoint:
            with suppress(StateError):  # the trainer reads it again, and says what is wrong
                return Config.read(checkpoint / CONFIG)
        return None

    def _make_model(self, hp: Hparams, recorded: Config | None) -> Model:
        origin = str(self.from_run) if self.from_run else None
        goes_on = self.run.newest_checkpoint() is not None
        if isinstance(self.model, Model):
            model = self.model
        elif goes_on:
            # the weights come from there: no others are read or downloaded
            model = construct(self.kind, hp, plugin=self.plugin)
        else:
            model = initialised(self.kind, hp, plugin=self.plugin, origin=origin)
        if origin and goes_on:
            model.origin = self._recorded_origin(origin, recorded)
        elif origin:
            adapt(model, origin, partial=self.partial).log(origin)
        return model

    def _recorded_origin(self, origin: str, recorded: Config | None) -> str:
        """What the run started from; --from itself may be gone, or trained further, by now."""
        if not recorded or not recorded.origin:
            return origin
        try:
            config = Config.read(Run(origin).config)
        except StateError:
            return recorded.origin
        if recorded.origin != f"{config.model} {config.sha256}":
            logger.warning(
                f"{origin} is no longer what {self.run} started from "
                f"({recorded.origin}): it goes on from its own checkpoint"
            )
        return recorded.origin


OPTIONS = {field.name for field in fields(Plan)} - {
    "assignments",
    "config",
    "hyperparameters",
    "again",
}
"""The names of the options in Python."""
