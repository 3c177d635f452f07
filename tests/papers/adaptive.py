"""Adaptive augmentation, https://arxiv.org/abs/2006.06676, with flips, shifts and brightness."""

from typing import Annotated

import torch

import ganzoo


class Adaptive(ganzoo.Augmentation):
    """Augments more while the discriminator is sure of real images (Karras et al. 2020, sec. 3)."""

    class Hparams(ganzoo.Settings):
        target: Annotated[float, ganzoo.Range(-1, 1), "of r_t, the mean sign of logits"] = 0.6
        speed: Annotated[float, ganzoo.Range(0, 1), "change of p in an adjustment"] = 0.05
        interval: Annotated[int, ganzoo.Range(1, 64), "observations between adjustments"] = 4

    def __init__(self, hp):
        super().__init__(hp)
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(()))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    def forward(self, images, draws):
        n = len(images)
        coins = draws.rand(n, 3, 1, 1) < self.p
        flipped, moved, lit = (coins[:, i : i + 1] for i in range(3))
        images = torch.where(flipped, images.flip(3), images)
        images = torch.where(moved, images.roll((1, -1), (2, 3)), images)
        light = 0.2 * draws.randn(n, 1, 1, 1)
        return torch.where(lit, images + light, images)

    def observe(self, logits):
        self.signs += logits.float().sign().mean()
        self.count += 1
        due = self.count % self.hp.interval == 0
        mean = self.signs / self.hp.interval
        change = self.hp.speed * (mean - self.hp.target).sign()
        self.p.copy_(torch.where(due, (self.p + change).clamp(0, 1), self.p))
        self.signs.copy_(torch.where(due, 0.0, self.signs))
