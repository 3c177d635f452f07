"""R3GAN (Huang, Gokaslan, Kuleshov & Tompkin 2025), https://arxiv.org/abs/2501.05441."""

from ganzoo_r3gan.r3gan import R3GAN

__all__ = ["R3GAN"]
