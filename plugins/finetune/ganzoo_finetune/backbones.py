"""Backbones of timm and torchvision: networks without a head, what they expect of images, and their weights."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # httpx's, which need not be named
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights

import ganzoo

TORCHVISION = "torchvision/"
WITHOUT_A_LINEAR_HEAD = ("googlenet", "inception_v3", "squeezenet1_0", "squeezenet1_1")


@dataclass(frozen=True)
class Backbone:
    """What a library knows of a network by its name, before it is made."""

    name: str
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    of_one_size: bool = False
    """Whether it is made for images of one size, which has to be said when it is made."""

    @classmethod
    def named(cls, name: str) -> "Backbone":
        """`resnet18` is timm's, `torchvision/resnet18` torchvision's. Raises UnknownName with the closest there is."""
        if name.startswith(TORCHVISION):
            return cls._torchvision(name)
        try:
            known = (
                timm.models.get_pretrained_cfg(name, allow_unregistered=False)
                if timm.is_model(name)
                else None
            )
        except RuntimeError:  # a tag that the network does not have
            raise _unknown(
                name, timm.list_models(f"{name.partition('.')[0]}*", pretrained=True), "timm"
            ) from None
        if known is None:
            raise _unknown(name, timm.list_models(), "timm")
        return cls(
            name, known.input_size[-1], tuple(known.mean), tuple(known.std), known.fixed_input_size
        )

    @classmethod
    def _torchvision(cls, name: str) -> "Backbone":
        short = name.removeprefix(TORCHVISION)
        names = torchvision.models.list_models(module=torchvision.models)
        if short not in names:
            raise _unknown(name, [TORCHVISION + one for one in names], "torchvision")
        if short in WITHOUT_A_LINEAR_HEAD:
            raise ganzoo.HparamError(
                f"backbone={name}: its head is not one linear layer; choose another"
            )
        seen: Any = get_model_weights(short).DEFAULT.transforms()
        return cls(
            name, seen.crop_size[0], tuple(seen.mean), tuple(seen.std), short.startswith("vit_")
        )

    def network(self, image_size: int) -> tuple[nn.Module, int]:
        """The network with its library's first weights, RGB images -> features `(n, count)`; and that count.

        Raises HparamError when it takes no images of this size, or gives something else.
        """
        try:
            network: Any = self._whole(image_size)
            if self.name.startswith(TORCHVISION):
                path, head = _head(network)
                parent, _, child = path.rpartition(".")
                setattr(network.get_submodule(parent), child, nn.Identity())
                count: int = head.in_features
            else:
                network.reset_classifier(0)
                count = getattr(network, "head_hidden_size", None) or network.num_features
            if torch.get_default_device().type != "meta":  # there only shapes are asked for
                _try(network, image_size, count)
        except Exception as cause:  # a library's network may raise anything at all
            if torch.get_default_device().type == "meta":
                raise  # it computes with values; whoever asks for shapes alone has to do without
            reason = " ".join(str(cause).split()) or type(cause).__name__
            raise ganzoo.HparamError(
                f"backbone={self.name} cannot be one for images of {image_size}x{image_size}: {reason}"
            ) from cause
        return network, count

    def _whole(self, image_size: int) -> nn.Module:
        """The network with its head."""
        if self.name.startswith(TORCHVISION):
            size: dict[str, Any] = {"image_size": image_size} if self.of_one_size else {}
            network: nn.Module = get_model(
                self.name.removeprefix(TORCHVISION), weights=None, **size
            )
            return network
        return self._timm(image_size)

    def _timm(self, image_size: int, **options: Any) -> nn.Module:
        size: dict[str, Any] = {"img_size": image_size} if self.of_one_size else {}
        return timm.create_model(self.name, **options, **size)

    def pretrained(self, network: nn.Module, image_size: int) -> None:
        """Puts the library's published weights into the network. Raises HubError when they cannot be had."""
        try:
            if self.name.startswith(TORCHVISION):
                weights = get_model_weights(self.name.removeprefix(TORCHVISION)).DEFAULT
                tensors = weights.get_state_dict(check_hash=True, weights_only=True)
            else:
                tensors = self._timm(image_size, pretrained=True, num_classes=0).state_dict()
        except (
            OSError,
            HTTPError,
            RuntimeError,
        ) as cause:  # no network is any of the three, by library and version
            first = " ".join(str(cause).split())[:160]
            raise ganzoo.HubError(
                f"the pretrained weights of {self.name} cannot be had ({type(cause).__name__}: {first}); give a file "
                "with --set checkpoint=path.safetensors, or start from nothing with --set pretrained=false"
            ) from cause
        self._put(network, tensors, "what was downloaded", image_size)

    def load(self, network: nn.Module, image_size: int, path: str) -> None:
        """Puts the weights of a safetensors file into the network. Raises DataError when they are not of its kind."""
        file = Path(path)
        if file.suffix != ".safetensors":
            raise ganzoo.DataError(
                f"checkpoint={path}: only .safetensors files are read; no pickle is opened"
            )
        try:
            tensors = load_file(file)
        except FileNotFoundError:
            raise ganzoo.DataError(f"checkpoint={path}: there is no such file") from None
        except (OSError, SafetensorError) as cause:
            raise ganzoo.DataError(f"checkpoint={path} cannot be read: {cause}") from None
        self._put(network, tensors, f"checkpoint={path}", image_size, file)

    def _put(
        self,
        network: nn.Module,
        tensors: dict[str, Tensor],
        called: str,
        image_size: int,
        file: Path | None = None,
    ) -> None:
        """Loads what the network needs; a head is left out. Raises DataError for another network's weights."""
        wanted = network.state_dict()
        head = set(self._whole(image_size).state_dict()) - set(wanted)
        refused = partial(_refused, called, self.name)
        if missing := next((key for key in wanted if key not in tensors), None):
            raise refused(f"it has no tensor {missing!r}")
        if foreign := next((key for key in tensors if key not in wanted and key not in head), None):
            raise refused(f"that has no {foreign!r}")
        odd = next(
            (key for key, tensor in wanted.items() if tensors[key].shape != tensor.shape), None
        )
        if odd and file and self.of_one_size and not self.name.startswith(TORCHVISION):
            overlay = {
                "file": str(file),
                "custom_load": False,
            }  # timm knows how positions of another size are resized
            try:
                resized = self._timm(
                    image_size, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=0
                )
            except (RuntimeError, ValueError) as cause:
                raise refused(" ".join(str(cause).split())[:160]) from cause
            tensors, odd = resized.state_dict(), None
        if odd:
            raise refused(
                f"{odd!r} has the shape {tuple(tensors[odd].shape)}, not {tuple(wanted[odd].shape)}"
            )
        wanted.update({key: tensors[key] for key in wanted})
        network.load_state_dict(wanted)


