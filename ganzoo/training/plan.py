"""Plan: the options of a training, and the trainer that they make."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from ganzoo.data.open import Data, open_data
from ganzoo.data.split import validation_hparams
from ganzoo.data.views import Labelled
from ganzoo.discovery.registry import Plugin, datasets, models, trainers
from ganzoo.errors import StateError, UsageError
from ganzoo.hparams.hparams import Hparams
from ganzoo.model.construct import construct, initialised
from ganzoo.model.contract import Model
from ganzoo.state.config import CONFIG, Config
from ganzoo.state.run import Run
from ganzoo.training.trainer import Trainer, trainer_class
from ganzoo.training.transfer import adapt
from ganzoo.zoo import model_class

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The options of `ganzoo train`; None means not given."""

    model: str
    data: tuple[str, ...] = ()
    validation: str | None = None
    assignments: tuple[str, ...] = ()
    config: Path | None = None
    out: Path | None = None
    trainer: str | None = None
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    workers: int | None = None
    cache: str = "auto"
    strict: bool = False
    origin: Path | None = None
    partial: bool = False
    report_every: int = 50
    save_every: int = 500
    eval_every: int | None = None
    again: str = "the same command"
    """The command itself, for the message that says how to go on."""

    @property
    def plugin(self) -> Plugin:
        return models[self.model]

    @property
    def run(self) -> Run:
        """The run folder: --out, or runs/NAME."""
        return Run(self.out or Path("runs", self.plugin.name))

    def make_trainer(self) -> Trainer:
        """A trainer at step 0. Raises a GanzooError for an option that cannot be met."""
        kind = model_class(self.plugin)
        hp = kind.Hparams.from_options(self.config, self.assignments)
        checkpoint = self.run.newest_checkpoint()
        if checkpoint and hp.load_size == "auto":
            # older runs have the default for another image_size
            recorded = Config.read(checkpoint / CONFIG).hyperparameters
            hp = hp.replaced({"load_size": recorded["load_size"]})
        source = self.data or kind.default_data
        if not source:
            raise UsageError(
                f"{self.plugin.name} has no data of its own: "
                f"give --data SOURCE ({', '.join(datasets)})"
            )
        if self.partial and not self.origin:
            raise UsageError("--partial requires --from RUN")
        trainer = trainer_class(trainers[self.trainer or kind.default_trainer])
        data = self._open(kind, source, hp)
        classes = data.info.classes if kind.view is Labelled else ()
        hp = hp.for_data(replace(data.info, classes=classes))
        validation = None
        if self.validation is not None:
            validation = self._open(kind, self.validation, validation_hparams(hp))
        return trainer(
            self._make_model(kind, hp),
            data,
            validation=validation,
            device=self.device,
            precision=self.precision,
            compile=self.compile,
        )

    def _open(self, kind: type[Model], source: object, hp: Hparams) -> Data:
        return open_data(
            source,
            hp,
            kind.view,
            workers=self.workers,
            cache=self.cache,
            strict=self.strict,
        )

    def _make_model(self, kind: type[Model], hp: Hparams) -> Model:
        origin = str(self.origin) if self.origin else None
        checkpoint = self.run.newest_checkpoint()
        if checkpoint:
            # the weights come from there: no others are read or downloaded
            model = construct(kind, hp, plugin=self.plugin)
            if origin:
                model.origin = self._recorded_origin(checkpoint, origin)
            return model
        model = initialised(kind, hp, plugin=self.plugin, origin=origin)
        if origin:
            adapt(model, origin, partial=self.partial).log(origin)
        return model

    def _recorded_origin(self, checkpoint: Path, origin: str) -> str:
        """What the run started from; --from itself may be gone, or trained further, by now."""
        recorded = Config.read(checkpoint / CONFIG).origin
        if not recorded:
            return origin
        try:
            config = Config.read(Run(origin).config)
        except StateError:
            return recorded
        if recorded != f"{config.model} {config.sha256}":
            logger.warning(
                f"{origin} is no longer what {self.run} started from "
                f"({recorded}): it goes on from its own checkpoint"
            )
        return recorded
