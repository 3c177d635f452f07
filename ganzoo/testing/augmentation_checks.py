"""The checks of an augmentation, on a small model and on images of its own."""

from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from ganzoo.model.augmentation import Augmentation, Draws
from ganzoo.testing.cases import AugmentationCase, broken, finished
from ganzoo.testing.recording import described, difference, other_random_states
from ganzoo.training.trainer import Trainer

N = 6


def _augmented(augmentation: Augmentation, images: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(1)

    def rand(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator)

    def randn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    result: Tensor = augmentation(images, Draws(rand, randn))
    return result


def keeps_shape_and_batch(case: AugmentationCase) -> None:
    """Images of any size and channels keep their shape, and are finite."""
    for channels, height, width in ((3, 16, 16), (1, 8, 12)):
        images = case.images(N, channels, height, width)
        result = _augmented(case.augmentation(), images)
        if result.shape != images.shape or not result.isfinite().all():
            broken(
                f"forward of {tuple(images.shape)} gives {described(result)}",
                "keep the shape of the images",
            )


def is_a_function_of_its_draws(case: AugmentationCase) -> None:
    """Equal draws give equal images, whatever other random numbers there are."""
    augmentation, images = case.strong(), case.images(N)
    first = _augmented(augmentation, images)
    with other_random_states():
        again = _augmented(augmentation, images)
    if not first.equal(again):
        broken("two calls with the same draws differ", "take random numbers from draws alone")


def lets_gradients_through(case: AugmentationCase) -> None:
    """The generator learns through it."""
    images = case.images(N).requires_grad_()
    result = _augmented(case.strong(), images)
    if not result.requires_grad:
        broken("no gradient passes forward", "use differentiable operations")
    [gradient] = torch.autograd.grad(result.square().sum(), images)
    if not gradient.isfinite().all() or not gradient.any():
        broken("the gradient through forward is zero or not finite", "use smooth operations")


def changes_nothing_of_its_own_in_forward(case: AugmentationCase) -> None:
    """Buffers change in `observe` alone, and the images that come in do not change."""
    augmentation, images = case.strong(), case.images(N)
    before = {name: tensor.clone() for name, tensor in augmentation.named_buffers()}
    copies = images.clone()
    _augmented(augmentation, images)
    if name := difference(before, dict(augmentation.named_buffers())):
        broken(f"forward changes {name}", "change buffers in observe(logits)")
    if not images.equal(copies):
        broken("forward changes the images in place", "make new tensors")


def is_resumed_bit_for_bit(case: AugmentationCase) -> None:
    """A training that is stopped and continued ends as one in one go."""
    whole = case.trainer()
    result = finished(whole)
    half = case.trainer()
    next(half)
    next(half)
    with TemporaryDirectory() as run:
        half.save(run)
        resumed = Trainer.resume(run, case.data, device="cpu")
    again = finished(resumed)
    name = difference(result.weights, again.weights)
    name = name or difference(case.buffers(whole), case.buffers(resumed))
    if name:
        broken(f"resumed, it ends with another {name}", "keep its state in buffers")


CHECKS = [
    keeps_shape_and_batch,
    is_a_function_of_its_draws,
    lets_gradients_through,
    changes_nothing_of_its_own_in_forward,
    is_resumed_bit_for_bit,
]
