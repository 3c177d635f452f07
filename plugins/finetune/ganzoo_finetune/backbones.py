"""Backbones of timm and torchvision: networks without a head, and their pretrained weights."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import timm
import torch
import torchvision
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights

import ganzoo
from ganzoo_finetune.packaged import PACKAGES

logger = logging.getLogger("ganzoo.finetune")

TORCHVISION = "torchvision/"
WITHOUT_A_LINEAR_HEAD = ("googlenet", "inception_v3", "squeezenet1_0", "squeezenet1_1")


@dataclass(frozen=True)
class Backbone:
    """A network of timm, by its name: what the library knows of it before it is made."""

    name: str
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    has_fixed_size: bool = False
    """Whether the network takes images of one size, which is set when it is made."""

    @staticmethod
    def named(name: str) -> "Backbone":
        """`resnet18` is timm's, `torchvision/resnet18` torchvision's.

        Raises UnknownName with the closest name of that library.
        """
        if name.startswith(TORCHVISION):
            return _of_torchvision(name)
        return _of_timm(name)

    def network(self, image_size: int) -> tuple[nn.Module, int]:
        """The network with random weights, and the number of its features.

        RGB images `(n, 3, image_size, image_size)` -> features `(n, count)`. Raises HparamError
        if it does not take images of this size, or returns anything else.
        """
        on_meta = torch.get_default_device().type == "meta"
        try:
            network, count = self.without_head(image_size)
            if not on_meta:
                _try(network, image_size, count)
        # A library's network may raise anything at all.
        except Exception as cause:
            if on_meta:
                raise  # it computes with values: there are no shapes
            raise ganzoo.HparamError(
                f"backbone={self.name} does not take images of {image_size}x{image_size}: "
                f"{_one_line(cause)}"
            ) from cause
        return network, count

    def whole(self, image_size: int, **options: Any) -> nn.Module:
        """The network with its head."""
        if self.has_fixed_size:
            options["img_size"] = image_size
        return timm.create_model(self.name, **options)

    def without_head(self, image_size: int) -> tuple[nn.Module, int]:
        """The network without its head, and the number of its features."""
        network: Any = self.whole(image_size)
        network.reset_classifier(0)
        count = getattr(network, "head_hidden_size", None)
        return network, count or network.num_features

    def published(self, image_size: int) -> dict[str, Tensor]:
        """The library's pretrained weights, downloaded."""
        with ganzoo.cache_if_unreachable():
            return self.whole(image_size, pretrained=True, num_classes=0).state_dict()

    def library(self) -> str:
        """The library of the network, with its version."""
        return f"timm {timm.__version__}"

    def resized(self, file: Path, image_size: int) -> dict[str, Tensor] | None:
        """The weights of a file for another image size, or None if the library cannot do that."""
        if not self.has_fixed_size:
            return None
        overlay = {"file": str(file), "custom_load": False}
        options = {"pretrained_cfg_overlay": overlay, "num_classes": 0}
        return self.whole(image_size, pretrained=True, **options).state_dict()

    def pretrained(self, network: nn.Module, image_size: int) -> str:
        """Loads pretrained weights into the network: of an installed package, else a download.

        Returns, and logs, whose they are. Raises HubError without a connection, DataError for a
        package with an unknown file.
        """
        package = PACKAGES.get(self.name)
        version = package and package.installed_version()
        if package and version:
            self._put(network, package.tensors(), package.name, image_size)
            source = f"{package.name} {version}, sha256"
            logger.info(f"pretrained weights: {source} {package.sha256:.12}")
            return f"{source} {package.sha256}"
        self._download(network, image_size)
        source = f"{self.library()}, downloaded"
        logger.info(f"pretrained weights: {source}")
        return source

    def _download(self, network: nn.Module, image_size: int) -> None:
        try:
            tensors = self.published(image_size)
        # No network connection is any of the four, by library and version.
        except (OSError, HTTPError, RuntimeError, ganzoo.HubError) as cause:
            package = PACKAGES.get(self.name)
            extra = f"{package.install} brings them; or " if package else ""
            raise ganzoo.HubError(
                f"the pretrained weights of {self.name} could not be loaded "
                f"({_one_line(cause)}); {extra}name a file with "
                "--set checkpoint=path.safetensors, or start from random weights with "
                "--set pretrained=false"
            ) from cause
        self._put(network, tensors, "the download", image_size)

    def load(self, network: nn.Module, image_size: int, path: str) -> None:
        """Loads a safetensors file into the network. Raises DataError if it does not fit."""
        file = Path(path)
        if file.suffix != ".safetensors":
            raise ganzoo.DataError(
                f"checkpoint={path}: only .safetensors files are read; no pickle is opened"
            )
        try:
            tensors = load_file(file)
        except FileNotFoundError:
            raise ganzoo.DataError(f"checkpoint={path}: no such file") from None
        except (OSError, SafetensorError) as cause:
            raise ganzoo.DataError(f"checkpoint={path} cannot be read: {cause}") from None
        self._put(network, tensors, f"checkpoint={path}", image_size, file)

    def _put(
        self,
        network: nn.Module,
        tensors: dict[str, Tensor],
        source: str,
        image_size: int,
        file: Path | None = None,
    ) -> None:
        """Loads the tensors that the network needs, without a head.

        Raises DataError, with the reason, if they are another network's.
        """
        wanted = network.state_dict()
        with_head = self.whole(image_size).state_dict()
        refusal = f"{source} does not fit {self.name}:"
        for key in wanted:
            if key not in tensors:
                raise ganzoo.DataError(f"{refusal} it has no tensor {key!r}")
        for key in tensors:
            if key not in wanted and key not in with_head:
                raise ganzoo.DataError(f"{refusal} the backbone has no tensor {key!r}")
        if file and _odd_shape(wanted, tensors):
            try:
                tensors = self.resized(file, image_size) or tensors
            except (RuntimeError, ValueError) as cause:
                raise ganzoo.DataError(f"{refusal} {_one_line(cause)}") from cause
        odd = _odd_shape(wanted, tensors)
        if odd:
            raise ganzoo.DataError(
                f"{refusal} {odd!r} has the shape {tuple(tensors[odd].shape)}, "
                f"not {tuple(wanted[odd].shape)}"
            )
        # In place: its metadata has the versions of the layers.
        for key in wanted:
            wanted[key] = tensors[key]
        network.load_state_dict(wanted)


