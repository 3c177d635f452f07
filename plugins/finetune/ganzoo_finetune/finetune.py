"""Transfer learning (Yosinski et al. 2014), https://arxiv.org/abs/1411.1792.

A pretrained backbone and a new head.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.distributions import Beta
from torch.nn.functional import cross_entropy
from torch.optim import SGD, AdamW, Optimizer

import ganzoo
from ganzoo_finetune.backbones import Backbone, blocks


class Finetune(ganzoo.Model):
    """An image classifier on a pretrained backbone: first a new head alone, then all of it.

    While the head learns, the backbone is frozen, its batch statistics included; then it is
    unfrozen from the top (arXiv:1411.1792), at a learning rate of its own (Howard & Ruder 2018,
    arXiv:1801.06146). Any network of timm or of torchvision.
    """

    task = "image-classification"
    view = ganzoo.Labelled

    class Hparams(ganzoo.Hparams):
        """`unfreeze_at` are parts of the training, in [0, 1].

        With one, all of the backbone learns from there on; with two, first the upper half of its
        blocks. 0 is full fine-tuning, 1 feature extraction. Learning rates rise for the part
        `warmup` of the training, then fall to zero along a cosine.
        """

        renamed: ClassVar[Mapping[str, str]] = {"freeze": "frozen_blocks"}

        backbone: Annotated[
            str,
            "a network of timm, or of torchvision after torchvision/",
        ] = "resnet18"
        pretrained: Annotated[
            bool,
            "start from the library's weights, which are downloaded or in a package",
        ] = True
        checkpoint: Annotated[
            str | None,
            "safetensors file of the backbone's weights, instead of a download",
        ] = None
        image_size: Annotated[
            int | None,
            ganzoo.Range(16, 2048),
            "height and width in pixels; the backbone's own by default",
        ] = None
        channels: Literal[1, 3] | None = None
        classes: int | None = None
        validation: float = 0.2
        frozen_blocks: Annotated[
            int,
            ganzoo.Range(0, 10_000),
            "lowest blocks of the backbone, which are never trained",
        ] = 0
        unfreeze_at: Annotated[
            tuple[float, ...],
            "parts of the training after which more of the backbone learns",
        ] = (0.4, 0.6)
        batch_size: Annotated[int, ganzoo.Range(2, 2**20)] = 32  # a batch norm needs two
        steps: int = 1000
        lr: Annotated[float, "learning rate of the head"] = 1e-3
        backbone_lr: Annotated[
            float,
            ganzoo.Range(0, 100),
            "learning rate of the backbone",
        ] = 1e-4
        betas: tuple[float, float] = (0.9, 0.999)
        optimizer: Annotated[
            Literal["adamw", "sgd"],
            "the optimizer of head and backbone",
        ] = "adamw"
        weight_decay: Annotated[
            float,
            ganzoo.Range(0, 10),
            "weight decay of the optimizer",
        ] = 0.01
        momentum: Annotated[
            float,
            ganzoo.Range(0, 0.9999),
            "momentum of sgd",
        ] = 0.9
        warmup: Annotated[
            float,
            ganzoo.Range(0, 1),
            "part of the training in which learning rates rise",
        ] = 0.05
        label_smoothing: Annotated[
            float,
            ganzoo.Range(0, 0.99),
            "share of the target that is spread over all classes",
        ] = 0.0
        mixup: Annotated[
            float,
            ganzoo.Range(0, 100),
            "alpha of the Beta distribution that mixes images; 0 is off",
        ] = 0.0

        def validate(self) -> None:
            points = self.unfreeze_at
            if self.classes == 1:
                raise ganzoo.HparamError(
                    "the data has one class: a classifier needs images of two or more"
                )
            if not points or list(points) != sorted(points):
                raise ganzoo.HparamError(
                    "unfreeze_at takes one or more numbers from 0 to 1, in ascending order"
                )
            if points[0] < 0 or points[-1] > 1:
                raise ganzoo.HparamError(
                    "unfreeze_at takes parts of the training, each from 0 to 1"
                )
            if self.checkpoint and not self.pretrained:
                raise ganzoo.HparamError("checkpoint and pretrained=false exclude each other")

        def for_backbone(self) -> Self:
            """A copy with the backbone's own image size, unless there is one.

            Raises UnknownName for a backbone.
            """
            backbone = Backbone.named(self.backbone)
            if self.image_size:
                return self
            return replace(self, image_size=backbone.image_size)

        def for_data(self, info: ganzoo.DataInfo) -> Self:
            return super(Finetune.Hparams, self.for_backbone()).for_data(info)

    hp: Hparams

    def __init__(self, hp: Hparams) -> None:
        if not hp.channels:
            hp = replace(hp, channels=3)
        super().__init__(hp.for_backbone())
        assert self.hp.classes
        assert self.hp.image_size
        self.known = Backbone.named(hp.backbone)
        backbone, features = self.known.network(self.hp.image_size)
        self.classifier = nn.ModuleDict(
            {
                "backbone": backbone,
                "head": nn.Linear(features, self.hp.classes),
            }
        )
        self.blocks = blocks(backbone)
        if hp.frozen_blocks > len(self.blocks):
            raise ganzoo.HparamError(
                f"frozen_blocks={hp.frozen_blocks}: {hp.backbone} has {len(self.blocks)} blocks"
            )
        self.mean: Tensor
        self.std: Tensor
        mean = torch.tensor(self.known.mean)
        std = torch.tensor(self.known.std)
        self.register_buffer("mean", mean[:, None, None])
        self.register_buffer("std", std[:, None, None])
        self.enter_phase(0)

    def initialise(self) -> None:
        if self.origin:
            return  # the backbone comes from there
        assert self.hp.image_size
        backbone, size = self.classifier["backbone"], self.hp.image_size
        if self.hp.checkpoint:
            self.known.load(backbone, size, self.hp.checkpoint)
            self.first_weights = self.hp.checkpoint
        elif self.hp.pretrained:
            self.first_weights = self.known.pretrained(backbone, size)

    def logits(self, images: Tensor) -> Tensor:
        if images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        normalised = ((images + 1) / 2 - self.mean) / self.std
        features = self.classifier["backbone"](normalised)
        return self.classifier["head"](features)

    def losses(self, batch: ganzoo.Labelled) -> Iterator[ganzoo.Move]:
        images, labels = batch
        loss = partial(cross_entropy, label_smoothing=self.hp.label_smoothing)
        if not self.hp.mixup:
            yield self.classifier, loss(self.logits(images), labels)
            return
        # Zhang et al. 2017, arXiv:1710.09412. Drawn on the CPU.
        share = Beta(self.hp.mixup, self.hp.mixup).sample().item()
        other = self.rand(len(images)).argsort()
        logits = self.logits(share * images + (1 - share) * images[other])
        own = share * loss(logits, labels)
        mixed_in = (1 - share) * loss(logits, labels[other])
        yield self.classifier, own + mixed_in

    def phase(self, step: int) -> int:
        """How many blocks of the backbone learn, from the top."""
        points = self.hp.unfreeze_at
        passed = sum(step >= point * self.hp.steps for point in points)
        unfrozen = math.ceil(passed / len(points) * len(self.blocks))
        return min(unfrozen, len(self.blocks) - self.hp.frozen_blocks)

    def enter_phase(self, count: int) -> None:
        """Unfreezes the top `count` blocks of the backbone, and freezes the others.

        Parameters outside of blocks are unfrozen with the last one.
        """
        self.learning = self.blocks[len(self.blocks) - count :]
        self.classifier["backbone"].requires_grad_(count == len(self.blocks))
        for block in self.learning:
            block.requires_grad_(True)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As for any module, but frozen blocks keep their batch statistics."""
        super().train(mode)
        if mode and len(self.learning) < len(self.blocks):
            self.classifier["backbone"].eval()
            for block in self.learning:
                block.train()
        return self

    def optimizers(self) -> dict[nn.Module, Optimizer]:
        hp = self.hp
        head = self.classifier["head"]
        backbone = self.classifier["backbone"]
        groups = [{"params": list(head.parameters()), "lr": hp.lr}]
        unfrozen = [p for p in backbone.parameters() if p.requires_grad]
        if unfrozen:
            groups.append({"params": unfrozen, "lr": hp.backbone_lr})
        optimizer: Optimizer
        if hp.optimizer == "sgd":
            optimizer = SGD(groups, momentum=hp.momentum, weight_decay=hp.weight_decay)
        else:
            optimizer = AdamW(groups, betas=hp.betas, weight_decay=hp.weight_decay)
        return {self.classifier: optimizer}

    def lr_scale(self, progress: float) -> float:
        warmup = self.hp.warmup
        if progress < warmup:
            # The first step learns too.
            return min(1.0, (progress + 1 / self.hp.steps) / warmup)
        decay = (progress - warmup) / max(1 - warmup, 1e-9)
        return (1 + math.cos(math.pi * decay)) / 2
