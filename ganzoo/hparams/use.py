"""Use: settings of a trained model that change its images, not its training."""

from typing import ClassVar

from ganzoo.hparams.settings import Settings


class Use(Settings):
    """The settings of use of a model: truncation, a strength. A model's own class declares them.

    `class Use(ganzoo.Use)` in the model, with fields as in `Hparams`. `generate` or `translated`
    gets each by keyword.
    """

    noun: ClassVar[str] = "setting"
