"""Backbones of timm and torchvision: networks without a head, what they expect of images, and their weights."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torchvision
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # httpx's, which need not be named
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights

import ganzoo

TORCHVISION = "torchvision/"
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


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
        known = timm.models.get_pretrained_cfg(name) if timm.is_model(name) else None
        if known is None:
            raise _unknown(name, timm.list_models(), "timm")
        return cls(name, known.input_size[-1], tuple(known.mean), tuple(known.std), known.fixed_input_size)

    @classmethod
    def _torchvision(cls, name: str) -> "Backbone":
        short = name.removeprefix(TORCHVISION)
        names = torchvision.models.list_models(module=torchvision.models)
        if short not in names:
            raise _unknown(name, [TORCHVISION + one for one in names], "torchvision")
        transforms: Any = get_model_weights(short).DEFAULT.transforms()
        return cls(name, transforms.crop_size[0], tuple(transforms.mean), tuple(transforms.std))

    def network(self, image_size: int) -> tuple[nn.Module, int]:
        """The network with its library's first weights, RGB images -> features `(n, count)`; and that count."""
        if self.name.startswith(TORCHVISION):
            return _headless(self.name)
        network: Any = self._timm(image_size, pretrained=False)
        return network, getattr(network, "head_hidden_size", None) or network.num_features

    def _timm(self, image_size: int, *, pretrained: bool) -> nn.Module:
        sized: dict[str, Any] = {"img_size": image_size} if self.of_one_size else {}
        return timm.create_model(self.name, pretrained=pretrained, num_classes=0, **sized)

    def pretrained(self, network: nn.Module, image_size: int) -> None:
        """Puts the library's published weights into the network. Raises HubError when they cannot be had."""
        try:
            if self.name.startswith(TORCHVISION):
                weights = get_model_weights(self.name.removeprefix(TORCHVISION)).DEFAULT
                fit(network, weights.get_state_dict(check_hash=True, weights_only=True), self.name)
            else:
                fit(
                    network,
                    self._timm(image_size, pretrained=True).state_dict(),
                    self.name,
                )
        except (OSError, HTTPError, RuntimeError) as cause:  # no network is any of the three, by library and version
            first = " ".join(str(cause).split())[:160]
            raise ganzoo.HubError(
                f"the pretrained weights of {self.name} cannot be had ({type(cause).__name__}: {first}); give a file "
                "with --set checkpoint=path.safetensors, or start from nothing with --set pretrained=false"
            ) from cause

    def load(self, network: nn.Module, path: str) -> None:
        """Puts the weights of a safetensors file into the network. Raises DataError when they are not of its kind."""
        file = Path(path)
        if file.suffix != ".safetensors":
            raise ganzoo.DataError(f"checkpoint={path}: only .safetensors files are read; no pickle is opened")
        try:
            tensors = load_file(file)
        except FileNotFoundError:
            raise ganzoo.DataError(f"checkpoint={path}: there is no such file") from None
        except (OSError, SafetensorError) as cause:
            raise ganzoo.DataError(f"checkpoint={path} cannot be read: {cause}") from None
        fit(network, tensors, self.name, path)


def fit(network: nn.Module, tensors: Mapping[str, Tensor], name: str, path: str = "") -> None:
    """Loads what the network needs; a head is left out. Raises DataError for another network's weights."""
    wanted = network.state_dict()
    where = f"checkpoint={path}" if path else "what was downloaded"
    for key, tensor in wanted.items():
        if key not in tensors:
            raise ganzoo.DataError(f"{where} is not of a {name}: it has no tensor {key!r}")
        if tensors[key].shape != tensor.shape:
            shapes = f"{tuple(tensors[key].shape)}, not {tuple(tensor.shape)}"
            raise ganzoo.DataError(f"{where} is not of a {name}: {key!r} has the shape {shapes}")
    trunk = {key.partition(".")[0] for key in wanted}
    if foreign := [key for key in tensors if key not in wanted and key.partition(".")[0] in trunk]:
        raise ganzoo.DataError(f"{where} is not of a {name}, which has no {foreign[0]!r}")
    network.load_state_dict({key: tensors[key] for key in wanted})


def blocks(network: nn.Module) -> list[nn.Module]:
    """The network's building blocks that have parameters, from the image up: what is frozen and unfrozen by number."""
    return list(_opened(network, sum(p.numel() for p in network.parameters())))


def _opened(module: nn.Module, total: int) -> Iterator[nn.Module]:
    for child in module.children():
        size = sum(p.numel() for p in child.parameters())
        inside = [grandchild for grandchild in child.children() if any(True for _ in grandchild.parameters())]
        if isinstance(child, nn.Sequential | nn.ModuleList) or (size > total / 2 and len(inside) > 1):
            yield from _opened(child, total)
        elif size:
            yield child


def _headless(name: str) -> tuple[nn.Module, int]:
    """torchvision's network with its last linear layer, which is the head in all but a few, taken out."""
    network = get_model(name.removeprefix(TORCHVISION), weights=None)
    layers = [(path, layer) for path, layer in network.named_modules() if isinstance(layer, nn.Linear)]
    path, head = layers[-1] if layers else ("", nn.Linear(1, 1))
    if head.out_features != 1000 or hasattr(network, "AuxLogits") or hasattr(network, "aux1"):
        raise ganzoo.HparamError(f"backbone={name}: its head is not one linear layer; choose another")
    parent, _, child = path.rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return network, head.in_features


def _unknown(name: str, names: list[str], library: str) -> ganzoo.UnknownName:
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"{library} has {len(names):,}, such as {names[0]!r}"
    return ganzoo.UnknownName(f"no backbone {name!r}; {hint}")
