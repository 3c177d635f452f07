"""Adversarial losses and gradient penalties: pure functions of the discriminator's logits.

Each pair is what the discriminator minimises (a dict of terms, so that each is reported; for
relativistic losses it is one number) and what the generator minimises. Logits have any shape (a
number for an image, a map for patches); a loss is their mean. All is computed in fp32.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn.functional import relu, softplus

from ganzoo.errors import PluginError

Terms = dict[str, Tensor]


def non_saturating_discriminator(
    real: Tensor,
    fake: Tensor,
) -> Terms:
    """-log D(x) and -log(1 - D(G(z))), with D = sigmoid(logit): cross-entropy with labels 1 and 0.

    Goodfellow et al. 2014, equation 1 (arXiv:1406.2661), negated.
    """
    return _terms(softplus(-real.float()), softplus(fake.float()))


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-log D(G(z)): its gradient does not vanish where the discriminator is sure.

    Goodfellow et al. 2014, section 3.
    """
    return softplus(-fake.float()).mean()


def least_squares_discriminator(
    real: Tensor,
    fake: Tensor,
) -> Terms:
    """(D(x) - 1)^2 and D(G(z))^2.

    Mao et al. 2017, equation 9 with a = 0 and b = 1 (arXiv:1611.04076), times 2.
    """
    return _terms((real.float() - 1).square(), fake.float().square())


def least_squares_generator(fake: Tensor) -> Tensor:
    """(D(G(z)) - 1)^2: Mao et al. 2017, equation 9 with c = 1, times 2."""
    return (fake.float() - 1).square().mean()


def hinge_discriminator(
    real: Tensor,
    fake: Tensor,
) -> Terms:
    """max(0, 1 - D(x)) and max(0, 1 + D(G(z))).

    Miyato et al. 2018, equation 17 (arXiv:1802.05957), negated.
    """
    return _terms(relu(1 - real.float()), relu(1 + fake.float()))


def hinge_generator(fake: Tensor) -> Tensor:
    """-D(G(z)): Miyato et al. 2018, equation 18."""
    return -fake.float().mean()


def wasserstein_critic(
    real: Tensor,
    fake: Tensor,
) -> Terms:
    """-D(x) and D(G(z)): the critic's estimate of the distance, negated.

    Arjovsky et al. 2017 (arXiv:1701.07875).
    """
    return _terms(-real.float(), fake.float())


def wasserstein_generator(fake: Tensor) -> Tensor:
    """-D(G(z)) (Arjovsky et al. 2017, algorithm 1)."""
    return -fake.float().mean()


def relativistic_discriminator(
    real: Tensor,
    fake: Tensor,
) -> Tensor:
    """-log sigmoid(D(x) - D(G(z))), for pairs of a real and a generated image, of equal shapes.

    Jolicoeur-Martineau 2018 (arXiv:1807.00734), as R3GAN has it: Huang et al. 2025, equation 2
    (arXiv:2501.05441).
    """
    return _paired(fake, real)


def relativistic_generator(
    real: Tensor,
    fake: Tensor,
) -> Tensor:
    """-log sigmoid(D(G(z)) - D(x)): the same pairs, the other way round (equation 2 as well)."""
    return _paired(real, fake)


@dataclass(frozen=True)
class LossPair:
    """The two sides of an adversarial loss as one value, so that a variant is one attribute."""

    discriminator: Callable[[Tensor, Tensor], Terms]
    """Logits of real and of generated images -> named terms to minimise."""
    generator: Callable[[Tensor], Tensor]
    """Logits of generated images -> the scalar to minimise."""


NON_SATURATING = LossPair(
    non_saturating_discriminator,
    non_saturating_generator,
)
LEAST_SQUARES = LossPair(
    least_squares_discriminator,
    least_squares_generator,
)
HINGE = LossPair(hinge_discriminator, hinge_generator)
WASSERSTEIN = LossPair(wasserstein_critic, wasserstein_generator)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    draws: Tensor,
) -> Tensor:
    """(|gradient of D at x'| - 1)^2, x' on the straight line between a real and a generated image.

    Gulrajani et al. 2017, equation 3 without its factor (arXiv:1704.00028). draws `(n, 1, 1, 1)`
    uniform in [0, 1) say where on the line. Its gradient asks for a second derivative, which
    torch.compile refuses.
    """
    # draws of other shapes would be stretched, without a word
    shape, ones = tuple(draws.shape), [1] * (real.ndim - 1)
    if shape != (len(real), *ones):
        raise PluginError(
            f"gradient_penalty: draws of {shape}; it takes self.rand(len(real), 1, 1, 1)"
        )
    generated = fake.detach().type_as(real)
    between = torch.lerp(generated, real, draws).requires_grad_()
    gradient = _gradient(between, critic(between))
    norms: Tensor = vector_norm(gradient, dim=1)
    return (norms - 1).square().mean()


def zero_centred_penalty(images: Tensor, logits: Tensor) -> Tensor:
    """|gradient of D by the images|^2: R1 on real images, R2 on generated ones.

    Usually times gamma / 2. Mescheder et al. 2018, equations 9 and 10 (arXiv:1801.04406). images
    `(n, ...)` must ask for a gradient before the logits are made of them:
    `images.detach().requires_grad_()`.
    """
    return _gradient(images, logits).square().sum(1).mean()


def _terms(real: Tensor, fake: Tensor) -> Terms:
    return {"real": real.mean(), "fake": fake.mean()}


def _paired(one: Tensor, other: Tensor) -> Tensor:
    shape, other_shape = tuple(one.shape), tuple(other.shape)
    if shape != other_shape:
        raise PluginError(
            f"a relativistic loss needs logits of equal shapes, not {shape} and {other_shape}"
        )
    return softplus(one.float() - other.float()).mean()


def _gradient(images: Tensor, logits: Tensor) -> Tensor:
    """`(n, pixels)`: how each image's logits change with its pixels, itself differentiable."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    dtype = torch.promote_types(gradient.dtype, torch.float32)
    pixels: Tensor = gradient.flatten(1).to(dtype)
    return pixels
