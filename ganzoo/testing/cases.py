"""What is tried: a registered thing, with settings in which a training takes a moment, and data for it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ganzoo.data.views import Domains, Labelled, Pair
from ganzoo.discovery.registry import Plugin, models, trainers
from ganzoo.errors import HparamError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.model.construct import initialised
from ganzoo.model.contract import Model
from ganzoo.testing.aside import unsaved_state
from ganzoo.testing.broken import broken
from ganzoo.testing.compared import changed_since, restore_torch_settings, settings_of_torch
from ganzoo.testing.recording import Recording, recorded
from ganzoo.testing.source_case import SourceCase
from ganzoo.training.trainer import Trainer, trainer_class
from ganzoo.zoo import model_class

IMAGES = 24
CLASSES = ("ash", "elm", "oak")


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images with labels, each class in turn."""

    def __init__(self, images: Tensor, classes: int) -> None:
        self.images, self.targets = images, [i % classes for i in range(len(images))]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index], self.targets[index]


@dataclass
class Finished:
    """What a training leaves: every tensor, averages in place, and what is kept beside them."""

    weights: dict[str, Tensor]
    aside: dict[str, object]


@dataclass
class ModelCase:
    """A registered model, small."""

    plugin: Plugin
    settings: Mapping[str, Any] = field(default_factory=dict)
    trainer_name: str | None = None
    changed_by_import: str | None = None
    """What of torch is otherwise since the module was imported, where that was done here."""

    @property
    def display_name(self) -> str:
        """What is tried."""
        return self.trainer_name or self.plugin.name

    @cached_property
    def kind(self) -> type[Model]:
        settings, state = settings_of_torch(), torch.get_rng_state()
        kind = model_class(self.plugin)
        seeded = not torch.equal(state, torch.get_rng_state())
        self.changed_by_import = changed_since(settings) or (
            "torch's random state" if seeded else None
        )
        return kind

    @cached_property
    def hp(self) -> Hparams:
        """Hyperparameters; what they leave open is 16x16 pixels, three channels, three classes.

        They stay open if the model can be made without them.
        """
        defaults = self.kind.Hparams()
        labelled = self.kind.view is Labelled
        info = DataInfo(size=16, channels=3, classes=CLASSES if labelled else ())
        try:
            hp = defaults.replaced({"batch_size": 4, "steps": 4, **self.settings})
            is_open = not (hp.image_size and hp.channels) or (labelled and not hp.classes)
            if is_open and not hp.unfilled():
                with suppress(HparamError):
                    initialised(self.kind, hp)
                    return hp
            return hp.for_data(info)
        except HparamError as error:
            broken(f"{error}; for its tests, {self.asked({'image_size': 32})}")

    def asked(self, settings: Mapping[str, Any]) -> str:
        """How its author gives settings for the tests."""
        return f"give settings, contract(..., {{{self.plugin.name!r}: {dict(settings)}}})"

    def model(self, **changes: Any) -> Model:
        """A model with its first weights."""
        return initialised(self.kind, self.hp.replaced(changes), plugin=self.plugin)

    def images(self, n: int, size: int | None = None, seed: int = 0) -> Tensor:
        """Random images in [-1, 1] of the model's size and channels."""
        channels, own = self.shape
        size, draws = size or own, torch.Generator().manual_seed(seed)
        return torch.rand(n, channels, size, size, generator=draws) * 2 - 1

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Channels and size: of the hyperparameters or, where these leave them out, of what the model draws."""
        channels, size = (getattr(self.hp, name, None) for name in ("channels", "image_size"))
        if not (channels and size) and self.kind.task == "unconditional-image-generation":
            with suppress(Exception):  # makes_what_its_task_says tells
                drawn = self.model().sample(1)
                channels, size = channels or drawn.shape[1], size or drawn.shape[2]
        return channels or 3, size or 16

    @cached_property
    def data(self) -> object:
        """24 images in the view that the model asks for."""
        drawn = [self.images(IMAGES, self.hp.load_size, seed) for seed in (0, 1)]
        first, second = (((images + 1) * 127.5).to(torch.uint8) for images in drawn)
        if self.kind.view is Labelled:
            return Pictures(first, getattr(self.hp, "classes", None) or len(CLASSES))
        return (first, second) if self.kind.view in (Domains, Pair) else first

    def trainer(
        self, model: Model | None = None, kind: type[Trainer] | None = None, precision: str = "fp32"
    ) -> Trainer:
        """A trainer of the model's default kind, on the CPU."""
        chosen = kind or self.trainer_kind
        return chosen(model or self.model(), self.data, device="cpu", precision=precision)

    @cached_property
    def trainer_kind(self) -> type[Trainer]:
        """The trainer that is tried, or the model's own."""
        return trainer_class(trainers[self.trainer_name or self.kind.default_trainer])

    @cached_property
    def recorded(self) -> Recording:
        """A training that was watched move by move; of a model, with the trainer that lets players alternate."""
        return recorded(self.trainer(kind=self.trainer_kind if self.trainer_name else Trainer))

    @cached_property
    def finished(self) -> Finished:
        """A training in one go."""
        return finished(self.trainer())

    def trained(self) -> Model:
        """A model with the weights of that training."""
        model = self.model()
        model.load_state_dict(self.finished.weights)
        return model


def run_check(check: Callable[..., None], case: ModelCase | SourceCase, folder: Path) -> None:
    """Runs a check; what a plugin sets of torch for everybody is put back, so that no other check fails for it."""
    __tracebackhide__ = True
    settings = settings_of_torch()
    try:
        check(case, folder)
    finally:
        restore_torch_settings(settings)


def finished(trainer: Trainer) -> Finished:
    """Drives the training to its end."""
    for _ in trainer:
        pass
    with trainer.averaged_model() as model:
        weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    return Finished(weights, unsaved_state(trainer))


def case_of(plugin: Plugin, small: Mapping[str, Any], trained: str) -> ModelCase | SourceCase:
    """The case of one registered thing."""
    if plugin.kind == "data source":
        return SourceCase(plugin, small.get(plugin.name, ""))
    if plugin.kind == "trainer":
        return ModelCase(
            models[trained],
            small.get(trained, {"image_size": 8, "width": 4}),
            trainer_name=plugin.name,
        )
    return ModelCase(plugin, small.get(plugin.name, {}))


def checks_of(kind: str) -> list[Callable[..., None]]:
    """What is checked of a model, a trainer or a data source."""
    from ganzoo.testing import model_checks, source_checks, trainer_checks

    checks: dict[str, list[Callable[..., None]]] = {
        "model": [*model_checks.CHECKS],
        "trainer": [*trainer_checks.CHECKS],
        "data source": [*source_checks.CHECKS],
    }
    return checks[kind]
