"""What a model is trained on, and what is held out to score it."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.batches import Batches
from ganzoo.data.in_memory import check_labels
from ganzoo.data.open import Data, source_text
from ganzoo.errors import DataError, HparamError
from ganzoo.hparams.hparams import Hparams
from ganzoo.seeds import rng


def train_validation_split(
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
            raise DataError(
                f"{source_text(apart)} is what is trained on: give other images to be scored on"
            )
        if apart.info.classes and data.info.classes and apart.info.classes != data.info.classes:
            raise DataError(f"{source_text(apart)} has other classes than {source_text(data)}")
        return batches(data), batches(apart)
    if not share:
        return batches(data), None
    trained, kept_out = validation_indices(len(data), data.parts[0].labels, share, hp.seed)
    if not len(kept_out):
        raise DataError(
            f"validation={share} of {len(data)} images is none: give more images, or validation=0"
        )
    return batches(data, chosen=trained), batches(data, chosen=kept_out)


def validation_hparams(hp: Hparams) -> Hparams:
    """The hyperparameters with which data to be scored on are opened: their last batch may be a small one."""
    return hp.replaced({"batch_size": 2})


def _check_classes(data: Data, count: int | None) -> None:
    names, labels = data.info.classes, data.parts[0].labels
    if count and names and len(names) != count:
        raise HparamError(
            f"classes={count}, and {source_text(data)} has {len(names)}: leave classes to the data"
        )
    if count and labels is not None:
        check_labels([int(labels.min()), int(labels.max())], count)


def validation_indices(
    total: int, labels: Tensor | None, share: float, seed: int
) -> tuple[Tensor, Tensor]:
    """The indices of the images to train on, and of a `share` of them to be kept out; both ascending.

    Which, depends on the seed. With labels each class gives its share, rounded, and keeps at least one image.
    """
    drawn = torch.rand(total, generator=rng("validation", seed, 0))
    named = torch.zeros(total, dtype=torch.long) if labels is None else labels.cpu()
    groups = [(named == label).nonzero()[:, 0] for label in range(int(named.max()) + 1)]
    kept_out = [
        group[drawn[group].argsort()[: min(round(share * len(group)), len(group) - 1)]]
        for group in groups
    ]
    mask = torch.zeros(total, dtype=torch.bool)
    mask[torch.cat(kept_out)] = True
    return (~mask).nonzero()[:, 0], mask.nonzero()[:, 0]
