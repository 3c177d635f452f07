"""What a trained model does: generate, translate, classify. A plugin implements what it can."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.device import memory_errors_as_one_line
from ganzoo.discovery.registry import Plugin, models
from ganzoo.errors import StateError, Unsupported, UsageError
from ganzoo.hparams import hparams
from ganzoo.model.arguments import (
    Classes,
    Images,
    class_numbers,
    image_tensor,
    prepared_pictures,
    whole_number,
    whole_pictures,
)
from ganzoo.model.scores import Evaluation, classification
from ganzoo.modes import evaluating

logger = logging.getLogger(__name__)
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
    loaded_config: Any = None
    """The `Config` of the weights that were loaded; they may have changed since."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in the order of their numbers, or else these numbers."""
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
    def dtype(self) -> torch.dtype:
        """The type of its weights: float32, unless `half()`, `bfloat16()` or `double()` set it."""
        for parameter in self.parameters():
            return parameter.dtype
        return torch.float32

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
        labels: Classes | None = None,
    ) -> Tensor:
        """n images `(n, channels, height, width)` in [-1, 1] on the model's device, in eval mode.

        `labels` are for a conditional model: a class for all of them, by its number or its name
        in `class_names`, or one for each; by default each class in turn. Raises UsageError for
        other labels, Unsupported if the model generates no images.
        """
        return torch.cat([*self._sampled(n, seed, labels)])

    def sample_batches(
        self,
        n: int,
        seed: int = 0,
        labels: Classes | None = None,
    ) -> Iterator[Tensor]:
        """The images of `sample`, 64 at a time and on the CPU: memory does not grow with n."""
        return map(Tensor.cpu, self._sampled(n, seed, labels))

    def _sampled(
        self,
        n: int,
        seed: int,
        labels: Classes | None,
    ) -> Iterator[Tensor]:
        n, seed = whole_number("n", n), whole_number("seed", seed)
        count = self.hp.classes
        with self._memory_errors(n):
            latents = self.latents(n, seed)
        if not count:
            if labels is not None:
                raise UsageError(f"{self.display_name} is unconditional: it takes no labels")
            return self._in_parts(self.generate, 64, latents)
        if labels is None:
            numbers = torch.arange(n) % count  # each in turn
        else:
            numbers = class_numbers(labels, n, self.class_names)
        return self._in_parts(self.generate, 64, latents, numbers)

    def translate(
        self,
        images: Images,
        direction: str | None = None,
    ) -> Tensor:
        """Images of any size -> `(n, channels, height, width)` in [-1, 1], in eval mode.

        Images are a tensor `(n, channels, height, width)` or `(channels, height, width)`, floats in
        [-1, 1] or uint8; a NumPy array with the channels last; a PIL picture or a path; or a list
        of these two, of one size. The default direction is the first one. Raises UsageError for an
        unknown direction or other images, DataError for a file that cannot be read, Unsupported if
        the model is no translator.
        """
        direction = self.checked_direction(direction)
        tensor = image_tensor(images)
        if tensor is None:
            tensor = whole_pictures(images, self.hp)
        tensor = self._checked_images(tensor, "translates")

        def use(part: Tensor) -> Tensor:
            return self.translated(part, direction)

        return torch.cat([*self._in_parts(use, 16, tensor)])

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

    def classify(self, images: Images) -> Tensor:
        """Images -> probabilities `(n, classes)`, in eval mode; `class_names` are their names.

        Images are what `translate` takes. Pictures, paths and arrays of uint8 may have any sizes:
        they are prepared as those of the training. Tensors and floats are squares; other sizes than
        the model's are resized, bicubic and antialiased. Raises UsageError for other images,
        DataError for a file that cannot be read, Unsupported if the model is not a classifier.
        """
        name = self.display_name
        if not self.classifies:
            raise Unsupported(f"{name} is no classifier: its task is {self.task}")
        tensor = image_tensor(images)
        if tensor is None:
            tensor = prepared_pictures(images, self.hp)
        tensor = self._checked_images(tensor, "classifies")
        n, _, height, width = tensor.shape
        if height != width:
            raise UsageError(f"{name} classifies squares, not {width}x{height}")
        size = self.hp.image_size
        if n and size not in (None, width):
            tensor = interpolate(
                tensor,
                size,
                mode="bicubic",
                antialias=True,
            ).clamp(-1, 1)
        parts = self._in_parts(self.logits, 64, tensor)
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
        """`use` of `size` rows at a time, on the model's device and in eval mode, as float32.

        Floats get the dtype of the model.
        """
        parts = [torch.split(tensor, size) for tensor in inputs]
        for rows in zip(*parts, strict=True):
            own = []
            for tensor in rows:
                dtype = self.dtype if tensor.is_floating_point() else tensor.dtype
                own.append(tensor.to(self.device, dtype))
            memory_errors = self._memory_errors(len(own[0]))
            with memory_errors, evaluating(self), torch.no_grad():
                result = use(*own)
            yield result.float()

    def _memory_errors(self, n: int) -> AbstractContextManager[None]:
        purpose = f"{n:,} images of {self.display_name} on {self.device}"
        return memory_errors_as_one_line(purpose, "ask for fewer images, or pass smaller ones")

    # Saved and shared, in the words of Hugging Face's libraries

    def save(self, folder: str | Path) -> None:
        """Like `ganzoo.save`: writes the model into a folder that `ganzoo.load` reads."""
        import ganzoo

        ganzoo.save(cast(Any, self), folder)

    save_pretrained = save

    @classmethod
    def from_pretrained(
        cls,
        run: str | Path,
        *,
        revision: str | None = None,
        device: str = "cpu",
    ) -> Self:
        """A trained model of this class in eval mode, from a RUN (see `ganzoo.load`).

        `ganzoo.Model.from_pretrained` takes a model of any class. `revision` is a branch, a tag or
        a commit of an id on the Hub. Raises StateError if the weights are of another class.
        """
        import ganzoo

        if revision:
            run = f"{run}@{revision}"
        own: Any = cls
        if cls is ganzoo.Model or models.of(cls):
            own = None  # the weights say of which class they are
        try:
            model: Any = ganzoo.load(run, model=own, device=device)
        except StateError as cause:
            raise StateError(f"no {cls.__name__} in {run}: {cause}") from cause
        name = model.loaded_config.model
        if not isinstance(model, cls) or (own and name != cls.__name__):
            raise StateError(f"{run} has weights of {name}, not of the class {cls.__name__}")
        return model

    def push_to_hub(
        self,
        id: str,  # noqa: A002  (what the Hub calls it)
        *,
        private: bool = False,
        revision: str | None = None,
        commit_message: str | None = None,
    ) -> str:
        """Uploads the model to the Hub, like `ganzoo.push`. Returns the address."""
        import ganzoo

        pushed = ganzoo.push(
            cast(Any, self),
            id,
            private=private,
            revision=revision,
            message=commit_message,
        )
        for note in pushed.notes:
            logger.info(note)
        return pushed.url


def has_scores(kind: type[Inference]) -> bool:
    """Whether a model implements `evaluate`, or is a classifier."""
    own = kind.evaluate is not Inference.evaluate
    return own or kind.logits is not Inference.logits
