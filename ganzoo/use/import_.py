"""`ganzoo import`: weights that other projects trained, as a run folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo.discovery.registry import models
from ganzoo.errors import StateError, UsageError
from ganzoo.files import new_folder
from ganzoo.model.contract import Model
from ganzoo.state.card import write_card
from ganzoo.state.config import Config
from ganzoo.state.weights import write_weights
from ganzoo.zoo import create, model_class


def import_weights(
    name: str,
    files: Sequence[Path],
    out: Path,
) -> list[str]:
    """Reads state dicts, without running code from them, and writes a run folder.

    Returns lines for the user. Raises StateError if a file cannot be read, or its tensors do not
    fit the model.
    """
    kind = model_class(models[name])
    state_dicts: dict[str, dict[str, Tensor]] = {}
    for file in files:
        if file.stem in state_dicts:
            raise UsageError(f"two of the files have the name {file.stem}")
        state_dicts[file.stem] = state_dict(file)
    hyperparameters, tensors = kind.convert_weights(state_dicts)
    model = create(name, **hyperparameters)
    untouched = _untouched_networks(model, tensors)
    model.load_state_dict({**model.state_dict(), **tensors})
    config = Config.of(
        model,
        trainer=kind.default_trainer,
        precision="fp32",
        data=dict.fromkeys(("source", "images", "fingerprint", "licence")),
    )
    with new_folder(out, must_be_free=True) as folder:
        write_weights(folder, model, config)
        write_card(folder, model)
    total = len(model.state_dict())
    lines = [f"{out}: {len(tensors)} of {total} tensors of {name} were read; all matched"]
    for network in sorted(untouched):
        lines.append(f"{network} keeps its first weights: no file had them")
    return lines


def _network(model: Model, key: str) -> str:
    """The network that a tensor belongs to: a child of the model, or an entry of a ModuleDict."""
    child, *rest = key.split(".")
    if isinstance(getattr(model, child, None), nn.ModuleDict):
        return f"{child}.{rest[0]}"
    return child


def _untouched_networks(model: Model, tensors: Mapping[str, Tensor]) -> set[str]:
    """The networks that keep their first weights.

    Raises StateError unless each of the others gets all of its tensors, and none besides.
    """
    expected = model.state_dict()
    imported = {_network(model, key) for key in tensors}
    untouched = {_network(model, key) for key in expected} - imported
    mistakes = []
    for key in dict.fromkeys([*tensors, *expected]):
        mistake = _mistake(tensors.get(key), expected.get(key))
        if mistake and _network(model, key) in imported:
            mistakes.append(f"{key} ({mistake})")
    if mistakes:
        raise StateError(
            f"{len(mistakes)} tensors do not match, the first:"
            f" {', '.join(mistakes[:5])}; nothing was written"
        )
    return untouched


def _mistake(tensor: Tensor | None, expected: Tensor | None) -> str | None:
    if tensor is None:
        return "missing"
    if expected is None:
        return "unknown"
    if tensor.shape != expected.shape:
        return f"{tuple(tensor.shape)}, the model has {tuple(expected.shape)}"
    is_dense = tensor.layout == torch.strided and not tensor.is_meta
    if not is_dense or not tensor.is_floating_point():
        return f"{tensor.dtype}, {tensor.layout}: not plain floats"
    return None if tensor.isfinite().all() else "not finite"


def state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `torch.save` wrote.

    Raises StateError if the file cannot be read without running code from it.
    """
    try:
        # weights_only is safe since torch 2.6; ours is newer
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as cause:
        raise StateError(f"{path} cannot be read: {cause.strerror or cause}") from None
    except Exception as cause:  # a damaged file can make its reader raise anything
        reason = " ".join(str(cause).split())
        raise StateError(
            f"{path} cannot be read without running code from it: {reason:.150}"
        ) from cause
    if isinstance(content, dict):
        content = content.get("state_dict", content)
    tensors = {}
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(key, str) and isinstance(value, Tensor):
                tensors[key] = value
    if not tensors:
        raise StateError(f"{path} is no state dict: it holds no tensors by name")
    return tensors
