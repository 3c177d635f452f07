"""The first lines of a training: what is trained, on what, and where."""

import logging

import torch

from ganzoo.hparams.augmentation import PAPER, AugmentHparams
from ganzoo.model.construct import parameter_counts
from ganzoo.training.trainer import Trainer

FEW = 1000
"""Images below which a discriminator soon knows its data by heart."""
KINDS = {1: "grey", 3: "colour", 4: "colour with transparency"}
logger = logging.getLogger(__name__)


def introduce(trainer: Trainer) -> None:
    """Logs data, networks, length and device, and a hint if there are few images."""
    hp, size = trainer.model.hp, trainer.data.preparation.image_size
    images = trainer.batches.total
    text = f"{images:,} images of {size}x{size}, {KINDS[trainer.data.info.channels]}"
    if hp.classes:
        text += f", {hp.classes} classes"
    if trainer.validation:
        text += f"; {trainer.validation.total:,} to validate"
    logger.info(text)
    device = trainer.device.torch_device
    place = str(device)
    if device.type == "cpu":
        place = f"cpu (threads: {torch.get_num_threads()})"
    left = f"{hp.steps:,} steps"
    if trainer.steps_done:
        left = f"{len(trainer):,} of {left}"
    counts = parameter_counts(trainer.model)
    networks = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    logger.info(
        f"{left} of {hp.batch_size} images on {place} in {trainer.device.precision}; "
        f"parameters: {networks}"
    )
    if images < FEW and isinstance(hp, AugmentHparams) and not any(map(hp.to_json().get, PAPER)):
        settings = " ".join(f"--set {name}={value:g}" for name, value in PAPER.items())
        logger.info(f"{images:,} images are few for a discriminator: augment them, {settings}")
