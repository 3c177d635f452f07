"""A model that keeps nobody from anybody's gradients: whether only the mover changes is then up to the trainer."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ganzoo import losses
from ganzoo.hparams.hparams import Hparams
from ganzoo.model.construct import initialised
from ganzoo.model.contract import Model, Move
from ganzoo.training.trainer import Trainer


class Reference(Model):
    """Two linear layers against each other, neither frozen nor detached (Goodfellow et al. 2014, arXiv:1406.2661)."""

    task = "unconditional-image-generation"

    def __init__(self, hp: Hparams) -> None:
        super().__init__(hp)
        self.generator, self.discriminator = nn.Linear(4, 9), nn.Linear(9, 1)

    def losses(self, real: Tensor) -> Iterator[Move]:
        fake = self.generator(self.randn(len(real), 4))
        logits = self.discriminator(real.flatten(1))
        yield (
            self.discriminator,
            losses.non_saturating_discriminator(logits, self.discriminator(fake)),
        )
        yield self.generator, losses.non_saturating_generator(self.discriminator(fake))


def reference_trainer(kind: type[Trainer]) -> Trainer:
    """A trainer of this kind, of that model on noise."""
    hp = Hparams(batch_size=4, steps=2, lr=0.01)
    images = torch.rand(8, 1, 3, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return kind(initialised(Reference, hp), images, device="cpu", precision="fp32")
