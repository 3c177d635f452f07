"""Cases: a registered model, trainer or source, with small settings and data for its checks."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Never

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from ganzoo.data.attributes import Attributes
from ganzoo.data.source import source_class
from ganzoo.data.views import Conditioned, Domains, Labelled, Pair
from ganzoo.discovery.registry import Plugin, models, trainers
from ganzoo.errors import DataError, HparamError
from ganzoo.hparams.hparams import DataInfo, Hparams
from ganzoo.hparams.size import Size, sides, size_of
from ganzoo.model.augmentation import Augmentation, augmentation_class
from ganzoo.model.construct import initialised
from ganzoo.model.contract import Model
from ganzoo.testing.recording import (
    Recording,
    changed_since,
    global_state,
    recorded,
    restore_torch_settings,
    torch_settings,
    unsaved_state,
)
from ganzoo.training.trainer import Trainer, trainer_class
from ganzoo.zoo import model_class

IMAGES = 24
CLASSES = ("ash", "elm", "oak")
ATTRIBUTES = [
    {"tree": CLASSES[i % 3], "bare": ("yes", "no")[i % 2], "age": str(i), "text": f"tree {i}"}
    for i in range(IMAGES)
]


class Broken(AssertionError):  # noqa: N818  (reads as what it is)
    """A promise that is not kept: the message says which, and what to do."""


class ContractNote(UserWarning):
    """What may be a mistake or a choice: pytest shows it in its summary, and no test fails."""


def note(case: Any, problem: str, remedy: str) -> None:
    """Tells the author of something that is allowed, and seldom meant."""
    warnings.warn(f"{case.display_name}: {problem}: {remedy}", ContractNote, stacklevel=2)


def broken(problem: str, remedy: str) -> Never:
    """Fails the test with this message alone: what is wrong, and what to do."""
    raise Broken(f"{problem}: {remedy}")


def plain_use(model: Model, images: Tensor) -> Tensor | None:
    """Translations of the images, their classes, or samples: whatever the model is for."""
    if model.directions:
        return model.translate(images[:, : model.in_channels])
    if model.classifies:
        return model.classify(images)
    if model.task == "unconditional-image-generation":
        return model.sample(3, seed=1)
    return None


@dataclass
class Finished:
    """The end of a training: all tensors, averages in place, and the state outside of them."""

    weights: dict[str, Tensor]
    unsaved: dict[str, object]


def finished(trainer: Trainer) -> Finished:
    """Trains to the end."""
    for _ in trainer:
        pass
    with trainer.averaged_model() as model:
        weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    return Finished(weights, unsaved_state(trainer))


@dataclass
class ModelCase:
    """A registered model, small; or a trainer, on a small model."""

    plugin: Plugin
    settings: Mapping[str, Any] = field(default_factory=dict)
    trainer_name: str | None = None
    changed_by_import: str | None = None
    """The global setting or random state that importing the module changed."""

    @property
    def display_name(self) -> str:
        return self.trainer_name or self.plugin.name

    @cached_property
    def kind(self) -> type[Model]:
        before = global_state()
        kind = model_class(self.plugin)
        self.changed_by_import = changed_since(before)
        return kind

    @cached_property
    def hp(self) -> Hparams:
        """Hyperparameters; 16x16 pixels, three channels and three classes unless they are set.

        They stay None if the model can be made without them.
        """
        classes = CLASSES if self.kind.view is Labelled else ()
        attributes = Attributes.of(ATTRIBUTES) if self.kind.view is Conditioned else None
        info = DataInfo(size=16, channels=3, classes=classes, attributes=attributes)
        try:
            hp = self.kind.Hparams().replaced({"batch_size": 4, "steps": 4, **self.settings})
            filled = hp.for_data(info)
            if hp != filled and not hp.unfilled():
                with suppress(HparamError):
                    initialised(self.kind, hp)
                    return hp
            return filled
        except HparamError as error:
            broken(str(error), self.settings_hint({"image_size": 32}))

    def settings_hint(self, settings: Mapping[str, Any]) -> str:
        """Tells the author how to set hyperparameters for the tests."""
        return f"for its tests, pass contract(..., {{{self.plugin.name!r}: {dict(settings)}}})"

    def model(self, **changes: Any) -> Model:
        """A model with its first weights."""
        model = initialised(self.kind, self.hp.replaced(changes), plugin=self.plugin)
        if self.kind.view is Conditioned:
            model.attributes = Attributes.of(ATTRIBUTES)
        return model

    @property
    def draws_images(self) -> bool:
        return self.kind.task == "unconditional-image-generation"

    @cached_property
    def shape(self) -> tuple[int, Size]:
        """Channels and size: those of the hyperparameters, or of the images that it draws."""
        channels, size = self.hp.channels, self.hp.image_size
        if not (channels and size) and self.draws_images:
            with suppress(Exception):  # makes_what_its_task_says reports it
                images = self.model().sample(1)
                channels = channels or images.shape[1]
                size = size or size_of(*images.shape[2:])
        return channels or 3, size or 16

    def images(self, n: int, size: Size | None = None, seed: int = 0) -> Tensor:
        """Random images in [-1, 1] of the model's size and channels."""
        channels, own_size = self.shape
        height, width = sides(size or own_size)
        draws = torch.Generator().manual_seed(seed)
        return torch.rand(n, channels, height, width, generator=draws) * 2 - 1

    def inputs(self, n: int) -> Tensor:
        """Images with the channels that a translator takes."""
        return self.images(n)[:, : self.kind.in_channels]

    @cached_property
    def data(self) -> object:
        """24 images in the model's view."""
        parts = []
        for seed in (0, 1):
            size = self.hp.stored_size(self.shape[1])
            images = self.images(IMAGES, size, seed)
            parts.append(((images + 1) * 127.5).to(torch.uint8))
        if self.kind.view in (Domains, Pair):
            return tuple(parts)
        if self.kind.view is Labelled:
            labels = torch.arange(IMAGES) % (self.hp.classes or len(CLASSES))
            return TensorDataset(parts[0], labels)
        if self.kind.view is Conditioned:
            return parts[0], ATTRIBUTES
        return parts[0]

    def trainer(
        self, model: Model | None = None, kind: type[Trainer] | None = None, precision: str = "fp32"
    ) -> Trainer:
        """A trainer on the CPU: of the case's kind, with a new model, unless they are passed."""
        kind = kind or self.trainer_kind
        return kind(model or self.model(), self.data, device="cpu", precision=precision)

    @cached_property
    def trainer_kind(self) -> type[Trainer]:
        """The trainer that is checked, or the model's default."""
        return trainer_class(trainers[self.trainer_name or self.kind.default_trainer])

    @cached_property
    def recorded(self) -> Recording:
        """A watched training; a model's is by the trainer that lets its players alternate."""
        return recorded(self.trainer(kind=self.trainer_kind if self.trainer_name else Trainer))

    @cached_property
    def finished(self) -> Finished:
        """A training in one go."""
        return finished(self.trainer())

    def trained_model(self) -> Model:
        """A model with the weights of that training."""
        model = self.model()
        model.load_state_dict(self.finished.weights)
        return model


