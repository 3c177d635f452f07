"""Plan: what `ganzoo train` was asked for, and the trainer that does it."""

import logging
import tomllib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ganzoo.data.open import open_data
from ganzoo.data.split import validation_hparams
from ganzoo.discovery.registry import Plugin, datasets, models, trainers
from ganzoo.errors import GanzooError, HparamError, UsageError
from ganzoo.hparams.hparams import Hparams
from ganzoo.model.construct import construct, initialised
from ganzoo.model.contract import Model
from ganzoo.state.checkpoints import newest_checkpoint
from ganzoo.training.trainer import Trainer, trainer_class
from ganzoo.training.transfer import adapt
from ganzoo.zoo import model_class

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The words of the command. None is what was not said."""

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
    """The command itself, to be shown to whoever stopped it."""

    @property
    def plugin(self) -> Plugin:
        return models[self.model]

    @property
    def folder(self) -> Path:
        """Where the run lives."""
        return self.out or Path("runs", self.plugin.name)

    def make_trainer(self) -> Trainer:
        """A trainer at step 0. Raises a GanzooError for whatever was asked for and cannot be had."""
        plugin = self.plugin
        kind = model_class(plugin)
        hp = self.hyperparameters(kind)
        data = self.data or kind.default_data
        if not data:
            raise UsageError(
                f"{plugin.name} has no data of its own: give --data SOURCE ({', '.join(datasets)})"
            )
        trainer = trainer_class(trainers[self.trainer or kind.default_trainer])
        prepare = partial(
            open_data, view=kind.view, workers=self.workers, cache=self.cache, strict=self.strict
        )
        opened = prepare(data, hp)
        hp = hp.for_data(opened.info)
        held_out = (
            None if self.validation is None else prepare(self.validation, validation_hparams(hp))
        )
        if newest_checkpoint(self.folder):
            model = construct(
                kind, hp, plugin=plugin
            )  # its weights come from there: no others are read or downloaded
        else:
            model = initialised(
                kind, hp, plugin=plugin, origin=str(self.origin) if self.origin else None
            )
        if self.origin:
            for line in adapt(model, self.origin, partial=self.partial).lines(str(self.origin)):
                logger.info(line)
        elif self.partial:
            raise UsageError("--partial says how much of --from is taken: give --from RUN too")
        return trainer(
            model,
            opened,
            validation=held_out,
            device=self.device,
            precision=self.precision,
            compile=self.compile,
        )

    def hyperparameters(self, kind: type[Model]) -> Hparams:
        """The model's defaults, then those of the --config file, then those of --set."""
        values = self._from_file(kind.Hparams) if self.config else {}
        values |= dict(kind.Hparams.parse(assignment) for assignment in self.assignments)
        return kind.Hparams().replaced(values)

    def _from_file(self, kind: type[Hparams]) -> dict[str, Any]:
        assert self.config
        try:
            values = tomllib.loads(self.config.read_text(encoding="utf-8"))
            kind().replaced(values)  # so that an error names the file
        except (OSError, ValueError) as cause:
            reason = getattr(cause, "strerror", None) or cause
            raise HparamError(f"{self.config}: {reason}") from None
        except GanzooError as cause:
            raise HparamError(f"{self.config}: {cause}") from None
        return values
