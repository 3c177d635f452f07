"""Model: the contract a plugin implements. It declares hyperparameters, networks and losses."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo import augment
from ganzoo.data.attributes import Attributes
from ganzoo.errors import PluginError, Unsupported
from ganzoo.hparams import hparams
from ganzoo.hparams.augmentation import AugmentHparams
from ganzoo.hparams.settings import AUGMENT
from ganzoo.model.augmentation import Augmentation, augmentation_of
from ganzoo.model.augmentation import Draws as AugmentationDraws
from ganzoo.model.inference import Inference
from ganzoo.optim import adam
from ganzoo.seeds import Draws

ROLES = {
    "generator": "generator",
    "generators": "generator",
    "translator": "generator",
    "translators": "generator",
    "discriminator": "discriminator",
    "discriminators": "discriminator",
    "critic": "discriminator",
    "critics": "discriminator",
}
"""Usual names of players -> their roles."""
Move = tuple[nn.Module, Tensor | Mapping[str, Tensor]]
"""A player, and what it minimises: a scalar, or named terms whose sum it is."""


class Model(Inference):
    """A generative model and how it is trained.

    A plugin subclasses it with `task`, `Hparams`, `__init__(hp)` that makes the networks, and
    `losses(batch)`. Everything else has a default. It is an ordinary `nn.Module`.
    """

    batches_per_step: int = 1
    """The number of batches in a step; above 1, `losses` gets a tuple of them."""
    depends_on_steps: ClassVar[bool] = False
    """True if a schedule reads `self.progress`: such a run cannot be given more steps later."""
    default_trainer: ClassVar[str] = "alternating"
    default_data: ClassVar[str | None] = None
    """The SOURCE that `ganzoo train` takes without `--data`."""
    roles: ClassVar[Mapping[str, str]] = {}
    """Attribute of a player -> "generator" or "discriminator", where its name does not tell."""
    Hparams: ClassVar[type[hparams.Hparams]] = hparams.Hparams
    helpers: dict[str, nn.Module]
    """The networks of `load_helpers()`, in a training; empty outside of one."""

    def __init__(self, hp: hparams.Hparams) -> None:
        super().__init__()
        for name in hp.unfilled():
            raise hparams.unfilled_error(name)
        self.hp = hp
        self.plugin = None
        self.classes = ()
        self.attributes = Attributes({})
        # name and sha256 of the weights that it started from
        self.origin: str | None = None
        # whose weights initialise() read, for config.json
        self.first_weights: str | None = None
        self.helpers = {}
        # in lists, so that they are no children: neither published nor averaged
        self._augmentation: list[Augmentation] = []
        self._reports: dict[str, list[Tensor]] | None = None
        self._draws = Draws(hp.seed)
        self.begin(0)

    def losses(self, batch: Any, /) -> Iterator[Move]:
        """One step: yields each player when it moves, with the loss that it minimises.

        Code after a `yield` sees the updated network. Only a trainer drives it, to its end.
        """
        name = type(self).__name__
        raise PluginError(f"{name} has no losses(batch): yield (player, loss) for each move")

    # Inside a step: where training stands, random numbers, augmentation

    def begin(self, step: int) -> None:
        """Sets `self.step` and starts the random draws of that step."""
        self.step = step
        self._draws.begin(step)

    @property
    def progress(self) -> float:
        """The share of the training that is done, in [0, 1). If read, set `depends_on_steps`."""
        return self.step / self.hp.steps

    def randn(self, *shape: int, shared: bool = False) -> Tensor:
        """Standard normal draws on the model's device.

        They are a function of (seed, step) and of earlier draws in the step. The first dimension
        is the batch; `shared` numbers are those of all processes.
        """
        return self._draws.randn(*shape, device=self.device, shared=shared)

    def rand(self, *shape: int, shared: bool = False) -> Tensor:
        """Like `randn`, uniform in [0, 1)."""
        return self._draws.rand(*shape, device=self.device, shared=shared)

    def report(self, name: str, values: Tensor) -> None:
        """Shows the mean of a tensor beside the losses, averaged over the steps of an interval.

        For what is watched and not minimised: path lengths, signs of logits. Outside of a step it
        does nothing. The device is not waited for. Raises PluginError for anything but a tensor.
        """
        if not isinstance(values, Tensor):
            raise PluginError(
                f"{self.display_name}: report({name!r}, {values!r:.40}) needs a tensor"
            )
        if self._reports is not None:
            self._reports.setdefault(name, []).append(values.detach().float().mean())

    @contextmanager
    def collecting_reports(self) -> Iterator[dict[str, Tensor]]:
        """Inside, reports are kept; afterwards the result has the mean of each. For trainers."""
        self._reports = {}
        means: dict[str, Tensor] = {}
        try:
            yield means
            for name, values in self._reports.items():
                means[name] = torch.stack(values).mean()
        finally:
            self._reports = None

    def augmented(
        self,
        images: Tensor,
        *,
        sides: int = 1,
    ) -> Tensor:
        """Images `(n, channels, height, width)` as discriminators see them, by the hyperparameters.

        Unchanged unless the model's Hparams are those of `ganzoo.augment`. The batch may hold
        several `sides` of each picture, one after the other (a source, then its target): they are
        altered alike.
        """
        if not isinstance(self.hp, AugmentHparams):
            return images

        def rand(n: int, *each: int) -> Tensor:
            return self.rand(n // sides, *each).repeat(sides, *(1 for _ in each))

        def randn(n: int, *each: int) -> Tensor:
            return self.randn(n // sides, *each).repeat(sides, *(1 for _ in each))

        if self.augmentation is not None:
            augmented: Tensor = self.augmentation(images, AugmentationDraws(rand, randn))
            return augmented
        return augment.augmented(images, self.hp, rand)

    @property
    def augmentation(self) -> Augmentation | None:
        """The plugin that `hp.augment` names, in a training."""
        return self._augmentation[0] if self._augmentation else None

    def make_augmentation(self) -> None:
        """Makes the augmentation on the model's device. Raises a GanzooError if there is none.

        `self.hp` then has all of its hyperparameters: a run keeps them if a default changes.
        """
        augmentation = augmentation_of(self.hp)
        self._augmentation = [augmentation.to(self.device)] if augmentation else []
        if augmentation and isinstance(self.hp, AugmentHparams):
            self.hp = self.hp.with_augment_settings(augmentation.hp.to_json())

    def observe(self, logits: Tensor) -> None:
        """Shows the augmentation the logits of real images, which some adapt to."""
        if self.augmentation is not None:
            with torch.no_grad():
                self.augmentation.observe(logits.detach())

    # How it is trained

    def initialise(self) -> None:
        """Draws the first weights, unless weights are loaded. PyTorch's own by default.

        If it reads them instead, `self.first_weights` says whose they are: package, version, hash.
        """

    def load_helpers(self) -> Mapping[str, Any]:
        """Networks that the training uses and that are never trained or published, by name.

        A teacher, a classifier: each a network, a `ganzoo.Model` or a `ganzoo.Helper`. Only a
        training calls this, before its first step; `self.helpers` then has them, in eval mode and
        on the model's device. config.json records their sha256, and a run goes on with no others.
        """
        return {}

    def on_data(self, summary: Any, /) -> None:
        """Looks at a `ganzoo.DataSummary` of the training data before the first step.

        What it keeps is kept in buffers: a run that goes on has those of its checkpoint.
        """

    def before_publishing(self) -> None:
        """Changes the weights that are about to be used or saved, and those alone.

        The averages stand in for their players. The training goes on with the weights as they were
        before; random numbers follow from (seed, step). An example: BatchNorm statistics of an
        average.
        """

    def role_of(self, player: nn.Module) -> str | None:
        """`"generator"`, `"discriminator"`, or None: by `roles`, else by the name of the player."""
        for name, child in self.named_children():
            if child is player or any(part is player for part in child.modules()):
                return self.roles.get(name) or ROLES.get(name)
        return None

    def optimizers(self) -> dict[nn.Module, Optimizer]:
        """Player -> its optimizer. By default an Adam for each child with trained parameters."""
        players: dict[nn.Module, Optimizer] = {}
        for child in self.children():
            trained = [p for p in child.parameters() if p.requires_grad]
            if trained:
                players[child] = adam(trained, self.hp.lr, self.hp.betas)
        return players

    def phase(self, step: int, /) -> Hashable:
        """When it changes, `enter_phase` and `optimizers` are called again.

        A pure function of the step. Parameters that stay keep their optimizer's state.
        """
        return None

    def enter_phase(self, phase: Any, /) -> None:
        """Freezes or unfreezes parameters for a phase; called before its `optimizers()`."""

    def lr_scale(self, progress: float, /) -> float:
        """The factor of all learning rates: a pure function of progress in [0, 1].

        A subclass may take the player by its name, `lr_scale(self, progress, player=None)`.
        """
        return 1.0

    def betas(self, step: int, /) -> tuple[float, float] | None:
        """Adam's betas at a step, a pure function; None leaves those of `optimizers()`."""
        return None

    def averaged(self) -> list[nn.Module]:
        """The players that are published as an exponential moving average with decay `hp.ema`."""
        return []

    def ema_decay(self, step: int, /) -> float:
        """The decay of averages at a step, a pure function: `hp.ema`, less in the first steps."""
        return min(self.hp.ema, (1 + step) / (10 + step))

    def compiled(self) -> list[nn.Module]:
        """The networks that `--compile` may compile: all, by default.

        torch.compile has no second derivatives: leave out the network of a gradient penalty.
        """
        networks: list[nn.Module] = []
        for child in self.children():
            is_group = isinstance(child, nn.ModuleDict | nn.ModuleList)
            networks += child.children() if is_group else [child]
        return networks

    def preview(self, batch: Any, /) -> Tensor:
        """The images that a training shows: 64 samples of fixed noise, or a batch translated.

        A model that reads text draws the texts of the batch.
        """
        if not self.reads_text:
            return self.sample(64)
        latents = self.latents(len(batch.condition), 0).to(self.device, self.dtype)
        return self.generate(latents, batch.condition, **self.settings_of_use({}))

    @classmethod
    def convert_weights(
        cls, files: Mapping[str, Mapping[str, Tensor]], /
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Weights of another project, `{file: {tensor name: tensor}}` -> hyperparameters, tensors.

        The tensors have our names; one that has no place here keeps its name, and is reported.
        Raises DataError for files that are not understood.
        """
        raise Unsupported(f"{cls.__name__} reads no weights of other projects")

    @property
    def defaults(self) -> dict[str, Any]:
        """The default hyperparameters, as JSON has them, with those of the augmentation."""
        values = type(self).Hparams().to_json()
        if self.augmentation is not None:
            for name, value in self.augmentation.Hparams().to_json().items():
                values[f"{AUGMENT}{name}"] = value
        return values

    @property
    def companions(self) -> list[nn.Module]:
        """What a training needs beside the model, and nobody else: helpers and augmentation."""
        return [*self.helpers.values(), *self._augmentation]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Helpers and the augmentation move with the model."""
        for module in self.companions:
            module._apply(fn)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    @property
    def schedule_depends_on_steps(self) -> bool:
        """Whether another number of steps would have trained the model otherwise."""
        own_rates = type(self).lr_scale is not Model.lr_scale
        return self.depends_on_steps or own_rates
