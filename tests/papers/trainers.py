"""Two trainers: one that accumulates, and one that clips, each player as its role asks."""

from typing import Annotated

import torch
from torch.nn.utils import clip_grad_norm_
from torch.utils._pytree import tree_map

import ganzoo


class Accumulating(ganzoo.Trainer):
    """Gradients of the parts of a batch, averaged (Goyal et al. 2017, arXiv:1706.02677)."""

    class Hparams(ganzoo.Settings):
        parts: Annotated[int, ganzoo.Range(1, 64), "parts of a batch"] = 2

    def step(self, batch):
        losses = {}
        parts = [
            tree_map(lambda one, i=i: one.tensor_split(self.hp.parts)[i], batch)
            for i in range(self.hp.parts)
        ]
        for turns in zip(*(self.turns(part) for part in parts), strict=True):
            player = turns[0].player
            trained = self.optimizers.trained(player)
            sums = [torch.zeros_like(parameter) for parameter in trained]
            for turn in turns:
                losses |= self.backward(turn)
                for total, parameter in zip(sums, trained, strict=True):
                    if parameter.grad is not None:
                        total += parameter.grad / len(turns)
            for total, parameter in zip(sums, trained, strict=True):
                parameter.grad = total if parameter.grad is not None else None
            self.update(player)
        return losses


class Clipping(ganzoo.Trainer):
    """No gradient of a discriminator is longer than a bound (arXiv:1211.5063)."""

    class Hparams(ganzoo.Settings):
        longest: Annotated[float, ganzoo.Range(0, 1e6), "norm of a gradient"] = 1.0

    def step(self, batch):
        losses = {}
        for turn in self.turns(batch):
            losses |= self.backward(turn)
            if self.model.role_of(turn.player) == "discriminator":
                clip_grad_norm_(self.optimizers.trained(turn.player), self.hp.longest)
            self.update(turn.player)
        return losses
