"""Transfer learning (Yosinski et al. 2014), https://arxiv.org/abs/1411.1792: a trained backbone and a new head."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

import torch
from torch import Tensor, nn
from torch.distributions import Beta
from torch.nn.functional import cross_entropy

import ganzoo
from ganzoo_finetune.backbones import Backbone, blocks

__all__ = ["Finetune"]


class Finetune(ganzoo.Model):
    """An image classifier on a pretrained backbone: first a new head alone, then all (arXiv:1411.1792).

    The backbone is frozen, its batch statistics included, while the head learns; then it is unfrozen from the top, at
    a learning rate of its own (Howard & Ruder 2018, arXiv:1801.06146). Any network of timm, or of torchvision.
    """

    task = "image-classification"
    view = ganzoo.Labelled

    @dataclass(frozen=True, kw_only=True)
    class Hparams(ganzoo.Hparams):
        """`backbone` is a name of timm, or of torchvision after `torchvision/`; `image_size` its own unless given.

        `unfreeze_at` are parts of the training, in [0, 1]: with one, all of the backbone learns from there on; with
        two, first the upper half of its blocks. 0 is full fine-tuning, 1 feature extraction. The lowest `freeze` blocks
        stay frozen for good. `checkpoint` is a safetensors file of the backbone's weights, instead of a download. The
        part `validation` of the data is never trained on. `mixup` is the alpha of its Beta distribution, 0 for none;
        learning rates rise for the part `warmup` of the training, then fall to zero along a cosine.
        """

        backbone: str = "resnet18"
        pretrained: bool = True
        checkpoint: str | None = None
        image_size: Annotated[int, ganzoo.Range(16, 2048)] | None = None
        channels: Literal[1, 3] | None = None
        classes: Annotated[int, ganzoo.Range(1, 2**20)] | None = None
        validation: Annotated[float, ganzoo.Range(0, 0.9)] = 0.2
        freeze: Annotated[int, ganzoo.Range(0, 10_000)] = 0
        unfreeze_at: tuple[float, ...] = (0.4, 0.6)
        batch_size: Annotated[int, ganzoo.Range(2, 2**20)] = 32  # a batch norm needs two
        steps: int = 1000
        lr: float = 1e-3
        backbone_lr: Annotated[float, ganzoo.Range(0, 100)] = 1e-4
        betas: tuple[float, float] = (0.9, 0.999)
        optimizer: Literal["adamw", "sgd"] = "adamw"
        weight_decay: Annotated[float, ganzoo.Range(0, 10)] = 0.01
        momentum: Annotated[float, ganzoo.Range(0, 0.9999)] = 0.9
        warmup: Annotated[float, ganzoo.Range(0, 1)] = 0.05
        label_smoothing: Annotated[float, ganzoo.Range(0, 0.99)] = 0.0
        mixup: Annotated[float, ganzoo.Range(0, 100)] = 0.0

        def validate(self) -> None:
            if self.classes == 1:
                raise ganzoo.HparamError(
                    "there is one class only: a classifier needs images of two or more"
                )
            if not self.unfreeze_at or list(self.unfreeze_at) != sorted(self.unfreeze_at):
                raise ganzoo.HparamError(
                    "unfreeze_at takes one or more numbers from 0 to 1, in ascending order"
                )
            if not 0 <= self.unfreeze_at[0] <= self.unfreeze_at[-1] <= 1:
                raise ganzoo.HparamError(
                    "unfreeze_at takes parts of the training, each from 0 to 1"
                )
            if self.checkpoint and not self.pretrained:
                raise ganzoo.HparamError("checkpoint and pretrained=false exclude each other")

        def for_backbone(self) -> Self:
            """With the backbone's own image size, where none is given. Raises UnknownName for a backbone."""
            known = Backbone.named(self.backbone)
            return self if self.image_size else replace(self, image_size=known.image_size)

        def for_data(self, info: ganzoo.DataInfo) -> Self:
            return super(Finetune.Hparams, self.for_backbone()).for_data(info)

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        hp = hp if hp.channels else replace(hp, channels=3)
        super().__init__(hp.for_backbone())
        assert self.hp.classes
        assert self.hp.image_size
        self.known = Backbone.named(hp.backbone)
        backbone, features = self.known.network(self.hp.image_size)
        self.classifier = nn.ModuleDict(
            {"backbone": backbone, "head": nn.Linear(features, self.hp.classes)}
        )
        self.blocks = blocks(backbone)
        if self.hp.freeze > len(self.blocks):
            raise ganzoo.HparamError(
                f"freeze={self.hp.freeze}: {hp.backbone} has {len(self.blocks)} blocks"
            )
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(getattr(self.known, name))[:, None, None])
        self.mean: Tensor
        self.std: Tensor
        self.thaw(0)

    def initialise(self) -> None:
        assert self.hp.image_size
        if self.origin:
            return  # its backbone comes from there
        if self.hp.checkpoint:
            self.known.load(self.classifier["backbone"], self.hp.image_size, self.hp.checkpoint)
        elif self.hp.pretrained:
            self.known.pretrained(self.classifier["backbone"], self.hp.image_size)

    def logits(self, images: Tensor) -> Tensor:
        rgb = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
        features = self.classifier["backbone"](((rgb + 1) / 2 - self.mean) / self.std)
        found: Tensor = self.classifier["head"](features)
        return found

    def losses(self, batch: ganzoo.Labelled) -> Iterator[ganzoo.Move]:
        images, labels = batch
        smoothing = self.hp.label_smoothing
        if not self.hp.mixup:
            yield (
                self.classifier,
                cross_entropy(self.logits(images), labels, label_smoothing=smoothing),
            )
            return
        share = (
            Beta(self.hp.mixup, self.hp.mixup).sample().item()
        )  # on the CPU; Zhang et al. 2017, arXiv:1710.09412
        other = self.rand(len(images)).argsort()
        logits = self.logits(share * images + (1 - share) * images[other])
        yield (
            self.classifier,
            share * cross_entropy(logits, labels, label_smoothing=smoothing)
            + (1 - share) * cross_entropy(logits, labels[other], label_smoothing=smoothing),
        )

    def phase(self, step: int) -> int:
        """How many blocks of the backbone learn, from the top."""
        points = self.hp.unfreeze_at
        passed = sum(step >= point * self.hp.steps for point in points)
        return min(
            math.ceil(passed / len(points) * len(self.blocks)), len(self.blocks) - self.hp.freeze
        )

    def thaw(self, count: int) -> None:
        """Lets the upper `count` blocks of the backbone learn, and no others; what lies beside blocks with the last."""
        self.learning = self.blocks[len(self.blocks) - count :]
        self.classifier["backbone"].requires_grad_(count == len(self.blocks))
        for block in self.learning:
            block.requires_grad_(True)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Like any module's, but the statistics of what is frozen stay as they are."""
        super().train(mode)
        if mode and len(self.learning) < len(self.blocks):
            self.classifier["backbone"].eval()
            for block in self.learning:
                block.train()
        return self

    def enter_phase(self, phase: int) -> None:
        self.thaw(phase)

    def optimizers(self) -> dict[nn.Module, torch.optim.Optimizer]:
        hp = self.hp
        groups = [
            {"params": list(self.classifier["head"].parameters()), "lr": hp.lr},
            {
                "params": [p for p in self.classifier["backbone"].parameters() if p.requires_grad],
                "lr": hp.backbone_lr,
            },
        ]
        groups = [group for group in groups if group["params"]]
        if hp.optimizer == "sgd":
            sgd = torch.optim.SGD(groups, momentum=hp.momentum, weight_decay=hp.weight_decay)
            return {self.classifier: sgd}
        return {
            self.classifier: torch.optim.AdamW(groups, betas=hp.betas, weight_decay=hp.weight_decay)
        }

    def lr_scale(self, progress: float) -> float:
        warmup = self.hp.warmup
        if progress < warmup:
            return min(1.0, (progress + 1 / self.hp.steps) / warmup)  # the first step learns too
        return (1 + math.cos(math.pi * (progress - warmup) / max(1 - warmup, 1e-9))) / 2
