"""The hyperparameters of what discriminators see: which augmentation, and its own."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from ganzoo.errors import HparamError
from ganzoo.hparams.fields import Range
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
    `cutout=0.5`. With another augmentation they are 0, their defaults too, and `augment.NAME` are
    its own hyperparameters, which are kept as they are until a training begins.
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
        "hyperparameters of the augmentation, name=JSON",
    ] = ()

    def __post_init__(self) -> None:
        if self.augment != DIFFAUGMENT:
            self._switch_diffaugment_off()
        super().__post_init__()
        if self._augment and self.augment in (NONE, DIFFAUGMENT):
            name = self._augment[0].partition("=")[0]
            raise HparamError(
                f"{AUGMENT}{name}: augment={self.augment} has no such hyperparameter; "
                f"it has {', '.join(PAPER)}, or name another with augment=NAME"
            )

    def _switch_diffaugment_off(self) -> None:
        """Sets the defaults of its strengths to 0. Raises HparamError for others."""
        for name in PAPER:
            value, default = getattr(self, name), self.__dataclass_fields__[name].default
            if value not in (0, default):
                raise HparamError(
                    f"{name}={value} is a strength of {DIFFAUGMENT}, not of "
                    f"augment={self.augment}: leave it out, or set augment={DIFFAUGMENT}"
                )
            object.__setattr__(self, name, 0.0)

    @property
    def augment_settings(self) -> dict[str, Any]:
        """The hyperparameters of the augmentation; those of a command are texts."""
        result: dict[str, Any] = {}
        for setting in self._augment:
            name, _, value = setting.partition("=")
            result[name] = json.loads(value)
        return result

    def with_augment_settings(self, values: Mapping[str, Any]) -> Self:
        """A copy with all hyperparameters of the augmentation, as JSON has them."""
        return replace(self, _augment=_encoded(values))

    def replaced(self, values: Mapping[str, Any]) -> Self:
        """Those of the augmentation stay, unless another augmentation is chosen."""
        own = {}
        if values.get("augment", self.augment) == self.augment:
            own = {f"{AUGMENT}{name}": value for name, value in self.augment_settings.items()}
        return super().replaced({"_augment": (), **own, **values})

    def to_json(self) -> dict[str, Any]:
        values = super().to_json()
        del values["_augment"]
        for name, value in self.augment_settings.items():
            values[f"{AUGMENT}{name}"] = value
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
        own: dict[str, Any] = {}
        for name, value in values.items():
            rest = name.removeprefix(AUGMENT)
            if rest != name and rest not in PAPER:
                own[rest] = value
                continue
            if rest in plain:
                raise HparamError(f"{rest} has two values: {rest} and {AUGMENT}{rest} are the same")
            plain[rest] = value
        if own:
            plain["_augment"] = _encoded(own)
        return super()._by_new_names(plain)


def _encoded(values: Mapping[str, Any]) -> tuple[str, ...]:
    """`name=JSON` of each value, by name. Raises HparamError for one that JSON lacks."""
    result = []
    for name, value in sorted(values.items()):
        if hasattr(value, "tolist"):  # a number or an array of NumPy
            value = value.tolist()
        try:
            result.append(f"{name}={json.dumps(value)}")
        except (TypeError, ValueError):
            kind = type(value).__name__
            raise HparamError(
                f"{AUGMENT}{name}: expected a number, a text or a list of them, not a {kind}"
            ) from None
    return tuple(result)
