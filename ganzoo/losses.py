"""Adversarial losses and gradient penalties: pure functions of the discriminator's logits.

Each pair is what the discriminator minimises (a dict of terms, so that each is reported; of pairs it is one number) and
what the generator minimises. Logits have any shape (a number for an image, a map for patches); a loss is their mean.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn.functional import relu, softplus

from ganzoo.errors import PluginError


def non_saturating_discriminator(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """-log D(x) and -log(1 - D(G(z))), with D = sigmoid(logit): cross-entropy against the labels 1 and 0.

    Goodfellow et al. 2014, equation 1 (arXiv:1406.2661), negated.
    """
    return {
        "real": softplus(-real.float()).mean(),
        "fake": softplus(fake.float()).mean(),
    }  # not in bf16


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-log D(G(z)): its gradient does not vanish where the discriminator is sure (Goodfellow 2014, section 3)."""
    return softplus(-fake.float()).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """(D(x) - 1)^2 and D(G(z))^2: Mao et al. 2017, equation 9 with a = 0 and b = 1 (arXiv:1611.04076), times 2."""
    return {"real": (real.float() - 1).square().mean(), "fake": fake.float().square().mean()}


def least_squares_generator(fake: Tensor) -> Tensor:
    """(D(G(z)) - 1)^2: Mao et al. 2017, equation 9 with c = 1, times 2."""
    return (fake.float() - 1).square().mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """max(0, 1 - D(x)) and max(0, 1 + D(G(z))): Miyato et al. 2018, equation 17 (arXiv:1802.05957), negated."""
    return {"real": relu(1 - real.float()).mean(), "fake": relu(1 + fake.float()).mean()}


def hinge_generator(fake: Tensor) -> Tensor:
    """-D(G(z)): Miyato et al. 2018, equation 18."""
    return -fake.float().mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """-D(x) and D(G(z)): the critic's estimate of the distance, negated (Arjovsky et al. 2017, arXiv:1701.07875)."""
    return {"real": -real.float().mean(), "fake": fake.float().mean()}


def wasserstein_generator(fake: Tensor) -> Tensor:
    """-D(G(z)) (Arjovsky et al. 2017, algorithm 1)."""
    return -fake.float().mean()


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """-log sigmoid(D(x) - D(G(z))), for pairs of a real and a generated image (logits of equal shapes).

    Jolicoeur-Martineau 2018 (arXiv:1807.00734), as R3GAN has it: Huang et al. 2025, equation 2 (arXiv:2501.05441).
    """
    return _paired(fake, real)


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-log sigmoid(D(G(z)) - D(x)): the same pairs, the other way round (Huang et al. 2025, equation 2)."""
    return _paired(real, fake)


@dataclass(frozen=True)
class LossPair:
    """The two sides of an adversarial loss as one value, so that a variant is one attribute."""

    discriminator: Callable[[Tensor, Tensor], dict[str, Tensor]]
    """Logits of real and of generated images -> named terms to minimise."""
    generator: Callable[[Tensor], Tensor]
    """Logits of generated images -> the scalar to minimise."""


NON_SATURATING = LossPair(non_saturating_discriminator, non_saturating_generator)
LEAST_SQUARES = LossPair(least_squares_discriminator, least_squares_generator)
HINGE = LossPair(hinge_discriminator, hinge_generator)
WASSERSTEIN = LossPair(wasserstein_critic, wasserstein_generator)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, draws: Tensor
) -> Tensor:
    """(|gradient of D at x'| - 1)^2, x' on the straight line between a real and a generated image.

    Gulrajani et al. 2017, equation 3 without its factor (arXiv:1704.00028). draws `(n, 1, 1, 1)` uniform in [0, 1) say
    where on the line. Its gradient asks for a second derivative, which torch.compile refuses.
    """
    if draws.shape != (
        len(real),
        *[1] * (real.ndim - 1),
    ):  # others would be stretched, without a word
        raise PluginError(
            f"gradient_penalty: draws of {tuple(draws.shape)}; it takes self.rand(len(real), 1, 1, 1)"
        )
    between = torch.lerp(fake.detach().type_as(real), real, draws).requires_grad_()
    norms: Tensor = vector_norm(_gradient(between, critic(between)), dim=1)
    return (norms - 1).square().mean()


def zero_centred_penalty(images: Tensor, logits: Tensor) -> Tensor:
    """|gradient of D by the images|^2: R1 on real images, R2 on generated ones; usually times gamma / 2.

    Mescheder et al. 2018, equations 9 and 10 (arXiv:1801.04406). images `(n, ...)` must ask for a gradient before the
    logits are made of them: `images.detach().requires_grad_()`.
    """
    return _gradient(images, logits).square().sum(1).mean()


def _paired(one: Tensor, other: Tensor) -> Tensor:
    if one.shape != other.shape:
        raise PluginError(
            f"a relativistic loss is of pairs, not of logits {tuple(one.shape)} and {tuple(other.shape)}"
        )
    return softplus(one.float() - other.float()).mean()


def _gradient(images: Tensor, logits: Tensor) -> Tensor:
    """`(n, pixels)`: how each image's logits change with its pixels, itself differentiable."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    pixels: Tensor = gradient.flatten(1).to(torch.promote_types(gradient.dtype, torch.float32))
    return pixels
