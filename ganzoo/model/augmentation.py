"""Augmentation: the contract of a plugin that changes the images that discriminators see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.discovery.registry import Plugin, augmentations
from ganzoo.errors import HparamError, PluginError, StateError, UnknownName
from ganzoo.hparams.augmentation import DIFFAUGMENT, NONE, AugmentHparams
from ganzoo.hparams.hparams import Hparams
from ganzoo.hparams.settings import Settings


@dataclass(frozen=True)
class Draws:
    """Random numbers of a step on the images' device: `draws.rand(n, 2)`, uniform in [0, 1).

    `randn` is standard normal. The first dimension is the batch. Several sides of a picture (a
    source and its target) get equal rows.
    """

    rand: Callable[..., Tensor]
    randn: Callable[..., Tensor]


class Augmentation(nn.Module):
    """Changes the images that discriminators see. A package registers it by name.

    It is made in a training and is never published. Its state is in buffers, which are saved with
    the training; it has no parameters. `self.hp` are its own hyperparameters, `augment.NAME` in a
    command.
    """

    Hparams: ClassVar[type[Settings]] = Settings

    def __init__(self, hp: Any) -> None:
        super().__init__()
        self.hp = hp

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        """Images `(n, channels, height, width)` in [-1, 1] -> the same shape, differentiable.

        The same draws must give the same changes; what is random comes from `draws`.
        """
        raise PluginError(f"{type(self).__name__} has no forward(images, draws)")

    def observe(self, logits: Tensor) -> None:
        """Sees the discriminator's logits of real images, without gradients: to change buffers."""


def augmentation_class(plugin: Plugin) -> type[Augmentation]:
    """The class of an entry point in `ganzoo.augmentations`. Raises PluginError for another."""
    kind = plugin.load()
    if isinstance(kind, type) and issubclass(kind, Augmentation):
        return kind
    raise PluginError(f"augmentation {plugin.name!r}: {kind!r} is no ganzoo.Augmentation")


def augmentation_of(hp: Hparams) -> Augmentation | None:
    """The augmentation that a model's hyperparameters name; None for DiffAugment and for none.

    Raises UnknownName or PluginError if there is none, HparamError for its own hyperparameters.
    """
    if not isinstance(hp, AugmentHparams) or hp.augment in (NONE, DIFFAUGMENT):
        return None
    name = hp.augment
    try:
        plugin = augmentations[name]
    except UnknownName as cause:
        raise UnknownName(
            f"{cause}: choose {DIFFAUGMENT}, {NONE}, or install the package that has {name!r}"
        ) from None
    kind = augmentation_class(plugin)
    augmentation = kind(_own_hparams(kind, hp))
    if next(augmentation.parameters(), None) is not None:
        raise PluginError(f"augmentation {name!r} has parameters: keep its state in buffers")
    return augmentation


def _own_hparams(kind: type[Augmentation], hp: AugmentHparams) -> Settings:
    values: dict[str, Any] = {}
    try:
        for key, value in hp.augment_settings.items():
            if isinstance(value, str):
                key, value = kind.Hparams.parse(f"{key}={value}")
            values[key] = value
        return kind.Hparams().replaced(values)
    except UnknownName as cause:
        problem = cause if kind.Hparams.annotations() else "it has no hyperparameters"
        raise UnknownName(f"augment={hp.augment}: {problem}") from None
    except HparamError as cause:
        raise HparamError(f"augment={hp.augment}: {cause}") from None


def restore_buffers(augmentation: Augmentation, tensors: dict[str, Tensor]) -> None:
    """Puts saved buffers back. Raises StateError for others than it has."""
    own = dict(augmentation.named_buffers())
    if own.keys() != tensors.keys():
        name = min(own.keys() ^ tensors.keys())
        raise StateError(f"the augmentation has other buffers than the checkpoint: {name}")
    with torch.no_grad():
        for name, buffer in own.items():
            path, _, last = name.rpartition(".")
            owner = augmentation.get_submodule(path)
            setattr(owner, last, tensors[name].to(buffer.device))
