"""DCGAN, https://arxiv.org/abs/1511.06434, DCGANs with classes and attributes, and LSGAN."""

from ganzoo_dcgan.attributes import AttributeDCGAN
from ganzoo_dcgan.conditional import CDCGAN, CDCGANMini
from ganzoo_dcgan.dcgan import DCGAN, DCGANMini
from ganzoo_dcgan.lsgan import LSGAN

__all__ = ["CDCGAN", "DCGAN", "LSGAN", "AttributeDCGAN", "CDCGANMini", "DCGANMini"]