@dataclass
class SourceCase:
    """A registered data source."""

    plugin: Plugin
    argument: str = ""

    @property
    def display_name(self) -> str:
        return self.plugin.name

    @cached_property
    def source(self) -> Any:
        return self.opened()

    def opened(self) -> Any:
        try:
            return source_class(self.plugin)(self.argument)
        except DataError as error:
            name = self.plugin.name
            broken(
                str(error),
                "for its tests, pass what stands after the colon, "
                f"contract(..., {{{name!r}: '...'}}), or contract(..., without=[{name!r}])",
            )

    @cached_property
    def in_another_process(self) -> Any:
        """Its contents as a process reads them in which sets have another order."""
        name = f"{self.plugin.distribution}/{self.plugin.name}"
        command = [sys.executable, "-m", "ganzoo.testing.source_contents", name, self.argument]
        env = own_environment() | {"PYTHONHASHSEED": "77"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        lines = (done.stdout if done.returncode == 0 else done.stderr).splitlines()
        if done.returncode:
            broken("it cannot be read in another process", lines[-1])
        return json.loads(lines[-1])


@dataclass
class CommandCase:
    """A registered command."""

    plugin: Plugin

    @property
    def display_name(self) -> str:
        return self.plugin.name


@dataclass
class AugmentationCase:
    """A registered augmentation, and a small model whose discriminator sees through it."""

    plugin: Plugin
    model: ModelCase
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def display_name(self) -> str:
        return self.plugin.name

    def augmentation(self) -> Augmentation:
        kind = augmentation_class(self.plugin)
        return kind(kind.Hparams().replaced(self.settings))

    def strong(self) -> Augmentation:
        """One that has seen logits of a discriminator that is sure."""
        augmentation = self.augmentation()
        for _ in range(200):
            augmentation.observe(torch.full((8,), 5.0))
        return augmentation

    def images(self, n: int, channels: int = 3, height: int = 16, width: int = 16) -> Tensor:
        draws = torch.Generator().manual_seed(0)
        return torch.rand(n, channels, height, width, generator=draws) * 2 - 1

    @property
    def data(self) -> object:
        return self.model.data

    def trainer(self) -> Trainer:
        name = f"{self.plugin.distribution}/{self.plugin.name}"
        own = {f"augment.{key}": value for key, value in self.settings.items()}
        return self.model.trainer(self.model.model(augment=name, **own))

    def buffers(self, trainer: Trainer) -> dict[str, Tensor]:
        augmentation = trainer.model.augmentation
        return dict(augmentation.named_buffers()) if augmentation is not None else {}


Case = ModelCase | SourceCase | AugmentationCase | CommandCase


def case_of(plugin: Plugin, small: Mapping[str, Any], trained: str) -> Case:
    """The case of a plugin; `small` has settings by name, `trained` is the model for trainers."""
    if plugin.kind == "augmentation":
        settings = small.get(trained, {"image_size": 16, "width": 4})
        return AugmentationCase(
            plugin, ModelCase(models[trained], settings), small.get(plugin.name, {})
        )
    if plugin.kind == "command":
        return CommandCase(plugin)
    if plugin.kind == "data source":
        return SourceCase(plugin, small.get(plugin.name, ""))
    if plugin.kind == "trainer":
        settings = small.get(trained, {"image_size": 8, "width": 4})
        return ModelCase(models[trained], settings, trainer_name=plugin.name)
    return ModelCase(plugin, small.get(plugin.name, {}))


def own_environment() -> dict[str, str]:
    """The environment of another process that finds the same packages."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def run_check(check: Callable[..., None], case: Case) -> None:
    """Runs a check, then restores torch's settings, so that no other check fails for them."""
    __tracebackhide__ = True
    settings = torch_settings()
    try:
        check(case)
    finally:
        restore_torch_settings(settings)