def blocks(network: nn.Module) -> list[nn.Module]:
    """The network's building blocks that have parameters, from the image up: what is frozen and unfrozen by number."""
    return list(_opened(network, sum(p.numel() for p in network.parameters())))


def _opened(module: nn.Module, total: int) -> Iterator[nn.Module]:
    for child in module.children():
        size = sum(p.numel() for p in child.parameters())
        inside = [
            grandchild
            for grandchild in child.children()
            if any(True for _ in grandchild.parameters())
        ]
        if isinstance(child, nn.Sequential | nn.ModuleList) or (
            size > total / 2 and len(inside) > 1
        ):
            yield from _opened(child, total)
        elif size:
            yield child


def _head(network: nn.Module) -> tuple[str, nn.Linear]:
    """torchvision's last linear layer, which is the head in all but a few."""
    path, head = [
        (path, layer) for path, layer in network.named_modules() if isinstance(layer, nn.Linear)
    ][-1]
    return path, head


def _try(network: nn.Module, image_size: int, count: int) -> None:
    """One black image through it. Raises ValueError when what comes out is not `(1, count)`."""
    network.eval()
    with torch.no_grad():
        shape = tuple(network(torch.zeros(1, 3, image_size, image_size)).shape)
    network.train()
    if shape != (1, count):
        raise ValueError(f"its features have the shape {shape}, not {(1, count)}")


def _refused(called: str, name: str, why: str) -> ganzoo.DataError:
    return ganzoo.DataError(f"{called} is not of a {name}: {why}")


def _unknown(name: str, names: list[str], library: str) -> ganzoo.UnknownName:
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = (
        f"did you mean {close[0]!r}?"
        if close
        else f"{library} has {len(names):,}, such as {names[0]!r}"
    )
    return ganzoo.UnknownName(f"no backbone {name!r}; {hint}")
