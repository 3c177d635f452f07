"""Simultaneous gradient descent (Mescheder et al. 2017), https://arxiv.org/abs/1705.10461."""

from typing import Any

from torch import Tensor, nn

import ganzoo


class Simultaneous(ganzoo.Trainer):
    """Every player moves once per step, on the sum of its losses, after all losses are known.

    Mescheder, Nowozin & Geiger 2017, "The Numerics of GANs", algorithm 1 (arXiv:1705.10461).
    Code after a `yield` in `losses` sees the networks before their moves: weights that a model
    clips there are clipped before the move. A player that yields several times (critic steps)
    reports the sum of each term. The graphs of all losses are kept until the last one, which
    takes more memory.
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
        remaining = len(sums)
        for player, terms in sums.items():
            remaining -= 1
            turn = ganzoo.Turn(player, terms)
            # Later losses may share a forward pass.
            losses |= self.backward(turn, retain_graph=remaining > 0)
            trained = self.optimizers.trained(player)
            gradients[player] = [parameter.grad for parameter in trained]

        for player, own_gradients in gradients.items():
            trained = self.optimizers.trained(player)
            for parameter, gradient in zip(trained, own_gradients, strict=True):
                # Players may share the parameter, each with a gradient of its own.
                parameter.grad = gradient
            self.update(player)
        return losses
