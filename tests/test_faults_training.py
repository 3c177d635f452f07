"""Faults of training that were found and mended."""

from torch import nn

import ganzoo


def test_adam_keeps_every_parameter_of_a_group_that_is_a_generator():
    net = nn.Linear(2, 2)
    optimizer = ganzoo.adam([{"params": net.parameters()}])
    assert optimizer.param_groups[0]["params"] == [net.weight, net.bias]
