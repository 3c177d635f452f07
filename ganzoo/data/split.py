"""Training data and validation data: the part that is held out, or a data set of its own."""

import logging
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.batches import Batches
from ganzoo.data.dataset_images import DatasetImages
from ganzoo.data.images import check_labels
from ganzoo.data.open import Data, source_text
from ganzoo.errors import DataError, HparamError
from ganzoo.hparams.hparams import Hparams
from ganzoo.seeds import rng

logger = logging.getLogger(__name__)


def at_least_one(share: float, size: int) -> int:
    """How many of a class of `size` images are held out: a share, and one of two or more."""
    return min(max(1, round(share * size)), size - 1)


def rounded(share: float, size: int) -> int:
    """The same without the one: of a small class none is held out."""
    return min(round(share * size), size - 1)


RULES = {"at least one of each class": at_least_one, "rounded": rounded}
"""Name in config.json -> how many images of a class are held out."""
NEWEST, OLDEST = RULES
"""The rule of new runs, and of those that record none."""
NAMED = 10
"""Classes that a warning names."""


def train_validation_split(
    data: Data,
    validation: Data | None,
    hp: Hparams,
    view: Any,
    device: torch.device,
    rule: str = NEWEST,
) -> tuple[Batches, Batches | None]:
    """Batches to train on, and to score on: all of `validation`, or the share `hp.validation`.

    `rule` is the name of one of RULES. Raises DataError if that share has no image or `validation`
    does not go with the data, and HparamError or DataError if the data's classes are not the
    model's.
    """
    name, labels = source_text(data), data.class_numbers
    names, count = data.info.classes, hp.classes
    if count and names and len(names) != count:
        raise HparamError(
            f"classes={count}, and {name} has {len(names)}: leave classes to the data"
        )
    if labels is not None:
        check_labels([int(labels.min()), int(labels.max())], count)
    batches = partial(
        Batches,
        view=view,
        batch_size=hp.batch_size,
        seed=hp.seed,
        device=device,
    )
    if validation is not None:
        _check_validation(validation, data, count)
        return batches(data), batches(validation)
    share = hp.validation
    if not share:
        return batches(data), None
    if rule not in RULES:
        raise DataError(f"the validation data were chosen as {rule!r}: pip install -U ganzoo")
    first = data.parts[0]
    if rule == OLDEST and isinstance(first, DatasetImages) and not first.names_labels:
        labels = None  # earlier versions did not look into the items of a list
    trained, held_out = validation_indices(len(data), labels, share, hp.seed, rule)
    if not len(held_out):
        raise DataError(
            f"validation={share} of {len(data)} images is none: add images, or set validation=0"
        )
    if labels is not None:
        _warn_of_single_images(data, labels)
    return batches(data, subset=trained), batches(data, subset=held_out)


def _check_validation(validation: Data, data: Data, count: int | None) -> None:
    """Raises DataError unless it is other data than the training's, of the same classes."""
    name, other = source_text(data), source_text(validation)
    names, labels = data.info.classes, validation.class_numbers
    if _is_same(validation, data):
        raise DataError(f"{other} is also the training data: choose another validation set")
    if names and validation.info.classes not in ((), names):
        odd = ", ".join(sorted({*names} ^ {*validation.info.classes}))
        raise DataError(f"{other} has other classes than {name} (only one of them has {odd})")
    if labels is not None:
        check_labels([int(labels.min()), int(labels.max())], count)


def _is_same(one: Data, other: Data) -> bool:
    """Whether two data sets have the same images, or are one Dataset, whose images are unknown."""
    first, second = one.parts[0], other.parts[0]
    if isinstance(first, DatasetImages) and isinstance(second, DatasetImages):
        return first.dataset is second.dataset
    return one.fingerprint == other.fingerprint


def validation_hparams(hp: Hparams) -> Hparams:
    """The hyperparameters to open validation data with, whose last batch may be small."""
    return hp.replaced({"batch_size": 2})


def validation_indices(
    total: int,
    labels: Tensor | None,
    share: float,
    seed: int,
    rule: str = NEWEST,
) -> tuple[Tensor, Tensor]:
    """The indices of the images to train on, and of a `share` of them to hold out; both ascending.

    They depend on the seed. With labels each class gives its share by the rule, and keeps at least
    one image.
    """
    draws = torch.rand(total, generator=rng("validation", seed, 0))
    groups = torch.zeros(total) if labels is None else labels.cpu()
    held_out = torch.zeros(total, dtype=torch.bool)
    for label in range(int(groups.max()) + 1):
        group = (groups == label).argwhere()[:, 0]
        count = RULES[rule](share, len(group))
        order = draws[group].argsort()
        held_out[group[order[:count]]] = True
    return (~held_out).argwhere()[:, 0], held_out.argwhere()[:, 0]


def _warn_of_single_images(data: Data, labels: Tensor) -> None:
    single = (labels.cpu().bincount() == 1).argwhere()[:, 0].tolist()
    if not single:
        return
    names = [data.info.classes[label] if data.info.classes else str(label) for label in single]
    text = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        text += f" and {len(names) - NAMED} more"
    logger.warning(
        f"{source_text(data)} has one image of each of these classes: {text}; "
        "it is trained on, and they are not scored"
    )
