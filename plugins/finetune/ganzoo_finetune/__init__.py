"""Transfer learning: a classifier on a pretrained backbone, https://arxiv.org/abs/1411.1792."""

from ganzoo_finetune.finetune import Finetune

__all__ = ["Finetune"]
