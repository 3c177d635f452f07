"""Image translation: CycleGAN, https://arxiv.org/abs/1703.10593, pix2pix, and CUT."""

from ganzoo_cyclegan.cut import CUT
from ganzoo_cyclegan.cyclegan import CycleGAN, CycleGANMini
from ganzoo_cyclegan.pix2pix import Pix2Pix, Pix2PixMini

__all__ = ["CUT", "CycleGAN", "CycleGANMini", "Pix2Pix", "Pix2PixMini"]
