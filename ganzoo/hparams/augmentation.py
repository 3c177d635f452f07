"""The hyperparameters of differentiable augmentation."""

from dataclasses import dataclass
from typing import Annotated

from ganzoo.hparams.fields import Range
from ganzoo.hparams.hparams import Hparams


@dataclass(frozen=True, kw_only=True)
class AugmentHparams(Hparams):
    """Those of a model whose discriminators see augmented images; `class Hparams(augment.Hparams)` has them.

    Each is a strength, and 0 is off; a small data set needs them. The paper's are `colour=1`, `translation=0.125` (a
    share of the size) and `cutout=0.5` (likewise).
    """

    colour: Annotated[float, Range(0, 1)] = 0.0
    translation: Annotated[float, Range(0, 0.5)] = 0.0
    cutout: Annotated[float, Range(0, 1)] = 0.0
