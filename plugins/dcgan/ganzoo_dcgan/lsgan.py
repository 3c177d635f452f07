"""LSGAN (Mao et al. 2017), https://arxiv.org/abs/1611.04076."""

from ganzoo import losses
from ganzoo_dcgan.dcgan import DCGAN


class LSGAN(DCGAN):
    """Least squares GAN (Mao, Li, Xie, Lau, Wang & Smolley 2017, arXiv:1611.04076).

    The discriminator is to say 1 for real images and 0 for generated ones (equation 9). Its loss
    grows with the distance to these, so that the generator also learns from a fake that lies far
    on the right side. Networks and settings are DCGAN's, on which the paper builds, and not
    those of the paper's own networks for 112x112.
    """

    adversarial = losses.LEAST_SQUARES
