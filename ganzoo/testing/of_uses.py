"""What a model makes is what its task says, of the declared shapes and ranges."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import Unsupported
from ganzoo.model.contract import Model
from ganzoo.model.scores import Evaluation
from ganzoo.testing.broken import broken
from ganzoo.testing.cases import CLASSES, ModelCase
from ganzoo.testing.compared import described, difference, disturbed, in_range


def makes_what_its_task_says(case: ModelCase, folder: Path) -> None:
    """Images of the declared shape in [-1, 1], translations of the size they had, probabilities of the classes."""
    model = case.model()
    if model.directions:
        for direction in model.directions:
            _translates(case, direction)
    if model.classifies:
        _classifies(case)
    if case.kind.task == "unconditional-image-generation":
        _draws(case)


def gives_scores_that_are_numbers(case: ModelCase, folder: Path) -> None:
    """`evaluate(batches)`, of a model that has it, gives named numbers."""
    model = case.model()
    if not model.scored:
        return
    trainer = case.trainer()
    with torch.no_grad():
        found = model.evaluate([trainer.batch(0), trainer.batch(1)])
    if not isinstance(found, Evaluation) or not found.scores:
        broken(
            f"evaluate(batches) gives {type(found).__name__}: it must give ganzoo.Evaluation({{name: number}})"
        )
    for name, score in found.scores.items():
        if not isinstance(score, float | int):
            broken(
                f"the score {name} is {type(score).__name__}: it must be a number, tensor.item()"
            )
        if not isfinite(score):
            broken(
                f"the score {name} is {score} after no step: it must be finite, or no checkpoint could be the best"
            )


def used(model: Model, images: Tensor) -> Tensor | None:
    """What a model makes in its plain use: samples, translations of the images, or classes of them."""
    if model.directions:
        return model.translate(images)
    if model.classifies:
        return model.classify(images)
    return model.sample(3, seed=1) if model.task == "unconditional-image-generation" else None


def shows_a_preview(case: ModelCase, folder: Path) -> None:
    """`preview(batch)` gives images for samples.png; of a classifier it may refuse."""
    if case.kind.task == "image-classification":
        return
    trainer = case.trainer()
    batch = trainer.batch(0)
    try:
        with trainer.averaged_model() as model:
            images = model.preview(batch)
    except Unsupported as error:
        broken(f"{error}: say what samples.png shows, def preview(self, batch)")
    if images.ndim != 4 or images.shape[1] not in (1, 3, 4) or not in_range(images):
        broken(
            f"preview(batch) gives {described(images)}: it must be (n, 1, 3 or 4, height, width) in [-1, 1]"
        )


def _draws(case: ModelCase) -> None:
    model = case.trained()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    images = model.sample(5, seed=1)
    seeded = not torch.equal(state, torch.get_rng_state())
    expected = (5, *case.images(1).shape[1:])
    if tuple(images.shape) != expected or not in_range(images):
        broken(
            f"sample(5) gives {described(images)}: it must be {expected} in [-1, 1]; end the generator with tanh"
        )
    if 0 <= images.min() < images.max():
        broken(
            f"sample(5) gives {described(images)}, none of it below 0: black is -1, end with tanh, or 2 * x - 1"
        )
    if not torch.equal(images, disturbed(lambda: model.sample(5, seed=1))):
        broken("sample(5, seed=1) is not the same twice: all its chance is in latents(n, seed)")
    if seeded:
        broken(
            "sample changes torch's random state: draw with ganzoo.noise(n, ..., seed=seed), and seed nothing"
        )
    if torch.equal(images, model.sample(5, seed=2)):
        broken(
            "sample gives the same images for two seeds: use it in latents(n, seed), as ganzoo.noise does"
        )
    if not torch.allclose(images[:2], model.sample(2, seed=1), atol=1e-4):
        broken(
            "image i of sample depends on how many are drawn: latents with ganzoo.noise, and no norm over the batch"
        )
    if not model.training or difference(before, model.state_dict()):
        broken(
            "sample changes the model: generate(latents) is a pure function, and leaves train mode to the caller"
        )
    if (classes := getattr(case.hp, "classes", None)) and not model.classifies:
        one, other = (
            model.sample(2, seed=1, labels=torch.full((2,), label)) for label in (0, classes - 1)
        )
        if classes > 1 and torch.equal(one, other):
            broken(
                "it has the hyperparameter classes, but draws the same for all labels: use them in generate(latents, "
                "labels), or call the field otherwise"
            )
    if _outgrows(model, lambda: model.sample(2, seed=1)):
        broken(
            "sample leaves [-1, 1] as weights grow: end the generator with tanh, or clamp in generate"
        )


@torch.no_grad()
def _outgrows(model: Model, make: Callable[[], Tensor]) -> bool:
    """Whether what is made leaves [-1, 1] when weights are doubled, up to six times; the model is of no use then."""
    for _ in range(6):
        for parameter in model.parameters():
            parameter.mul_(2)
        images = make()
        if not images.isfinite().all():
            return False  # beyond what floats can tell
        if not in_range(images):
            return True
    return False


def _translates(case: ModelCase, direction: str) -> None:
    model = case.trained()
    images = case.images(2)
    odd = torch.cat([images, images], dim=2)[..., : images.shape[2] + 3, : images.shape[3] - 1]
    for given in (images, odd):
        made = model.translate(given, direction)
        if made.shape != given.shape or not in_range(made):
            broken(
                f"translate(images, {direction!r}) of {tuple(given.shape)} gives {described(made)}: it must be of the "
                f"same size, whatever that is, in [-1, 1] (pad in translated(), and cut back)"
            )
    if not torch.equal(made, disturbed(lambda: model.translate(odd, direction))):
        broken(f"translate(images, {direction!r}) is not the same twice: no chance in translated()")
    if not torch.allclose(made[:1], model.translate(odd[:1], direction), atol=1e-4):
        broken("a translation depends on the images beside it: no norm over the batch in eval mode")
    if _outgrows(model, lambda: model.translate(images, direction)):
        broken(
            f"translate(images, {direction!r}) leaves [-1, 1] as weights grow: end the network with tanh, or clamp"
        )


def _classifies(case: ModelCase) -> None:
    model, images = case.trained(), case.images(3)
    made, classes = model.classify(images), getattr(case.hp, "classes", None) or len(CLASSES)
    if made.shape != (3, classes) or not torch.allclose(made.sum(1), torch.ones(3), atol=1e-4):
        broken(
            f"classify gives {described(made)}: logits(images) must be one for each of the {classes} classes"
        )
    if not torch.equal(made, disturbed(lambda: model.classify(images))):
        broken("classify is not the same twice: no chance in logits()")
    if not torch.allclose(made[:1], model.classify(images[:1]), atol=1e-4):
        broken(
            "what classify says of an image depends on those beside it: no norm over the batch in eval mode"
        )
