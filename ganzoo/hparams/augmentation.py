"""The hyperparameters of what discriminators see: which augmentation, and its own."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from ganzoo.errors import HparamError
from ganzoo.hparams.fields import Range, scalar, text_of
from ganzoo.hparams.hparams import Hparams
from ganzoo.hparams.settings import AUGMENT

PAPER = {"colour": 1.0, "translation": 0.125, "cutout": 0.5}
"""The strengths of the paper (Zhao et al. 2020, arXiv:2006.10738)."""
NONE, DIFFAUGMENT = "none", "diffaugment"
"""The choices that need no plugin."""


class AugmentHparams(Hparams):
    """The base for models whose discriminators see augmented images, which small data sets need.

    `augment` names the augmentation: `diffaugment`, `none`, or one of a package. The others are
    strengths of DiffAugment, and 0 is off; the paper's are `colour=1`, `translation=0.125` and
    `cutout=0.5`. With another augmentation they are 0, and `augment.NAME` are its own
    hyperparameters.
    """

    augment: Annotated[
        str,
        "what changes the images that discriminators see: diffaugment, none, or of a package",
    ] = DIFFAUGMENT
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
    _augment: Annotated[
        tuple[str, ...],
        "hyperparameters of the augmentation, name=value",
    ] = ()

    def __post_init__(self) -> None:
        if self.augment != DIFFAUGMENT:
            for name in PAPER:
                object.__setattr__(self, name, 0.0)
        super().__post_init__()
        if self._augment and self.augment in (NONE, DIFFAUGMENT):
            name = self._augment[0].partition("=")[0]
            raise HparamError(
                f"{AUGMENT}{name}: augment={self.augment} has no such hyperparameter; "
                f"it has {', '.join(PAPER)}, or name another with augment=NAME"
            )

    @property
    def augment_settings(self) -> dict[str, str]:
        """The hyperparameters of the augmentation, as they are typed."""
        return dict(text.split("=", 1) for text in self._augment)

    def replaced(self, values: Mapping[str, Any]) -> Self:
        """Those of the augmentation stay, unless another augmentation is chosen."""
        own = {}
        if values.get("augment", self.augment) == self.augment:
            own = {f"{AUGMENT}{name}": text for name, text in self.augment_settings.items()}
        return super().replaced({"_augment": (), **own, **values})

    def to_json(self) -> dict[str, Any]:
        values = super().to_json()
        del values["_augment"]
        for name, text in self.augment_settings.items():
            values[f"{AUGMENT}{name}"] = scalar(text)
        return values

    @classmethod
    def parse(cls, assignment: str) -> tuple[str, Any]:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        own = name.removeprefix(AUGMENT)
        if own in PAPER:
            return super().parse(f"{own}={text}")
        if own != name and equals:
            return name, text.strip()
        return super().parse(assignment)

    @classmethod
    def _by_new_names(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        own: list[str] = []
        for name, value in values.items():
            rest = name.removeprefix(AUGMENT)
            if rest == name or rest in PAPER:
                plain[rest] = value
            else:
                own.append(f"{rest}={text_of(scalar(text_of(value)))}")
        if own:
            plain["_augment"] = tuple(sorted(own))
        return super()._by_new_names(plain)