class TorchVisionBackbone(Backbone):
    """A network of torchvision."""

    @property
    def short_name(self) -> str:
        return self.name.removeprefix(TORCHVISION)

    def whole(self, image_size: int, **options: Any) -> nn.Module:
        if self.has_fixed_size:
            options["image_size"] = image_size
        return get_model(self.short_name, weights=None, **options)

    def without_head(self, image_size: int) -> tuple[nn.Module, int]:
        network = self.whole(image_size)
        path, head = _head(network)
        network.set_submodule(path, nn.Identity())
        return network, head.in_features

    def published(self, image_size: int) -> dict[str, Tensor]:
        weights = get_model_weights(self.short_name).DEFAULT
        return weights.get_state_dict(check_hash=True, weights_only=True)

    def library(self) -> str:
        return f"torchvision {torchvision.__version__}"

    def resized(self, file: Path, image_size: int) -> None:
        return None


def _of_timm(name: str) -> Backbone:
    config = None
    try:
        if timm.is_model(name):
            config = timm.models.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError:  # a tag that the network does not have
        family = name.partition(".")[0]
        tags = timm.list_models(f"{family}*", pretrained=True)
        raise ganzoo.unknown("backbone", name, tags) from None
    if config is None:
        raise ganzoo.unknown("backbone", name, timm.list_models())
    return Backbone(
        name,
        config.input_size[-1],
        tuple(config.mean),
        tuple(config.std),
        config.fixed_input_size,
    )


def _of_torchvision(name: str) -> Backbone:
    short = name.removeprefix(TORCHVISION)
    names = torchvision.models.list_models(module=torchvision.models)
    if short not in names:
        known = [TORCHVISION + known for known in names]
        raise ganzoo.unknown("backbone", name, known)
    if short in WITHOUT_A_LINEAR_HEAD:
        raise ganzoo.HparamError(
            f"backbone={name}: its head is not one linear layer; choose another"
        )
    view: Any = get_model_weights(short).DEFAULT.transforms()
    return TorchVisionBackbone(
        name,
        view.crop_size[0],
        tuple(view.mean),
        tuple(view.std),
        short.startswith("vit_"),
    )


def blocks(network: nn.Module) -> list[nn.Module]:
    """The building blocks with parameters, from the image up: frozen and unfrozen by number."""
    return list(_opened(network, _size(network)))


def _opened(module: nn.Module, total: int) -> Iterator[nn.Module]:
    """The children, and those of a container or of a child with most of the parameters."""
    for child in module.children():
        size = _size(child)
        parts = [part for part in child.children() if _size(part)]
        is_container = isinstance(child, nn.Sequential | nn.ModuleList)
        if is_container or (size > total / 2 and len(parts) > 1):
            yield from _opened(child, total)
        elif size:
            yield child


def _size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _head(network: nn.Module) -> tuple[str, nn.Linear]:
    """torchvision's last linear layer, which is the head in all but a few networks."""
    for path, layer in reversed(list(network.named_modules())):
        if isinstance(layer, nn.Linear):
            return path, layer
    raise ValueError("it has no linear layer")


def _try(network: nn.Module, image_size: int, count: int) -> None:
    """Passes one black image through it. Raises ValueError unless the result is `(1, count)`."""
    network.eval()
    black = torch.zeros(1, 3, image_size, image_size)
    with torch.no_grad():
        shape = tuple(network(black).shape)
    network.train()
    if shape != (1, count):
        raise ValueError(f"its features have the shape {shape}, not {(1, count)}")


def _odd_shape(wanted: dict[str, Tensor], tensors: dict[str, Tensor]) -> str | None:
    """The first tensor whose shape is not the wanted one."""
    for key, tensor in wanted.items():
        if tensors[key].shape != tensor.shape:
            return key
    return None


def _one_line(cause: BaseException) -> str:
    return shorten(str(cause), 200) or type(cause).__name__
