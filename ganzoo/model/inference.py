"""What a trained model does: generate, translate, classify. A plugin implements what it can."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.discovery.registry import Plugin
from ganzoo.errors import Unsupported, UsageError
from ganzoo.hparams import hparams
from ganzoo.model.scores import Evaluation, classification
from ganzoo.modes import evaluating

Labels = Tensor | None
"""`(n,)`, the numbers of classes; None for an unconditional model."""


class Inference(nn.Module):
    """The uses of a model. One that a plugin does not implement raises Unsupported."""

    task: ClassVar[str]
    """A pipeline tag of the Hub: `unconditional-image-generation`, `image-to-image`, ..."""
    directions: tuple[str, ...] = ()
    """The directions of a translator: `("a2b", "b2a")`."""

    hp: hparams.Hparams
    plugin: Plugin | None
    """The entry point that it was created from."""
    classes: tuple[str, ...]
    """The names of the labels, if the data has them."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or their numbers."""
        return self.classes or tuple(map(str, range(self.hp.classes or 0)))

    @property
    def display_name(self) -> str:
        """The name in messages."""
        if self.plugin:
            return self.plugin.name
        return type(self).__name__

    @property
    def device(self) -> torch.device:
        for parameter in self.parameters():
            return parameter.device
        return torch.device("cpu")

    @property
    def classifies(self) -> bool:
        """Whether it is a classifier: it implements `logits`."""
        return type(self).logits is not Inference.logits

    @property
    def scored(self) -> bool:
        """Whether it has scores: it implements `evaluate`, or is a classifier."""
        return has_scores(type(self))

    # A plugin implements some of these

    def latents(self, n: int, seed: int) -> Tensor:
        """Noise for n images, on the CPU; row i depends on (seed, i) alone, see `ganzoo.noise`."""
        raise self._lacks("latents(n, seed): it generates no images")

    def generate(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Latents -> images in [-1, 1], `(n, channels, height, width)`: a pure function."""
        raise self._lacks("generate(latents): it generates no images")

    def translated(self, images: Tensor, direction: str, /) -> Tensor:
        """Images `(n, channels, height, width)` -> the same size, in the other domain.

        A pure function, for each of `directions`.
        """
        raise self._lacks("translated(images, direction): it is no translator")

    def logits(self, images: Tensor) -> Tensor:
        """Images `(n, channels, image_size, image_size)` in [-1, 1] -> logits `(n, classes)`."""
        raise self._lacks("logits(images): it is no classifier")

    def evaluate(self, batches: Iterable[Any], /) -> Evaluation:
        """Scores on batches of validation data, in eval mode. The first decides which is best.

        For a classifier: accuracy and cross-entropy, and its confusion matrix as a picture.
        """
        if not self.classifies:
            raise self._lacks("evaluate(batches): it has no scores")
        return classification(self.logits, batches, self.classes)

    def _lacks(self, method: str) -> Unsupported:
        return Unsupported(f"{self.display_name} has no {method}")

    # What users call

    def forward(self, inputs: Tensor, labels: Labels = None) -> Tensor:
        """`translated` in the first direction, `logits` or `generate`, by what the model is for."""
        if self.directions:
            return self.translated(inputs, self.directions[0])
        if self.classifies:
            return self.logits(inputs)
        return self.generate(inputs, labels)

    def sample(
        self,
        n: int,
        seed: int = 0,
        labels: Labels = None,
    ) -> Tensor:
        """n images `(n, channels, height, width)` in [-1, 1] on the model's device, in eval mode.

        A conditional model takes labels `(n,)`, the numbers of classes; by default each class in
        turn. Raises UsageError for other labels.
        """
        return torch.cat([*self._sampled(n, seed, labels)])

    def sample_batches(
        self,
        n: int,
        seed: int = 0,
        labels: Labels = None,
    ) -> Iterator[Tensor]:
        """The images of `sample`, 64 at a time and on the CPU: memory does not grow with n."""
        return map(Tensor.cpu, self._sampled(n, seed, labels))

    def _sampled(
        self,
        n: int,
        seed: int,
        labels: Labels,
    ) -> Iterator[Tensor]:
        latents, count = self.latents(n, seed), self.hp.classes
        if labels is None and count:
            labels = torch.arange(n) % count  # each in turn
        if labels is None:
            return self._in_parts(self.generate, 64, latents)
        if not count:
            name = self.display_name
            raise UsageError(f"{name} is unconditional: it takes no labels")
        last = count - 1
        in_range = labels.clamp(0, last)
        if labels.shape != (n,) or not labels.equal(in_range):
            raise UsageError(f"labels: pass {n} numbers from 0 to {last}")
        return self._in_parts(self.generate, 64, latents, labels)

    def translate(
        self,
        images: Tensor,
        direction: str | None = None,
    ) -> Tensor:
        """Images `(n, channels, height, width)` in [-1, 1] of any size -> translated, in eval mode.

        The default direction is the first one. Raises UsageError for an unknown direction or other
        images, Unsupported if the model is no translator.
        """
        direction = self.checked_direction(direction)
        images = self._checked_images(images, "translates")

        def use(part: Tensor) -> Tensor:
            return self.translated(part, direction)

        return torch.cat([*self._in_parts(use, 16, images)])

    def checked_direction(self, direction: str | None) -> str:
        """The direction, by default the first. Raises UsageError or Unsupported."""
        name, choices = self.display_name, self.directions
        if not choices:
            raise Unsupported(f"{name} is no translator: its task is {self.task}")
        if direction is None:
            return choices[0]
        if direction not in choices:
            way_out = f"choose from {', '.join(choices)}"
            raise UsageError(f"{name} has no direction {direction!r}; {way_out}")
        return direction

    def classify(self, images: Tensor) -> Tensor:
        """Square images `(n, channels, size, size)` in [-1, 1] -> probabilities `(n, classes)`.

        In eval mode. Other sizes than the model's are resized, bicubic and antialiased;
        `model.classes` are the names. Raises UsageError for a wrong shape or dtype, Unsupported if
        the model is not a classifier.
        """
        name = self.display_name
        if not self.classifies:
            raise Unsupported(f"{name} is no classifier: its task is {self.task}")
        images = self._checked_images(images, "classifies")
        n, _, height, width = images.shape
        if height != width:
            raise UsageError(f"{name} classifies squares, not {width}x{height}")
        size = self.hp.image_size
        if n and size not in (None, width):
            images = interpolate(
                images,
                size,
                mode="bicubic",
                antialias=True,
            ).clamp(-1, 1)
        parts = self._in_parts(self.logits, 64, images)
        return torch.cat([part.softmax(1) for part in parts])

    def _checked_images(self, images: Tensor, verb: str) -> Tensor:
        """The images as float32. Raises UsageError for a wrong shape or dtype."""
        channels, shape = self.hp.channels, tuple(images.shape)
        fits = images.ndim == 4 and channels in (None, shape[1])
        if not fits or 0 in shape[2:] or not images.is_floating_point():
            raise UsageError(
                f"{self.display_name} {verb} floats in [-1, 1] of the shape "
                f"(n, {channels}, height, width), not {images.dtype} of {shape}"
            )
        return images.float()

    def _in_parts(
        self,
        use: Callable[..., Tensor],
        size: int,
        *inputs: Tensor,
    ) -> Iterator[Tensor]:
        """`use` of `size` rows at a time, on the model's device and in eval mode."""
        parts = [torch.split(tensor, size) for tensor in inputs]
        for rows in zip(*parts, strict=True):
            own = [tensor.to(self.device) for tensor in rows]
            with evaluating(self), torch.no_grad():
                result = use(*own)
            yield result


def has_scores(kind: type[Inference]) -> bool:
    """Whether a model implements `evaluate`, or is a classifier."""
    own = kind.evaluate is not Inference.evaluate
    return own or kind.logits is not Inference.logits
