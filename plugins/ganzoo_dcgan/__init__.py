"""DCGAN (Radford, Metz & Chintala 2015), https://arxiv.org/abs/1511.06434, and one that is told the class."""

from ganzoo_dcgan.conditional import CDCGAN, CDCGANMini
from ganzoo_dcgan.dcgan import DCGAN, DCGANMini

__all__ = ["CDCGAN", "DCGAN", "CDCGANMini", "DCGANMini"]
