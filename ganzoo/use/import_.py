"""Weights that other projects trained, as a run folder of ganzoo's own."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo.discovery.registry import models
from ganzoo.errors import StateError, UsageError
from ganzoo.files import new_folder
from ganzoo.model.construct import initialised
from ganzoo.model.contract import Model
from ganzoo.state.card import write_card
from ganzoo.state.config import Config
from ganzoo.state.weights import write_weights
from ganzoo.zoo import model_class


def import_weights(name: str, files: Sequence[Path], out: Path) -> list[str]:
    """Reads state dicts, never running code from them, and writes a run folder. Returns lines for the user.

    Raises StateError when a file cannot be read so, or its tensors do not fit the model.
    """
    plugin = models[name]
    kind = model_class(plugin)
    stems = [file.stem for file in files]
    if twice := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise UsageError(f"two of the files are called {twice}")
    hyperparameters, tensors = kind.from_others({file.stem: state_dict(file) for file in files})
    model = initialised(kind, kind.Hparams().replaced(hyperparameters), plugin=plugin)
    wanted = model.state_dict()
    begun = {_network(model, key) for key in tensors}
    wrong = [
        f"{key} ({reason})"
        for key, tensor in tensors.items()
        if (reason := _mismatch(tensor, wanted.get(key)))
    ]
    wrong += [
        f"{key} (missing)" for key in wanted if key not in tensors and _network(model, key) in begun
    ]
    if wrong:
        raise StateError(
            f"{len(wrong)} tensors do not match, the first: {', '.join(wrong[:5])}; nothing was written"
        )
    model.load_state_dict({**wanted, **tensors})
    config = Config.of(
        model,
        trainer=kind.default_trainer,
        precision="fp32",
        data={"source": None, "images": None, "fingerprint": None, "licence": None},
    )
    with new_folder(out, must_be_free=True) as aside:
        write_weights(aside, model, config)
        write_card(aside, model)
    kept = sorted({_network(model, key) for key in wanted} - begun)
    notes = [
        f"{out}: {len(tensors)} of {len(wanted)} tensors of {name} were read; all of them matched"
    ]
    return notes + [f"{network} keeps its first weights: no file had them" for network in kept]


def _network(model: Model, key: str) -> str:
    """The part of the model that a tensor belongs to: a child, or an entry of a ModuleDict."""
    parts = key.split(".")
    return ".".join(parts[: 2 if isinstance(getattr(model, parts[0], None), nn.ModuleDict) else 1])


def _mismatch(tensor: Tensor, wanted: Tensor | None) -> str:
    if wanted is None:
        return "unknown"
    if tensor.shape != wanted.shape:
        return f"{tuple(tensor.shape)}, the model has {tuple(wanted.shape)}"
    if (
        tensor.layout != torch.strided
        or tensor.is_quantized
        or tensor.is_meta
        or not tensor.is_floating_point()
    ):
        return f"{tensor.dtype}, {tensor.layout}: not plain floats"
    return "" if tensor.isfinite().all() else "not finite"


def state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `torch.save` wrote. Raises StateError for one that would have to run code."""
    try:
        found = torch.load(
            path, map_location="cpu", weights_only=True
        )  # safe since torch 2.6; ours is newer
    except OSError as cause:
        raise StateError(f"{path} cannot be read: {cause.strerror or cause}") from None
    except Exception as cause:  # a damaged file can make its reader raise anything at all
        reason = " ".join(str(cause).split())
        raise StateError(
            f"{path} cannot be read without running code from it: {reason:.150}"
        ) from cause
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    entries = found.items() if isinstance(found, dict) else ()
    tensors = {
        key: value for key, value in entries if isinstance(key, str) and isinstance(value, Tensor)
    }
    if not tensors:
        raise StateError(f"{path} is no state dict: it holds no tensors by name")
    return tensors
