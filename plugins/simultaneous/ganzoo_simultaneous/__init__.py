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
        for player, loss in self.moves(batch):
            mine = sums.setdefault(player, {})
            for name, term in self.terms(player, loss).items():
                mine[name] = mine[name] + term if name in mine else term
        gradients = {}
        for left, (player, terms) in enumerate(sums.items(), 1 - len(sums)):
            self.backward(player, terms, retain_graph=left < 0)  # losses may share a forward pass
            gradients[player] = [parameter.grad for parameter in self.optimizers.trained(player)]
        for player, found in gradients.items():
            for parameter, gradient in zip(self.optimizers.trained(player), found, strict=True):
                parameter.grad = gradient  # players may share it, each with a gradient of its own
            self.optimizers[player].step()
        return {name: term.detach() for terms in sums.values() for name, term in terms.items()}
