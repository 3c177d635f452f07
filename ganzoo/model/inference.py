"""What a trained model does: generate, translate, classify. A plugin implements what it can."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.errors import Unsupported, UsageError
from ganzoo.hparams import hparams
from ganzoo.model.scores import Evaluation, classification
from ganzoo.modes import evaluating


class Inference(nn.Module):
    """The uses of a model. One that a plugin does not implement raises Unsupported."""

    task: ClassVar[str]
    """A pipeline tag of the Hub: `unconditional-image-generation`, `image-to-image`, ..."""
    directions: tuple[str, ...] = ()
    """The directions of a translator: `("a2b", "b2a")`."""

    hp: hparams.Hparams
    classes: tuple[str, ...]
    """The names of the labels, if the data has them."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or their numbers."""
        return self.classes or tuple(map(str, range(self.hp.classes or 0)))

    @property
    def display_name(self) -> str:
        """The name in messages."""
        return type(self).__name__

    @property
    def device(self) -> torch.device:
        return next((tensor.device for tensor in self.parameters()), torch.device("cpu"))

    @property
    def classifies(self) -> bool:
        """Whether it is a classifier: it implements `logits`."""
        return type(self).logits is not Inference.logits

    @property
    def scored(self) -> bool:
        """Whether it has scores: it implements `evaluate`, or is a classifier."""
        return self.classifies or type(self).evaluate is not Inference.evaluate

    # A plugin implements some of these

    def latents(self, n: int, seed: int) -> Tensor:
        """Noise for n images, on the CPU; row i depends on (seed, i) alone, see `ganzoo.noise`."""
        raise self._unsupported("generates no images: it has no latents(n, seed)")

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents -> images in [-1, 1], `(n, channels, height, width)`: a pure function."""
        raise self._unsupported("generates no images: it has no generate(latents)")

    def translated(self, images: Tensor, direction: str, /) -> Tensor:
        """Images `(n, channels, height, width)` -> the same size, in the other domain.

        A pure function, for each of `directions`.
        """
        raise self._unsupported("translates no images: it has no translated(images, direction)")

    def logits(self, images: Tensor) -> Tensor:
        """Images `(n, channels, image_size, image_size)` in [-1, 1] -> logits `(n, classes)`."""
        raise self._unsupported("is no classifier: it has no logits(images)")

    def evaluate(self, batches: Iterable[Any], /) -> Evaluation:
        """Scores on batches of validation data, in eval mode. The first decides which is best.

        For a classifier: accuracy and cross-entropy, and its confusion matrix as a picture.
        """
        if not self.classifies:
            raise self._unsupported("has no scores: it has no evaluate(batches)")
        return classification(self.logits, batches, self.classes, self.device)

    # What users call

    def forward(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """`translated` in the first direction, `logits` or `generate`, by what the model is for."""
        if self.directions:
            return self.translated(inputs, self.directions[0])
        return self.logits(inputs) if self.classifies else self.generate(inputs, labels)

    def sample(self, n: int, seed: int = 0, labels: Tensor | None = None) -> Tensor:
        """n images `(n, channels, height, width)` in [-1, 1] on the model's device, in eval mode.

        A conditional model takes labels `(n,)`, the numbers of classes; by default each class in
        turn. Raises UsageError for other labels.
        """
        return torch.cat(list(self._batches(n, seed, labels)))

    def sample_batches(
        self, n: int, seed: int = 0, labels: Tensor | None = None
    ) -> Iterator[Tensor]:
        """The images of `sample`, 64 at a time and on the CPU: memory does not grow with n."""
        return (images.cpu() for images in self._batches(n, seed, labels))

    def _batches(self, n: int, seed: int, labels: Tensor | None) -> Iterator[Tensor]:
        latents = self.latents(n, seed)
        if labels is None and self.hp.classes:
            labels = torch.arange(n) % self.hp.classes  # each in turn
        if labels is not None:
            self._check_labels(labels, n)
        return (self._batch(latents, labels, start) for start in range(0, max(n, 1), 64))

    @torch.no_grad()
    def _batch(self, latents: Tensor, labels: Tensor | None, start: int) -> Tensor:
        batch = slice(start, start + 64)
        part = None if labels is None else labels[batch].to(self.device)
        with evaluating(self):
            return self.generate(latents[batch].to(self.device), part)

    def _check_labels(self, labels: Tensor, n: int) -> None:
        count = self.hp.classes
        if not count:
            raise UsageError(f"{self.display_name} is unconditional: it takes no labels")
        is_in_range = n == 0 or (labels.min() >= 0 and labels.max() < count)
        if labels.shape != (n,) or not is_in_range:
            raise UsageError(f"labels: pass a number from 0 to {count - 1} for each of {n} images")

    @torch.no_grad()
    def translate(self, images: Tensor, direction: str | None = None) -> Tensor:
        """Images `(n, channels, height, width)` in [-1, 1] of any size -> translated, in eval mode.

        The default direction is the first one. Raises UsageError for an unknown direction or other
        images, Unsupported if the model is no translator.
        """
        direction = self.checked_direction(direction)
        images = self._checked_images(images, "translates")
        return self._in_parts(lambda part: self.translated(part, direction), images, 16)

    def checked_direction(self, direction: str | None) -> str:
        """The direction, by default the first. Raises UsageError or Unsupported."""
        if not self.directions:
            raise self._unsupported(f"translates no images: its task is {self.task}")
        if direction not in (None, *self.directions):
            choices = ", ".join(self.directions)
            raise UsageError(
                f"{self.display_name} has no direction {direction!r}; choose from {choices}"
            )
        return direction or self.directions[0]

    @torch.no_grad()
    def classify(self, images: Tensor) -> Tensor:
        """Square images `(n, channels, size, size)` in [-1, 1] -> probabilities `(n, classes)`.

        In eval mode. Other sizes than the model's are resized, bicubic and antialiased;
        `model.classes` are the names. Raises UsageError for a wrong shape or dtype, Unsupported if
        the model is not a classifier.
        """
        if not self.classifies:
            raise self._unsupported(f"is no classifier: its task is {self.task}")
        images = self._checked_images(images, "classifies")
        if images.shape[2] != images.shape[3]:
            raise UsageError(f"{self.display_name} classifies squares, not {tuple(images.shape)}")
        size = self.hp.image_size
        if size and images.shape[-1] != size and len(images):
            images = interpolate(images, size=(size, size), mode="bicubic", antialias=True)
            images = images.clamp(-1, 1)
        return self._in_parts(lambda part: self.logits(part).softmax(1), images, 64)

    def _checked_images(self, images: Tensor, verb: str) -> Tensor:
        """The images as float32. Raises UsageError for a wrong shape or dtype."""
        channels, shape = self.hp.channels, tuple(images.shape)
        if images.ndim != 4 or (channels and shape[1] != channels):
            raise UsageError(
                f"{self.display_name} {verb} (n, {channels}, height, width), not {shape}"
            )
        if not images.is_floating_point() or 0 in shape[2:]:
            raise UsageError(
                f"{self.display_name} {verb} floats in [-1, 1], not {images.dtype} of {shape}"
            )
        return images.float()

    def _in_parts(self, use: Callable[[Tensor], Tensor], images: Tensor, size: int) -> Tensor:
        """`use` of `size` images at a time, on the model's device and in eval mode."""
        parts = torch.split(images, size) if len(images) else (images,)
        with evaluating(self):
            return torch.cat([use(part.to(self.device)) for part in parts])

    def _unsupported(self, reason: str) -> Unsupported:
        return Unsupported(f"{self.display_name} {reason}")
