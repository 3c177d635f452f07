"""Names of the authors' own weights -> ours. Only what their files are: names, shapes, and which network is which."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

import ganzoo

PARTS = {
    "G_A": "generators.a2b",
    "G_B": "generators.b2a",
    "D_A": "discriminators.b",
    "D_B": "discriminators.a",
}
"""Their D_A judges what G_A makes, which is domain B."""
Tensors = Mapping[str, Tensor]


def cyclegan(files: Mapping[str, Tensors]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """`{"latest_net_G_A": tensors, ...}` -> hyperparameters, and tensors by our names. Raises DataError."""
    networks: dict[str, dict[str, Tensor]] = {}
    for stem, tensors in files.items():
        found = re.search(r"net_([GD]_[AB])$", stem)
        if not found:
            raise ganzoo.DataError(
                f"{stem}: the file's name says which network it is, ..._net_G_A, _net_G_B, _net_D_A or _net_D_B"
            )
        if found[1] in networks:
            raise ganzoo.DataError(f"{stem}: another of the files is {found[1]} too")
        networks[found[1]] = renamed(stem, tensors)
    if missing := [part for part in ("G_A", "G_B") if part not in networks]:
        raise ganzoo.DataError(
            f"both generators are needed: no file is called ..._net_{missing[0]}.pth"
        )
    hyperparameters = shape(networks["G_A"])
    if judge := networks.get("D_A") or networks.get("D_B"):
        convolutions = sum(tensor.ndim == 4 for tensor in judge.values())
        if convolutions not in range(3, 9):
            raise ganzoo.DataError(
                f"net_D: {convolutions} convolutions are no discriminator of patches"
            )
        hyperparameters["patch_layers"] = convolutions - 2
    by_name = {
        f"{PARTS[part]}.{name}": t
        for part, tensors in networks.items()
        for name, t in tensors.items()
    }
    return hyperparameters, by_name


def renamed(stem: str, tensors: Tensors) -> dict[str, Tensor]:
    """Tensors of one of their ResNets or patch discriminators, by the names of ours."""
    if any(".model." in name.removeprefix("module.") for name in tensors):
        raise ganzoo.DataError(f"{stem} is a U-Net; only ResNet generators are read")
    with_dropout = any(
        name.endswith("conv_block.6.weight") for name in tensors
    )  # it stands before the second one
    found = {}
    for name, tensor in tensors.items():
        if name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            continue  # of instance norms before PyTorch 0.4, which never used them
        ours = name.removeprefix("module.").removeprefix("model.").replace(".conv_block.", ".body.")
        found[ours.replace(".body.6.", ".body.5.") if with_dropout else ours] = tensor
    return found


def shape(generator: Tensors) -> dict[str, Any]:
    """The hyperparameters that a ResNet generator's first layer and its number of blocks tell."""
    first = generator.get("1.weight")
    if first is None or first.ndim != 4 or first.shape[1] not in (1, 3, 4):
        raise ganzoo.DataError(
            "net_G has no first convolution model.1.weight of 1, 3 or 4 channels: it is no ResNet"
        )
    blocks = {name.split(".")[0] for name in generator if ".body." in name}
    return {"channels": first.shape[1], "width": first.shape[0], "blocks": max(1, len(blocks))}
