"""Helpers: networks that a training uses and that are never trained or published."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ganzoo.errors import GanzooError, PluginError, StateError
from ganzoo.files import expanded, sha256
from ganzoo.model.contract import Model
from ganzoo.seeds import seeded
from ganzoo.state.weights import load_strict

IN_PYTHON = "weights from Python"
Record = dict[str, dict[str, str]]
"""Name -> source and sha256, as config.json has them."""


@dataclass(frozen=True)
class Helper:
    """A network with its weights, and where these come from: in words, and by their sha256."""

    network: nn.Module
    source: str
    sha256: str

    @classmethod
    def of_file(
        cls,
        network: nn.Module,
        path: str | Path,
        sha256: str | None = None,
    ) -> Self:
        """Loads a safetensors file into the network.

        Raises StateError, which names the file, if there is none, if it has another sha256 than
        the one that is passed, or if its tensors do not fit.
        """
        file = expanded(path)
        digest = _digest(file)
        if sha256 not in (None, digest):
            raise StateError(f"{file} has the sha256 {digest}, not {sha256}: take the other file")
        try:
            tensors = load_file(file)
        except (OSError, SafetensorError) as cause:
            raise StateError(f"{file} is no safetensors file: {cause}") from None
        load_strict(network, tensors, file)
        return cls(network, file.name, digest)

    @classmethod
    def of(cls, name: str, value: object, model: Model) -> "Helper":
        """A helper as it is, a model with the sha256 of its file, a network with that of its
        weights. Raises PluginError for anything else.
        """
        if isinstance(value, Helper):
            return value
        if not isinstance(value, nn.Module):
            raise PluginError(
                f"{model.display_name}: load_helpers() gives {name} = {value!r:.60}; "
                "it must be a network, a ganzoo.Model or a ganzoo.Helper"
            )
        config = value.loaded_config if isinstance(value, Model) else None
        if config:
            return cls(value, config.model, config.sha256 or "")
        return cls(value, IN_PYTHON, _digest_of(value.state_dict()))


def load_helpers(model: Model) -> Record:
    """Makes `model.helpers`, by its `load_helpers()`: in eval mode, on its device, not trained.

    Returns their sources. Raises a GanzooError if one is missing.
    """
    try:
        with seeded("helpers", model.hp.seed, device=torch.device("cpu")):
            loaded = model.load_helpers()
    except GanzooError:
        raise
    except Exception as cause:  # a stranger's code may raise anything
        reason = f"{type(cause).__name__}: {cause}"
        raise StateError(f"{model.display_name}: a helper cannot be loaded: {reason}") from cause
    if not isinstance(loaded, Mapping):
        raise PluginError(f"{model.display_name}: load_helpers() must give networks by name")
    record: Record = {}
    networks: dict[str, nn.Module] = {}
    for name, value in loaded.items():
        helper = Helper.of(name, value, model)
        networks[name] = helper.network.to(model.device).eval().requires_grad_(False)
        record[name] = {"source": helper.source, "sha256": helper.sha256}
    model.helpers = networks
    return record


def _digest(file: Path) -> str:
    try:
        return sha256(file)
    except OSError as cause:
        raise StateError(f"the weights {file} of a helper: {cause.strerror}") from None


def _digest_of(tensors: Mapping[str, Any]) -> str:
    """A sha256 over names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        if isinstance(tensor, Tensor):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
