"""Weights that other projects trained, as a run folder of ganzoo's own."""

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from ganzoo.card import write_card
from ganzoo.errors import StateError, UsageError
from ganzoo.files import new_folder
from ganzoo.model import make
from ganzoo.registry import models
from ganzoo.state import Config, write_weights
from ganzoo.zoo import model_class


def import_weights(name: str, files: Sequence[Path], out: Path) -> list[str]:
    """Reads state dicts, never running code from them, and writes a run folder. Returns lines for the user.

    Raises StateError when a file cannot be read so, or its tensors do not fit the model.
    """
    plugin = models[name]
    kind = model_class(plugin.load(), plugin.name)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out} is not an empty folder: choose another")
    stems = [file.stem for file in files]
    if twice := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise UsageError(f"two of the files are called {twice}")
    hyperparameters, tensors = kind.from_others({file.stem: state_dict(file) for file in files})
    model = make(kind, kind.Hparams().replaced(hyperparameters), plugin=plugin)
    wanted = model.state_dict()
    wrong = [f"{key} (unknown)" for key in tensors if key not in wanted]
    wrong += [
        f"{key} ({tuple(tensor.shape)}, the model has {tuple(wanted[key].shape)})"
        for key, tensor in tensors.items()
        if key in wanted and wanted[key].shape != tensor.shape
    ]
    begun = {key.rpartition(".")[0].split(".body")[0] for key in tensors}
    wrong += [f"{key} (missing)" for key in wanted if key not in tensors and key.rpartition(".")[0] in begun]
    if wrong:
        raise StateError(f"{len(wrong)} tensors do not match, the first: {', '.join(wrong[:5])}; nothing was written")
    model.load_state_dict({**wanted, **tensors})
    config = Config(
        model=plugin.name,
        distribution=plugin.distribution,
        version=plugin.version,
        task=model.task,
        hyperparameters=model.hp.to_json(),
        trainer=kind.default_trainer,
        precision="fp32",
        data={"source": None, "images": None, "fingerprint": None, "licence": None},
    )
    with new_folder(out) as aside:
        write_weights(aside, model, config)
        write_card(aside, model)
    kept = sorted({".".join(key.split(".")[:2]) for key in wanted if key not in tensors})
    notes = [f"{out}: {len(tensors)} of {len(wanted)} tensors of {name} were read; all of them matched"]
    return notes + [f"{network} keeps its first weights: no file had them" for network in kept]


def state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `torch.save` wrote. Raises StateError for one that would have to run code."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as cause:
        raise StateError(f"{path} cannot be read: {cause.strerror or cause}") from None
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as cause:
        reason = " ".join(str(cause).split())
        raise StateError(f"{path} cannot be read without running code from it: {reason:.150}") from cause
    entries = found.items() if isinstance(found, dict) else ()
    tensors = {key: value for key, value in entries if isinstance(value, Tensor)}
    if not tensors:
        raise StateError(f"{path} is no state dict: it holds no tensors by name")
    return tensors
