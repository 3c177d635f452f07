"""What a model is trained on, and what is held out to score it."""

from functools import partial
from typing import Any

import torch

from ganzoo.data.batches import Batches
from ganzoo.data.mapstyle import check_labels
from ganzoo.data.opening import Data, called
from ganzoo.data.order import held_out
from ganzoo.errors import DataError, HparamError
from ganzoo.hparams import Hparams


def divided(
    data: Data, apart: Data | None, hp: Hparams, view: Any, device: torch.device
) -> tuple[Batches, Batches | None]:
    """Batches to train on and to be scored on: all of `apart`, else the part `hp.validation` of the data, if any.

    Raises DataError when that part has no image, or what is apart has other classes, and HparamError or DataError when
    the data's classes are not the model's.
    """
    _check_classes(data, getattr(hp, "classes", None))
    batches = partial(Batches, view=view, batch_size=hp.batch_size, seed=hp.seed, device=device)
    share = getattr(hp, "validation", 0.0)
    if apart is not None:
        if apart.fingerprint == data.fingerprint:
            raise DataError(f"{called(apart)} is what is trained on: give other images to be scored on")
        if apart.info.classes and data.info.classes and apart.info.classes != data.info.classes:
            raise DataError(f"{called(apart)} has other classes than {called(data)}")
        return batches(data), batches(apart)
    if not share:
        return batches(data), None
    trained, kept_out = held_out(len(data), data.parts[0].labels, share, hp.seed)
    if not len(kept_out):
        raise DataError(f"validation={share} of {len(data)} images is none: give more images, or validation=0")
    return batches(data, chosen=trained), batches(data, chosen=kept_out)


def for_scores(hp: Hparams) -> Hparams:
    """The hyperparameters with which data to be scored on are opened: their last batch may be a small one."""
    return hp.replaced({"batch_size": 2})


def _check_classes(data: Data, count: int | None) -> None:
    names, labels = data.info.classes, data.parts[0].labels
    if count and names and len(names) != count:
        raise HparamError(f"classes={count}, and {called(data)} has {len(names)}: leave classes to the data")
    if count and labels is not None:
        check_labels([int(labels.min()), int(labels.max())], count)
