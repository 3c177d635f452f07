"""DCGAN, https://arxiv.org/abs/1511.06434, a class-conditional DCGAN, and LSGAN."""

from ganzoo_dcgan.conditional import CDCGAN, CDCGANMini
from ganzoo_dcgan.dcgan import DCGAN, DCGANMini
from ganzoo_dcgan.lsgan import LSGAN

__all__ = ["CDCGAN", "DCGAN", "LSGAN", "CDCGANMini", "DCGANMini"]
