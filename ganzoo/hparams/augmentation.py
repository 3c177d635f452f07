"""The hyperparameters of differentiable augmentation."""

from typing import Annotated

from ganzoo.hparams.fields import Range
from ganzoo.hparams.hparams import Hparams

PAPER = {"colour": 1.0, "translation": 0.125, "cutout": 0.5}
"""The strengths of the paper (Zhao et al. 2020, arXiv:2006.10738)."""


class AugmentHparams(Hparams):
    """The base for models whose discriminators see augmented images, which small data sets need.

    Each field is a strength, and 0 is off. The paper's are `colour=1`, `translation=0.125` and
    `cutout=0.5`.
    """

    colour: Annotated[
        float,
        Range(0, 1),
        "strength of random brightness, saturation and contrast",
    ] = 0.0
    translation: Annotated[
        float,
        Range(0, 0.5),
        "largest random shift, as a share of the image size",
    ] = 0.0
    cutout: Annotated[
        float,
        Range(0, 1),
        "size of a random grey box, as a share of the image size",
    ] = 0.0
