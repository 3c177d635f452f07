"""Model: the contract a plugin implements. It declares hyperparameters, networks and losses."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganzoo import augment
from ganzoo.discovery.registry import Plugin
from ganzoo.errors import PluginError, Unsupported
from ganzoo.hparams import hparams
from ganzoo.hparams.augmentation import AugmentHparams
from ganzoo.model.inference import Inference
from ganzoo.seeds import rng

Move = tuple[nn.Module, Tensor | Mapping[str, Tensor]]
"""Who moves next, and what they minimise: a scalar, or named terms whose sum it is."""


class Model(Inference):
    """A generative model and how it is trained.

    A plugin subclasses it with `task`, `Hparams`, `__init__(hp)` that makes the networks, and `losses(batch)`.
    Everything else has a default. It is an ordinary `nn.Module`.
    """

    view: ClassVar[Any] = Tensor
    """What a batch is: `Tensor` (images, `(n, channels, height, width)` in [-1, 1]) or `ganzoo.Labelled`."""
    batches_per_step: int = 1
    """How many batches a step consumes; above 1, `losses` gets a tuple of them."""
    default_trainer: ClassVar[str] = "alternating"
    default_data: ClassVar[str | None] = None
    """The SOURCE that `ganzoo train` takes when `--data` is not given."""
    Hparams: ClassVar[type[hparams.Hparams]] = hparams.Hparams

    hp: hparams.Hparams

    def __init__(self, hp: hparams.Hparams) -> None:
        super().__init__()
        for name in hp.unfilled():
            raise hparams.unfilled_error(name)
        self.hp = hp
        self.plugin: Plugin | None = None  # the entry point that it was created from
        self.classes: tuple[str, ...] = ()  # the names of the labels, where the data has them
        self.origin: str | None = None  # the trained weights that it was adapted from
        self.progress_was_read = False
        self.begin(0)

    def losses(self, batch: Any, /) -> Iterator[Move]:
        """One step: yields each player when it moves, with the loss that it minimises.

        Code after a `yield` sees the updated network. Only a trainer drives it, to its end.
        """
        raise PluginError(
            f"{type(self).__name__} has no losses(batch): yield (player, loss) for each move"
        )

    # Where training stands, and what is drawn in a step

    def begin(self, step: int) -> None:
        """Sets `self.step` and starts its random draws anew. A trainer calls it before `losses`."""
        self.step = step
        self._draws: torch.Generator | None = None

    @property
    def progress(self) -> float:
        """How much of the training is done, in [0, 1]. A model that reads it cannot be trained for more steps later."""
        self.progress_was_read = True
        return self.step / self.hp.steps

    def randn(self, *shape: int) -> Tensor:
        """Standard normal draws on the model's device: a function of (seed, step) and of what the step drew before."""
        return torch.randn(shape, generator=self._draw(), device=self.device)

    def rand(self, *shape: int) -> Tensor:
        """Like `randn`, uniform in [0, 1)."""
        return torch.rand(shape, generator=self._draw(), device=self.device)

    def augmented(self, images: Tensor, *, sides: int = 1) -> Tensor:
        """Images `(n, channels, height, width)` as discriminators see them, by the hyperparameters.

        Unchanged unless the model's Hparams are those of `ganzoo.augment`. The batch may hold
        several `sides` of each picture, one after the other (a source, then its target): they are
        altered alike.
        """
        if not isinstance(self.hp, AugmentHparams):
            return images

        def draws(n: int, each: int) -> Tensor:
            alike = self.rand(n // sides, each)
            return alike.repeat(sides, 1) if sides > 1 else alike

        return augment.augmented(images, self.hp, draws)

    def _draw(self) -> torch.Generator:
        if self._draws is None:
            self._draws = rng("draws", self.hp.seed, self.step, device=self.device)
        return self._draws

    # How it is trained

    def initialise(self) -> None:
        """Draws the first weights; not called when weights are loaded. PyTorch's own unless overridden."""

    def optimizers(self) -> dict[nn.Module, Optimizer]:
        """Player -> its optimizer. One Adam for each child that has parameters to train."""
        players = [
            (child, [p for p in child.parameters() if p.requires_grad]) for child in self.children()
        ]
        return {
            child: Adam(params, self.hp.lr, self.hp.betas) for child, params in players if params
        }

    def lr_scale(self, progress: float, /) -> float:
        """What the learning rates are multiplied by: a pure function of progress in [0, 1]."""
        return 1.0

    def phase(self, step: int, /) -> Hashable:
        """When this changes, `optimizers()` is called again; parameters that stay keep their optimizer's state."""
        return None

    def averaged(self) -> list[nn.Module]:
        """The players that are published as an exponential moving average with decay `hp.ema`."""
        return []

    @classmethod
    def from_others(
        cls, files: Mapping[str, Mapping[str, Tensor]], /
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Weights of another project, `{file name: {tensor name: tensor}}` -> hyperparameters, tensors by our names.

        A tensor that has no place here keeps its name, and is reported. Raises DataError for what is not understood.
        """
        raise Unsupported(f"{cls.__name__} reads no weights of other projects")

    def compiled(self) -> list[nn.Module]:
        """The networks that may be compiled, where that is asked for: all, unless overridden.

        torch.compile has no second derivatives: leave out what a gradient penalty is taken of.
        """
        children = [(child, list(child.children())) for child in self.children()]
        return [
            network
            for child, inside in children
            for network in (inside if isinstance(child, nn.ModuleDict | nn.ModuleList) else [child])
        ]

    def preview(self, batch: Any, /) -> Tensor:
        """What samples.png shows while training: 64 images from fixed noise, or something made of a fixed batch."""
        return self.sample(64)

    @property
    def defaults(self) -> dict[str, Any]:
        """The default hyperparameters, as JSON has them."""
        return type(self).Hparams().to_json()

    @property
    def display_name(self) -> str:
        """What to call it in a message."""
        return self.plugin.name if self.plugin else type(self).__name__
