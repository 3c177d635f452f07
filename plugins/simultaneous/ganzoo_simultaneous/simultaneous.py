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
        for player, loss in self.moves(batch):
            terms = sums.setdefault(player, {})
            for name, term in self.terms(player, loss).items():
                terms[name] = terms[name] + term if name in terms else term

        gradients = {}
        remaining = len(sums)
        for player, terms in sums.items():
            remaining -= 1
            # losses may share a forward pass
            self.backward(player, terms, retain_graph=remaining > 0)
            trained = self.optimizers.trained(player)
            gradients[player] = [parameter.grad for parameter in trained]

        for player, own in gradients.items():
            trained = self.optimizers.trained(player)
            for parameter, gradient in zip(trained, own, strict=True):
                # Players may share the parameter, each with a gradient of its own.
                parameter.grad = gradient
            self.optimizers[player].step()

        losses = {}
        for terms in sums.values():
            for name, term in terms.items():
                losses[name] = term.detach()
        return losses
