"""Simultaneous gradient descent (Mescheder, Nowozin & Geiger 2017), https://arxiv.org/abs/1705.10461."""

from typing import Any

from torch import Tensor, nn

import ganzoo


class Simultaneous(ganzoo.Trainer):
    """Every player moves once per step, on the sum of its losses, and all losses are known before anybody moves.

    Mescheder, Nowozin & Geiger 2017, "The Numerics of GANs", algorithm 1 (arXiv:1705.10461). What follows a `yield` in
    `losses` sees the networks as they were: weights that a model clips there are clipped before the move. A player that
    yields several times (critic steps) reports, term by term, the sums that it minimises. The graphs of all losses are
    kept until the last: it takes more memory.
    """

    retains_graphs = True

    def step(self, batch: Any) -> dict[str, Tensor]:
        sums: dict[nn.Module, dict[str, Tensor]] = {}
        for turn in self.turns(batch):
            own = sums.setdefault(turn.player, {})
            for name, loss in turn.losses.items():
                own[name] = own[name] + loss if name in own else loss
        losses: dict[str, Tensor] = {}
        gradients = {}
        for number, (player, terms) in enumerate(sums.items(), start=1):
            shared = number < len(sums)  # later losses may share a forward pass
            losses |= self.backward(ganzoo.Turn(player, terms), retain_graph=shared)
            gradients[player] = [parameter.grad for parameter in self.optimizers.trained(player)]
        for player, own_gradients in gradients.items():
            parameters = self.optimizers.trained(player)
            for parameter, gradient in zip(parameters, own_gradients, strict=True):
                parameter.grad = gradient  # players may share it, each with a gradient of its own
            self.update(player)
        return losses
