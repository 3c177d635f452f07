"""Residual GANs: WGAN-GP (arXiv:1704.00028) and SNGAN (arXiv:1802.05957)."""

from ganzoo_resnet.sngan import SNGAN
from ganzoo_resnet.wgan_gp import WGANGP

__all__ = ["SNGAN", "WGANGP"]
