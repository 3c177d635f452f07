"""What a trained model is used for: drawing, translating, classifying. A plugin implements what it can."""

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
    """The uses of a model. Those that a plugin does not implement raise Unsupported."""

    task: ClassVar[str]
    """A pipeline tag of the Hub: `unconditional-image-generation`, `image-to-image`, `image-classification`, ..."""

    hp: hparams.Hparams
    classes: tuple[str, ...]
    """The names of the labels, where the data has them."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """What to call the classes: their numbers, where they have no names."""
        return self.classes or tuple(map(str, range(getattr(self.hp, "classes", None) or 0)))

    @property
    def display_name(self) -> str:
        """What to call it in a message."""
        return type(self).__name__

    @property
    def device(self) -> torch.device:
        return next((tensor.device for tensor in self.parameters()), torch.device("cpu"))

    def latents(self, n: int, seed: int) -> Tensor:
        """Noise for n images, on the CPU: row i depends on (seed, i) alone. `ganzoo.noise` does that."""
        raise Unsupported(f"{self.display_name} draws no images: it has no latents(n, seed)")

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents -> images in [-1, 1], `(n, channels, height, width)`: a pure function."""
        raise Unsupported(f"{self.display_name} draws no images: it has no generate(latents)")

    def forward(self, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """The network's plain use: `generate`, `logits`, or for a translator `translated` in its first direction."""
        if self.directions:
            return self.translated(inputs, self.directions[0])
        return self.logits(inputs) if self.classifies else self.generate(inputs, labels)

    def sample(self, n: int, seed: int = 0, labels: Tensor | None = None) -> Tensor:
        """n images in [-1, 1], `(n, channels, height, width)` on the model's device; in eval mode, in batches of 64.

        A conditional model takes labels `(n,)`, the numbers of classes; without them it draws each class in turn.
        """
        return torch.cat(list(self._batches(n, seed, labels)))

    def sample_batches(
        self, n: int, seed: int = 0, labels: Tensor | None = None
    ) -> Iterator[Tensor]:
        """The images of `sample`, 64 at a time and on the CPU: memory does not grow with n."""
        return (images.cpu() for images in self._batches(n, seed, labels))

    def _batches(self, n: int, seed: int, labels: Tensor | None) -> Iterator[Tensor]:
        latents = self.latents(n, seed)
        classes = getattr(self.hp, "classes", None)
        if labels is None and classes:
            labels = torch.arange(n) % classes  # each in turn
        if labels is not None:
            labels = self._checked(labels, n, classes)
        return (self._batch(latents, labels, start) for start in range(0, max(n, 1), 64))

    @torch.no_grad()
    def _batch(self, latents: Tensor, labels: Tensor | None, start: int) -> Tensor:
        batch = slice(start, start + 64)
        part = None if labels is None else labels[batch].to(self.device)
        with evaluating(self):
            return self.generate(latents[batch].to(self.device), part)

    def _checked(self, labels: Tensor, n: int, classes: int | None) -> Tensor:
        if not classes:
            raise UsageError(f"{self.display_name} draws what it likes: it takes no labels")
        if labels.shape != (n,) or (
            n and not 0 <= int(labels.min()) <= int(labels.max()) < classes
        ):
            raise UsageError(
                f"labels are one number from 0 to {classes - 1} for each of the {n} images"
            )
        return labels

    directions: tuple[str, ...] = ()
    """What a translator can do: `("a2b", "b2a")`."""

    def translated(self, images: Tensor, direction: str, /) -> Tensor:
        """Images `(n, channels, height, width)` of one domain -> those of the other, of the same size: a pure function.

        A translator implements it; the direction is one of `directions`.
        """
        raise Unsupported(
            f"{self.display_name} translates no images: it has no translated(images, direction)"
        )

    @torch.no_grad()
    def translate(self, images: Tensor, direction: str | None = None) -> Tensor:
        """Images `(n, channels, height, width)` in [-1, 1], of any size -> the same, translated; in eval mode.

        The direction is the first that the model has unless said. Raises UsageError for another, Unsupported for a
        model that translates nothing.
        """
        direction = self.checked_direction(direction)
        images = self._checked_images(images, "translates")
        return self._in_parts(lambda some: self.translated(some, direction), images, 16)

    def checked_direction(self, direction: str | None) -> str:
        """The direction, or the first that there is. Raises UsageError or, for a model that has none, Unsupported."""
        if not self.directions:
            raise Unsupported(f"{self.display_name} translates no images; it is for {self.task}")
        if direction not in (None, *self.directions):
            raise UsageError(
                f"{self.display_name} has no direction {direction!r}; there is {', '.join(self.directions)}"
            )
        return direction or self.directions[0]

    def logits(self, images: Tensor) -> Tensor:
        """Images `(n, channels, image_size, image_size)` in [-1, 1] -> a logit for each class, `(n, classes)`."""
        raise Unsupported(f"{self.display_name} names no classes: it has no logits(images)")

    @property
    def classifies(self) -> bool:
        """Whether it is a classifier."""
        return type(self).logits is not Inference.logits

    @torch.no_grad()
    def classify(self, images: Tensor) -> Tensor:
        """Square images `(n, channels, height, width)` in [-1, 1] -> probabilities `(n, classes)`; in eval mode.

        Those of another size than the model's are resized, bicubic and antialiased. `model.classes` are the names.
        Raises UsageError for what are no such images, Unsupported for a model that is no classifier.
        """
        if not self.classifies:
            raise Unsupported(f"{self.display_name} names no classes; it is for {self.task}")
        images = self._checked_images(images, "classifies")
        if images.shape[2] != images.shape[3]:
            raise UsageError(f"{self.display_name} classifies squares, not {tuple(images.shape)}")
        size = getattr(self.hp, "image_size", None)
        if size and images.shape[-1] != size and len(images):
            images = interpolate(images, size=(size, size), mode="bicubic", antialias=True).clamp(
                -1, 1
            )
        return self._in_parts(lambda some: self.logits(some).softmax(1), images, 64)

    def _checked_images(self, images: Tensor, does: str) -> Tensor:
        """The images as floats of 32 bits. Raises UsageError for what are none that the model takes."""
        channels = getattr(self.hp, "channels", None)
        if images.ndim != 4 or (channels and images.shape[1] != channels):
            raise UsageError(
                f"{self.display_name} {does} (n, {channels}, height, width), not {tuple(images.shape)}"
            )
        if not images.is_floating_point() or 0 in images.shape[2:]:
            raise UsageError(
                f"{self.display_name} {does} floats in [-1, 1], not {images.dtype} of {tuple(images.shape)}"
            )
        return images.float()

    def _in_parts(self, use: Callable[[Tensor], Tensor], images: Tensor, at_once: int) -> Tensor:
        """What is made of the images, so many at once, on the model's device and in eval mode."""
        with evaluating(self):
            starts = range(0, max(len(images), 1), at_once)
            return torch.cat([use(images[i : i + at_once].to(self.device)) for i in starts])

    @property
    def scored(self) -> bool:
        """Whether it can be evaluated."""
        return self.classifies or type(self).evaluate is not Inference.evaluate

    def evaluate(self, batches: Iterable[Any], /) -> Evaluation:
        """Scores on batches that were never trained on, in eval mode. The best weights are those of the best score.

        A classifier's are accuracy and cross-entropy, with its confusion matrix as a picture.
        """
        if not self.classifies:
            raise Unsupported(f"{self.display_name} has no evaluate(batches)")
        return classification(self.logits, batches, self.classes, self.device)
