"""Weights in tests: counted, copied and compared bit for bit."""

import torch


def parameter_count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def weights_of(module):
    """A copy of its state dict."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(one, other):
    """Whether two dicts have the same names and the same bits."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def assert_same_weights(ours, theirs):
    """Modules whose tensors are equal in order, whatever their names."""
    pairs = zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True)
    for (name, tensor), other in pairs:
        assert torch.equal(tensor, other), name
