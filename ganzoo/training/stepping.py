"""The loop over steps. One step: seed, batch, the model's moves, averages."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.data.open import open_data, source_text
from ganzoo.data.split import train_validation_split, validation_hparams
from ganzoo.device import Device
from ganzoo.errors import PluginError, StateError, Unsupported
from ganzoo.model.contract import Model, Move
from ganzoo.model.scores import Evaluation
from ganzoo.modes import evaluating
from ganzoo.seeds import seeded
from ganzoo.training.averages import Averages
from ganzoo.training.optimizers import Optimizers
from ganzoo.training.turns import iterate_turns, loss_terms, no_gradient_error, stale_graph_error


@dataclass(frozen=True)
class Step:
    """A step that was made: how many there have been, and its losses, which stay on the device until they are read."""

    number: int
    losses: dict[str, Tensor]

    def read(self) -> dict[str, float]:
        """The losses as numbers: `{"discriminator/real": 0.61, ..., "generator": 1.4}`. Waits for the device."""
        return {name: loss.item() for name, loss in self.losses.items()}


class Loop(Iterator[Step]):
    """What a `Trainer` does step by step: seed, take a batch, let the model's players move, average."""

    retains_graphs: ClassVar[bool] = False
    """Whether `step` calls `backward(..., retain_graph=True)`: what torch.compile makes does not allow it."""

    def __init__(
        self,
        model: Model,
        data: object,
        *,
        validation: object = None,
        device: str = "auto",
        precision: str = "auto",
        compile: bool = False,  # noqa: A002  (what it is called in torch)
        workers: int | None = None,
        cache: str = "auto",
    ) -> None:
        """Opens the data, and puts the model where it is trained.

        `data` is a SOURCE ("digits", a folder, a zip), a tensor of images (uint8, or floats in [-1, 1]) or a
        `torch.utils.data.Dataset`; a tuple of two for a model of two domains, or of pairs. `workers` threads prepare
        the images of a SOURCE, and `cache` says where they are kept; of a Dataset, more than one are processes that
        make items. `compile` compiles the networks that the model says may be (`model.compiled()`): the first step then
        takes minutes.

        Of a model with a hyperparameter `validation` that share of the data is never trained on, or all of the data
        that is passed as `validation`; `evaluate()` scores the model on it.
        """
        if compile and self.retains_graphs:
            raise Unsupported(
                f"{type(self).__name__} goes through a graph more than once: it trains without compiling"
            )
        self.device = Device.open(device, precision)
        self.model = model.to(self.device.torch_device).train()
        opened = partial(open_data, hp=model.hp, view=model.view, workers=workers, cache=cache)
        self.data = opened(data)
        self.held_out = (
            None if validation is None else opened(validation, hp=validation_hparams(model.hp))
        )
        self.batches, self.validation = train_validation_split(
            self.data, self.held_out, model.hp, model.view, self.device.torch_device
        )
        if self.validation and not model.scored:
            raise Unsupported(
                f"{model.display_name} has no scores: it cannot be evaluated on {source_text(self.validation.data)}"
            )
        self.steps_done = 0
        self.evaluated: dict[str, Any] | None = None
        self.best: dict[str, Any] | None = None
        """The last and the best evaluation: `{"step": 400, "scores": {"accuracy": 0.97, ...}, "images": 360}`."""
        self.averages = Averages(model)
        self.optimizers = Optimizers(model)
        self._whole = True
        self._published = set(model.state_dict())
        model.classes = self.data.info.classes or model.classes
        self._compiled = compile
        for network in model.compiled() if compile else []:
            network.compile()  # in place: names of weights stay as they are

    def __next__(self) -> Step:
        model, step = self.model, self.steps_done
        if step >= model.hp.steps:
            self.data.close()
            if self.held_out:
                self.held_out.close()
            raise StopIteration
        self._check_whole()
        batch = self._batch(step)
        self._whole = False
        model.begin(step)
        entered = self.optimizers.enter(step)
        with seeded("step", model.hp.seed, step, device=self.device.torch_device):
            losses = self.step(batch)
        if not isinstance(losses, Mapping) or not all(
            isinstance(loss, Tensor) for loss in losses.values()
        ):
            raise PluginError(
                f"{type(self).__name__}.step(batch) gives {losses!s:.60}, not tensors by the losses' names"
            )
        if entered:
            self._check_parts()
        self.averages.update(step)
        self.steps_done += 1
        self._whole = True
        return Step(self.steps_done, losses)

    def step(self, batch: Any) -> dict[str, Tensor]:
        """Every move of `losses(batch)` in its turn: the mover's gradients, then its optimizer. Returns the losses.

        A player that moves several times in a step reports its last losses.
        """
        losses: dict[str, Tensor] = {}
        for player, loss in self.moves(batch):
            terms = self.terms(player, loss)
            self.backward(player, terms)
            self.optimizers[player].step()
            losses |= {name: term.detach() for name, term in terms.items()}
        return losses

    def moves(self, batch: Any) -> Iterator[Move]:
        """Drives `model.losses(batch)`: its forward passes run in the world's precision, the trainer's work in fp32."""
        return iterate_turns(self.model, batch, self.device.autocast)

    def terms(self, player: nn.Module, loss: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The loss of a move as named scalars: `generator`, or `discriminator/real` and `discriminator/fake`."""
        return loss_terms(self.model, player, loss, self.optimizers)

    def backward(
        self, player: nn.Module, terms: Mapping[str, Tensor], *, retain_graph: bool = False
    ) -> None:
        """Puts the gradient of the terms' sum into the parameters that the player trains, and into no others.

        Who goes through the graph again says `retain_graph`, and has `retains_graphs = True` in the class.
        """
        if retain_graph and not self.retains_graphs:
            raise PluginError(
                f"{type(self).__name__} retains a graph: say retains_graphs = True in the class"
            )
        trained = [
            parameter for parameter in self.optimizers.trained(player) if parameter.requires_grad
        ]
        if not trained:
            raise no_gradient_error(self.model, terms)
        self.optimizers[player].zero_grad()
        try:
            reduce(add, terms.values()).backward(inputs=trained, retain_graph=retain_graph)  # type: ignore[no-untyped-call]
        except RuntimeError as cause:
            if error := stale_graph_error(self.model, terms, cause):
                raise error from cause
            raise
        if all(parameter.grad is None for parameter in trained):
            raise no_gradient_error(self.model, terms)

    def _check_parts(self) -> None:
        """Raises PluginError where a model has other tensors to publish than it was made with: none could load them."""
        if others := self._published ^ set(self.model.state_dict()):
            raise PluginError(
                f"{self.model.display_name}: {min(others)} is new since the model was made, or gone: make all networks in "
                f"__init__; what a trainer adds are buffers, register_buffer(..., persistent=False), in its __init__"
            )

    def _check_whole(self) -> None:
        """Raises StateError inside a step that was interrupted: some players have moved in it, and others have not."""
        if not self._whole:
            raise StateError(
                f"step {self.steps_done + 1} was interrupted half-way: go back to the last checkpoint, restore(folder)"
            )

    def evaluate(self) -> Evaluation:
        """Scores the weights to use on what is held out. The first score decides which of the saved weights are best.

        Raises Unsupported when nothing is held out, or the model has no scores.
        """
        if self.validation is None:
            raise Unsupported(
                f"{self.model.display_name} is not evaluated: nothing is held out (validation=0)"
            )
        with self.averaged_model() as model, evaluating(model), torch.no_grad():
            found = model.evaluate(self.validation.once())
        if not isinstance(found, Evaluation) or not all(
            isinstance(one, float | int) for one in found.scores.values()
        ):
            raise PluginError(
                f"{model.display_name}: evaluate(batches) gives {found!s:.60}, not ganzoo.Evaluation of numbers"
            )
        scores = dict(found.scores)
        self.evaluated = {
            "step": self.steps_done,
            "scores": scores,
            "images": self.validation.total,
        }
        return found

    def averaged_model(self) -> AbstractContextManager[Model]:
        """`with trainer.averaged_model() as model`: the model as it would be saved, averages in their players' places."""
        return self.averages.substituted()

    def _batch(self, step: int) -> Any:
        count = self.model.batches_per_step
        batches = tuple(self.batches[step * count + i] for i in range(count))
        return batches if count > 1 else batches[0]
