"""Residual GANs: WGAN-GP, https://arxiv.org/abs/1704.00028, and SNGAN, https://arxiv.org/abs/1802.05957."""

from ganzoo_resnet.sngan import SNGAN
from ganzoo_resnet.wgan_gp import WGANGP

__all__ = ["SNGAN", "WGANGP"]
