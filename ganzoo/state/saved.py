"""A model in a folder of its own, without its training: weights, configuration and card."""

import shutil
from dataclasses import replace
from pathlib import Path

from ganzoo.errors import StateError, UsageError
from ganzoo.files import is_free, is_replaceable, new_folder
from ganzoo.model.contract import Model
from ganzoo.state.card import write_card
from ganzoo.state.config import CONFIG, WEIGHTS, Config
from ganzoo.state.run import CARD
from ganzoo.state.weights import write_weights


def save_model(model: Model, folder: Path) -> None:
    """Writes the folder, complete or not at all; `ganzoo.load` reads it.

    It may replace what an earlier call wrote, but for a card that a person edited. Raises
    UsageError for a folder with anything else.
    """
    again = _is_saved_model(folder)
    if not again and not is_free(folder):
        raise UsageError(f"{folder} has other files: save the model in another folder")
    with new_folder(folder) as unfinished:
        if again and (folder / CARD).exists():
            shutil.copyfile(folder / CARD, unfinished / CARD)
        write_model(unfinished, model)


def write_model(folder: Path, model: Model) -> Config:
    """Writes the files into a folder that exists.

    Weights that were loaded and not changed keep their configuration (data, steps, scores) but for
    local paths: such a folder may be uploaded by any tool.
    """
    config = Config.of(
        model,
        trainer=model.default_trainer,
        precision="fp32",
        data={},
    )
    write_weights(folder, model, config)
    config = Config.read(folder / CONFIG)
    loaded: Config | None = model.loaded_config
    if loaded and loaded.sha256 == config.sha256:
        config = replace(loaded, classes=model.classes).public()
        (folder / CONFIG).write_text(config.to_json())
    write_card(folder, model)
    return config


def _is_saved_model(folder: Path) -> bool:
    """Whether it holds a model that was saved, and nothing else."""
    if not is_replaceable(folder):
        return False
    names = {path.name for path in folder.iterdir()}
    if not names <= {CONFIG, WEIGHTS, CARD}:
        return False
    try:
        Config.read(folder / CONFIG)
    except StateError:
        return False
    return True
