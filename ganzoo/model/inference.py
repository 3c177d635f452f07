"""What a trained model does: generate, translate, classify. A plugin implements what it can."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo.data.attributes import Attributes, Request
from ganzoo.data.views import Conditioned
from ganzoo.device import memory_errors_as_one_line
from ganzoo.discovery.registry import Plugin, models
from ganzoo.errors import PluginError, StateError, Unsupported, UsageError, unknown
from ganzoo.hparams import hparams, use
from ganzoo.hparams.size import sides
from ganzoo.model.arguments import (
    Classes,
    Images,
    class_numbers,
    image_tensor,
    prepared_pictures,
    whole_number,
    whole_pictures,
)
from ganzoo.model.condition import Prompt, Where, requests
from ganzoo.model.scores import Evaluation, classification
from ganzoo.modes import evaluating

logger = logging.getLogger(__name__)
ARGUMENTS = {
    "classes",
    "condition",
    "direction",
    "images",
    "labels",
    "latents",
    "n",
    "prompt",
    "seed",
    "style",
    "where",
}
"""Names that a setting of use cannot have."""
Labels = Tensor | None
"""`(n,)`, the numbers of classes; None for an unconditional model."""


class Inference(nn.Module):
    """The uses of a model. One that a plugin does not implement raises Unsupported."""

    task: ClassVar[str]
    """A pipeline tag of the Hub: `unconditional-image-generation`, `image-to-image`, ..."""
    directions: Sequence[str] = ()
    """The directions of a translator: `("a2b", "b2a")`; a property, if they follow from classes."""
    in_channels: int | None = None
    """The channels that a translator takes; None: `hp.channels`."""
    out_channels: int | None = None
    """The channels that it makes; None: `hp.channels`. One that makes larger images says how much:
    `scale = 2`."""

    view: ClassVar[Any] = Tensor
    """A batch is a `Tensor` (images `(n, channels, height, width)` in [-1, 1]), `ganzoo.Labelled`,
    `ganzoo.Conditioned`, `ganzoo.Domains` or `ganzoo.Pair`."""
    reads_text: ClassVar[bool] = False
    """Whether `condition` reads the text of a request, `{"text": "..."}`."""
    Use: ClassVar[type[use.Use]] = use.Use
    """The settings of use: `generate` or `translated` gets each by keyword."""

    hp: hparams.Hparams
    attributes: Attributes
    """What the data say of their images, by name, for a model with conditions."""
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

    def condition(self, requests: Sequence[Request], /) -> Tensor:
        """What is asked of each image, by attribute, as the tensor that `generate` gets.

        By default `(n, hp.condition)`: 1 for the value of an attribute and 0 for others, numbers
        standardised, in the order of the names. In a training the requests are the attributes of
        the data; texts are the attribute `text`, and prompts.
        """
        return self.attributes.encoded(requests)

    def generate(self, latents: Tensor, labels: Labels = None) -> Tensor:
        """Latents -> images in [-1, 1], `(n, channels, height, width)`: a pure function.

        `labels` are the numbers of classes; of a model with conditions, what `condition` makes.
        Settings of use come by keyword.
        """
        raise self._lacks("generate(latents): it generates no images")

    def translated(self, images: Tensor, direction: str, /) -> Tensor:
        """Images `(n, in_channels, height, width)` -> `scale` times the size, in the other domain.

        A pure function, for each of `directions`. Settings of use come by keyword, and so does
        `style`, the rows of `styles`, if the model has them.
        """
        raise self._lacks("translated(images, direction): it is no translator")

    def styles(self, n: int, seed: int) -> Tensor:
        """Random styles of a translator, on the CPU; row i depends on (seed, i) alone."""
        raise self._lacks("styles(n, seed): its translations have no style to choose")

    def style_of(self, images: Tensor, direction: str, /) -> Tensor:
        """The styles of images `(n, out_channels, height, width)`, like the rows of `styles`."""
        raise self._lacks("style_of(images, direction): it takes no style from a picture")

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
            direction, settings = self.directions[0], self.settings_of_use({})
            if self.has_styles:
                settings["style"] = self.styles(len(inputs), 0).to(inputs)
            return self.translated(inputs, direction, **settings)
        if self.classifies:
            return self.logits(inputs)
        return self.generate(inputs, labels, **self.settings_of_use({}))

    def sample(
        self,
        n: int,
        seed: int = 0,
        labels: Classes | None = None,
        where: Where | None = None,
        prompt: Prompt | None = None,
        **use: Any,
    ) -> Tensor:
        """n images `(n, channels, height, width)` in [-1, 1] on the model's device, in eval mode.

        `labels` are for a conditional model: a class for all of them, by its number or its name
        in `class_names`, or one for each; by default each class in turn. `where` are for a model
        with attributes: `{"hair": "blond"}`, or one such for each; what is not asked for is drawn
        as the data have it. `prompt` is for a model that reads text. `use` are the model's
        settings of use, `truncation=0.7`. Raises UsageError or UnknownName for others,
        Unsupported if the model generates no images.
        """
        return torch.cat([*self._sampled(n, seed, labels, where, prompt, use)])

    def sample_batches(
        self,
        n: int,
        seed: int = 0,
        labels: Classes | None = None,
        where: Where | None = None,
        prompt: Prompt | None = None,
        **use: Any,
    ) -> Iterator[Tensor]:
        """The images of `sample`, 64 at a time and on the CPU: memory does not grow with n."""
        if type(self).sample is not Inference.sample:  # a plugin draws by itself
            asked: dict[str, Any] = {"labels": labels, "where": where, "prompt": prompt}
            own = {name: value for name, value in asked.items() if value is not None}
            images = self.sample(n, seed=seed, **own, **use)
            return map(Tensor.cpu, torch.split(images, 64))
        return map(Tensor.cpu, self._sampled(n, seed, labels, where, prompt, use))

    def _sampled(
        self,
        n: int,
        seed: int,
        labels: Classes | None,
        where: Where | None,
        prompt: Prompt | None,
        use: Mapping[str, Any],
    ) -> Iterator[Tensor]:
        n, seed = whole_number("n", n), whole_number("seed", seed)
        generate = partial(self.generate, **self.settings_of_use(use))
        with self._memory_errors(n):
            latents = self.latents(n, seed)
        if self.view is Conditioned:
            condition = self.conditions(n, seed, labels, where, prompt)
            return self._in_parts(generate, 64, latents, condition)
        name = self.display_name
        if where is not None or prompt is not None:
            raise UsageError(f"{name} has no attributes and reads no text: it takes none")
        count = self.hp.classes
        if not count:
            if labels is not None:
                raise UsageError(f"{name} is unconditional: it takes no labels")
            return self._in_parts(generate, 64, latents)
        if labels is None:
            numbers = torch.arange(n) % count  # each in turn
        else:
            numbers = class_numbers(labels, n, self.class_names)
        return self._in_parts(generate, 64, latents, numbers)

    def conditions(
        self,
        n: int,
        seed: int = 0,
        labels: Classes | None = None,
        where: Where | None = None,
        prompt: Prompt | None = None,
    ) -> Tensor:
        """The conditions of the images of `sample`. Raises UsageError or UnknownName."""
        name, attributes = self.display_name, self.attributes
        if labels is not None:
            names = ", ".join(attributes.kinds) or "none yet"
            raise UsageError(f"{name} has no classes: ask for attributes ({names})")
        if prompt is not None and not self.reads_text:
            raise UsageError(f"{name} reads no text: ask for {', '.join(attributes.kinds)}")
        if not attributes.kinds and not self.reads_text:
            raise UsageError(
                f"{name} has no attributes yet: create it with data=SOURCE, or load its weights"
            )
        return self.condition(requests(attributes, n, seed, where, prompt))

    def settings_of_use(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of use by name, by default those of the model.

        Raises UnknownName or HparamError for values that it does not have, PluginError for a
        setting whose name is taken.
        """
        known = type(self).Use.annotations()
        taken = ARGUMENTS & known.keys()
        if taken:
            raise PluginError(
                f"{self.display_name}: a setting of use cannot be called {min(taken)}, which is "
                "an argument of sample or translate"
            )
        for name in values:
            if not known:
                raise UsageError(f"{self.display_name} has no settings of use: leave {name} out")
            if name not in known:
                raise unknown(f"setting of use of {self.display_name}", name, known)
        settings = type(self).Use().replaced(values)
        return {name: getattr(settings, name) for name in known}

    def parsed_use(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Settings of use that a person typed. Raises UnknownName or HparamError."""
        known = type(self).Use.annotations()
        values = {}
        for name, text in texts.items():
            values[name] = known[name].parsed(name, text) if name in known else text
        return self.settings_of_use(values)

    def translate(
        self,
        images: Images,
        direction: str | None = None,
        seed: int = 0,
        style: Images | None = None,
        **use: Any,
    ) -> Tensor:
        """Images of any size -> `(n, channels, height, width)` in [-1, 1], in eval mode.

        Images are a tensor `(n, channels, height, width)` or `(channels, height, width)`, floats in
        [-1, 1] or uint8; a NumPy array with the channels last; a PIL picture or a path; or a list
        of these two, of one size. The default direction is the first one. A translator with styles
        draws them from the seed, or takes that of `style`: one picture, or one for each. `use` are
        the model's settings of use. Raises UsageError for an unknown direction or other images,
        UnknownName for other settings, DataError for a file that cannot be read, Unsupported if the
        model is no translator.
        """
        direction = self.checked_direction(direction)
        tensor = image_tensor(images)
        if tensor is None:
            tensor = whole_pictures(images, self.in_channels or self.hp.channels or 3)
        tensor = self._checked_images(tensor, "translates")
        settings = self.settings_of_use(use)
        styles = self.chosen_styles(len(tensor), direction, seed, style)
        return torch.cat([*self.translations(tensor, direction, styles, settings)])

    def translations(
        self,
        images: Tensor,
        direction: str,
        styles: Tensor | None,
        settings: Mapping[str, Any],
    ) -> Iterator[Tensor]:
        """Translations of checked images in parts; `styles` has a row for each, or is None."""

        def translated(part: Tensor, style: Tensor | None = None) -> Tensor:
            by_name = dict(settings)
            if style is not None:
                by_name["style"] = style
            return self.translated(part, direction, **by_name)

        inputs = [images] if styles is None else [images, styles]
        return self._in_parts(translated, 16, *inputs)

    @property
    def has_styles(self) -> bool:
        """Whether its translations have a style to choose: it implements `styles`."""
        return type(self).styles is not Inference.styles

    def chosen_styles(
        self,
        n: int,
        direction: str,
        seed: int,
        style: Images | None,
    ) -> Tensor | None:
        """Styles `(n, ...)`: random, or those of pictures; None for a translator without.

        Raises Unsupported or UsageError for pictures that it cannot use.
        """
        if style is None:
            return self.styles(n, whole_number("seed", seed)) if self.has_styles else None
        tensor = image_tensor(style)
        if tensor is None:
            tensor = prepared_pictures(style, self.hp)
        if len(tensor) not in (1, n):
            raise UsageError(f"style: {n} images need one picture, or {n}, not {len(tensor)}")
        parts = self._in_parts(lambda part: self.style_of(part, direction), 16, tensor)
        styles = torch.cat([*parts])
        return styles.expand(n, *styles.shape[1:]) if len(tensor) == 1 else styles

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
        size = self.hp.image_size
        if height != width and (size is None or isinstance(size, int)):
            raise UsageError(f"{name} classifies squares, not {width}x{height}")
        if n and size and sides(size) != (height, width):
            tensor = interpolate(
                tensor,
                sides(size),
                mode="bicubic",
                antialias=True,
            ).clamp(-1, 1)
        parts = self._in_parts(self.logits, 64, tensor)
        return torch.cat([part.softmax(1) for part in parts])

    def _checked_images(self, images: Tensor, verb: str) -> Tensor:
        """The images as float32. Raises UsageError for a wrong shape or dtype."""
        channels, shape = self.in_channels or self.hp.channels, tuple(images.shape)
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
