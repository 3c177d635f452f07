"""Model: the contract a plugin implements. It declares hyperparameters, networks and losses."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganzoo import hparams
from ganzoo.device import generator, seeded
from ganzoo.errors import HparamError, PluginError, Unsupported, UsageError
from ganzoo.modes import evaluating
from ganzoo.registry import Plugin

Move = tuple[nn.Module, Tensor | Mapping[str, Tensor]]
"""Who moves next, and what they minimise: a scalar, or named terms whose sum it is."""


class Model(nn.Module):
    """A generative model and how it is trained.

    A plugin subclasses it with `task`, `Hparams`, `__init__(hp)` that makes the networks, and `losses(batch)`.
    Everything else has a default. It is an ordinary `nn.Module`.
    """

    task: ClassVar[str]
    """A pipeline tag of the Hub: `unconditional-image-generation`, `image-to-image`, `image-classification`, ..."""
    view: ClassVar[Any] = Tensor
    """What a batch is: `Tensor` (images, `(n, channels, height, width)` in [-1, 1]) or `ganzoo.Labelled`."""
    batches_per_step: ClassVar[int] = 1
    """How many batches a step consumes; above 1, `losses` gets a tuple of them."""
    default_trainer: ClassVar[str] = "alternating"
    default_data: ClassVar[str | None] = None
    """The SOURCE that `ganzoo train` takes when `--data` is not given."""
    Hparams: ClassVar[type[hparams.Hparams]] = hparams.Hparams

    hp: hparams.Hparams

    def __init__(self, hp: hparams.Hparams) -> None:
        super().__init__()
        if missing := hp.unfilled():
            raise HparamError(f"{missing[0]} is filled from the data: train with data, or give {missing[0]}=...")
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
        raise PluginError(f"{type(self).__name__} has no losses(batch): yield (player, loss) for each move")

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

    def _draw(self) -> torch.Generator:
        if self._draws is None:
            self._draws = generator("draws", self.hp.seed, self.step, device=self.device)
        return self._draws

    @property
    def device(self) -> torch.device:
        return next((tensor.device for tensor in self.parameters()), torch.device("cpu"))

    # How it is trained

    def initialise(self) -> None:
        """Draws the first weights; not called when weights are loaded. PyTorch's own unless overridden."""

    def optimizers(self) -> dict[nn.Module, Optimizer]:
        """Player -> its optimizer. One Adam for each child that has parameters to train."""
        players = [(child, [p for p in child.parameters() if p.requires_grad]) for child in self.children()]
        return {child: Adam(params, self.hp.lr, self.hp.betas) for child, params in players if params}

    def lr_scale(self, progress: float, /) -> float:
        """What the learning rates are multiplied by: a pure function of progress in [0, 1]."""
        return 1.0

    def phase(self, step: int, /) -> Hashable:
        """When this changes, `optimizers()` is called again; parameters that stay keep their optimizer's state."""
        return None

    def averaged(self) -> list[nn.Module]:
        """The players that are published as an exponential moving average with decay `hp.ema`."""
        return []

    # What it is used for

    def latents(self, n: int, seed: int) -> Tensor:
        """Noise for n images, on the CPU: row i depends on (seed, i) alone. `ganzoo.noise` does that."""
        raise Unsupported(f"{self.called} draws no images: it has no latents(n, seed)")

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents -> images in [-1, 1], `(n, channels, height, width)`: a pure function."""
        raise Unsupported(f"{self.called} draws no images: it has no generate(latents)")

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """The network's plain use: `generate`, or for a translator `translated` in its first direction."""
        if self.directions:
            return self.translated(latents, self.directions[0])
        return self.generate(latents, labels)

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0, labels: Tensor | None = None) -> Tensor:
        """n images in [-1, 1], `(n, channels, height, width)` on the model's device; in eval mode, in batches of 64.

        A conditional model takes labels `(n,)`, the numbers of classes; without them it draws each class in turn.
        """
        latents = self.latents(n, seed)
        classes = getattr(self.hp, "classes", None)
        if labels is None and classes:
            labels = torch.arange(n) % classes  # each in turn
        if labels is not None:
            labels = self._checked(labels, n, classes).to(self.device)
        with evaluating(self):
            parts = [
                self.generate(latents[i : i + 64].to(self.device), None if labels is None else labels[i : i + 64])
                for i in range(0, max(n, 1), 64)
            ]
        return torch.cat(parts)

    def _checked(self, labels: Tensor, n: int, classes: int | None) -> Tensor:
        if not classes:
            raise UsageError(f"{self.called} draws what it likes: it takes no labels")
        if labels.shape != (n,) or (n and not 0 <= int(labels.min()) <= int(labels.max()) < classes):
            raise UsageError(f"labels are one number from 0 to {classes - 1} for each of the {n} images")
        return labels

    directions: tuple[str, ...] = ()
    """What a translator can do: `("a2b", "b2a")`."""

    def translated(self, images: Tensor, direction: str, /) -> Tensor:
        """Images `(n, channels, height, width)` of one domain -> those of the other, of the same size: a pure function.

        A translator implements it; the direction is one of `directions`.
        """
        raise Unsupported(f"{self.called} translates no images: it has no translated(images, direction)")

    @torch.no_grad()
    def translate(self, images: Tensor, direction: str | None = None) -> Tensor:
        """Images `(n, channels, height, width)` in [-1, 1], of any size -> the same, translated; in eval mode.

        The direction is the first that the model has unless said. Raises UsageError for another, Unsupported for a
        model that translates nothing.
        """
        direction = self.checked_direction(direction)
        channels = getattr(self.hp, "channels", None)
        if images.ndim != 4 or (channels and images.shape[1] != channels):
            raise UsageError(f"{self.called} translates (n, {channels}, height, width), not {tuple(images.shape)}")
        if not images.is_floating_point() or 0 in images.shape[2:]:
            raise UsageError(f"{self.called} translates floats in [-1, 1], not {images.dtype} of {tuple(images.shape)}")
        images = images.float()
        with evaluating(self):
            parts = [
                self.translated(images[i : i + 16].to(self.device), direction)
                for i in range(0, max(len(images), 1), 16)
            ]
        return torch.cat(parts)

    def checked_direction(self, direction: str | None) -> str:
        """The direction, or the first that there is. Raises UsageError or, for a model that has none, Unsupported."""
        if not self.directions:
            raise Unsupported(f"{self.called} translates no images; it is for {self.task}")
        if direction not in (None, *self.directions):
            raise UsageError(f"{self.called} has no direction {direction!r}; there is {', '.join(self.directions)}")
        return direction or self.directions[0]

    @classmethod
    def from_others(cls, files: Mapping[str, Mapping[str, Tensor]], /) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Weights of another project, `{file name: {tensor name: tensor}}` -> hyperparameters, tensors by our names.

        A tensor that has no place here keeps its name, and is reported. Raises DataError for what is not understood.
        """
        raise Unsupported(f"{cls.__name__} reads no weights of other projects")

    def preview(self, batch: Any, /) -> Tensor:
        """What samples.png shows while training: 64 images from fixed noise, or something made of a fixed batch."""
        return self.sample(64)

    @property
    def called(self) -> str:
        """What to call it in a message."""
        return self.plugin.name if self.plugin else type(self).__name__


def make(kind: type[Model], hp: hparams.Hparams, *, plugin: Plugin | None = None) -> Model:
    """A model with its first weights, drawn from hp.seed; torch's own random state stays as it was."""
    with seeded("weights", hp.seed, device=torch.device("cpu")):
        model = kind(hp)
        model.initialise()
    model.plugin = plugin
    return model
