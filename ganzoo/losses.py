"""Adversarial losses: pure functions of the discriminator's logits.

Each pair is what the discriminator minimises (a dict of terms, so that each is reported) and what the
generator minimises. Logits have any shape (a number for an image, a map for patches); a loss is their mean.
"""

from torch import Tensor
from torch.nn.functional import softplus


def non_saturating_discriminator(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """-log D(x) and -log(1 - D(G(z))), with D = sigmoid(logit): cross-entropy against the labels 1 and 0.

    Goodfellow et al. 2014, equation 1 (arXiv:1406.2661), negated.
    """
    return {"real": softplus(-real).mean(), "fake": softplus(fake).mean()}


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-log D(G(z)): its gradient does not vanish where the discriminator is sure (Goodfellow 2014, section 3)."""
    return softplus(-fake).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """(D(x) - 1)^2 and D(G(z))^2: Mao et al. 2017, equation 9 with a = 0 and b = 1 (arXiv:1611.04076), times 2."""
    return {"real": (real.float() - 1).square().mean(), "fake": fake.float().square().mean()}  # not in bf16


def least_squares_generator(fake: Tensor) -> Tensor:
    """(D(G(z)) - 1)^2: Mao et al. 2017, equation 9 with c = 1, times 2."""
    return (fake.float() - 1).square().mean()
