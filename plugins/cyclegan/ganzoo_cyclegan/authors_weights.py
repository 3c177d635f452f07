"""The authors' own CycleGAN weights: their tensor names -> ours, and the shape of the networks."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

import ganzoo

PARTS = {
    "G_A": "generators.a2b",
    "G_B": "generators.b2a",
    "D_A": "discriminators.b",  # it judges the output of G_A, which is domain B
    "D_B": "discriminators.a",
}
OLD_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Buffers of instance norms before PyTorch 0.4, which never used them."""

Tensors = Mapping[str, Tensor]


def cyclegan(files: Mapping[str, Tensors]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """`{"latest_net_G_A": tensors, ...}` -> hyperparameters, and tensors by our names.

    Raises DataError if a file is not one of the authors' networks.
    """
    networks: dict[str, dict[str, Tensor]] = {}
    for stem, tensors in files.items():
        part = _part(stem)
        if part in networks:
            raise ganzoo.DataError(f"{stem}: another of the files is {part} too")
        networks[part] = _our_names(stem, tensors)
    for part in ("G_A", "G_B"):
        if part not in networks:
            raise ganzoo.DataError(
                f"both generators are needed: no file is called ..._net_{part}.pth"
            )

    hyperparameters = _generator_shape(networks["G_A"])
    discriminator = networks.get("D_A") or networks.get("D_B")
    if discriminator:
        hyperparameters["patch_layers"] = _patch_layers(discriminator)

    renamed = {}
    for part, tensors in networks.items():
        for name, tensor in tensors.items():
            renamed[f"{PARTS[part]}.{name}"] = tensor
    return hyperparameters, renamed


def _part(stem: str) -> str:
    """`latest_net_G_A` -> `G_A`."""
    match = re.search(r"net_([GD]_[AB])$", stem)
    if not match:
        raise ganzoo.DataError(
            f"{stem}: the file's name says which network it is: "
            "..._net_G_A, _net_G_B, _net_D_A or _net_D_B"
        )
    return match[1]


def _our_names(stem: str, tensors: Tensors) -> dict[str, Tensor]:
    """Tensors of one of their ResNets or patch discriminators, by our names."""
    names = {name: name.removeprefix("module.") for name in tensors}
    if any(".model." in name for name in names.values()):
        raise ganzoo.DataError(f"{stem} is a U-Net; only ResNet generators are read")
    # Their dropout stands before the second convolution of a block and shifts its number.
    with_dropout = any(name.endswith("conv_block.6.weight") for name in tensors)
    renamed = {}
    for name, tensor in tensors.items():
        if name.endswith(OLD_STATISTICS):
            continue
        ours = names[name].removeprefix("model.").replace(".conv_block.", ".body.")
        if with_dropout:
            ours = ours.replace(".body.6.", ".body.5.")
        renamed[ours] = tensor
    return renamed


def _generator_shape(generator: Tensors) -> dict[str, Any]:
    """The hyperparameters that a ResNet generator's tensors show."""
    first = generator.get("1.weight")
    if first is None or first.ndim != 4 or first.shape[1] not in (1, 3, 4):
        raise ganzoo.DataError(
            "net_G has no first convolution model.1.weight of 1, 3 or 4 channels: it is no ResNet"
        )
    blocks = {name.split(".")[0] for name in generator if ".body." in name}
    return {
        "channels": first.shape[1],
        "width": first.shape[0],
        "blocks": max(1, len(blocks)),
    }


def _patch_layers(discriminator: Tensors) -> int:
    convolutions = sum(tensor.ndim == 4 for tensor in discriminator.values())
    if convolutions not in range(3, 9):
        raise ganzoo.DataError(
            f"net_D: {convolutions} convolutions are no discriminator of patches"
        )
    return convolutions - 2
