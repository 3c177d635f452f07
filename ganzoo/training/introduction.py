"""What a training says before its first step: its data, its networks and its length."""

import logging

from ganzoo.hparams.augmentation import PAPER, AugmentHparams
from ganzoo.hparams.size import size_text
from ganzoo.model.construct import parameter_counts
from ganzoo.training.trainer import Trainer

FEW = 1000
"""Images below which a discriminator soon knows its data by heart."""
KINDS = {1: "grey", 3: "colour", 4: "colour with transparency"}
logger = logging.getLogger(__name__)


def introduce(trainer: Trainer) -> None:
    """Logs data, networks and length, and a hint if there are few images."""
    hp, size = trainer.model.hp, trainer.data.preparation.image_size
    images = trainer.batches.total
    text = f"{images:,} images of {size_text(size)}, {KINDS[trainer.data.info.channels]}"
    if hp.classes:
        text += f", {hp.classes} classes"
    if trainer.validation:
        text += f"; {trainer.validation.total:,} to validate"
    logger.info(text)
    left = f"{hp.steps:,} steps"
    if trainer.steps_done:
        left = f"{len(trainer):,} of {left}"
    counts = parameter_counts(trainer.model)
    networks = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    precision = trainer.device.precision
    logger.info(f"{left} of {hp.batch_size} images in {precision}; parameters: {networks}")
    if images < FEW and isinstance(hp, AugmentHparams) and not any(map(hp.to_json().get, PAPER)):
        settings = " ".join(f"--set {name}={value:g}" for name, value in PAPER.items())
        logger.info(f"{images:,} images are few for a discriminator: augment them, {settings}")
