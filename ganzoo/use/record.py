"""What a picture says of how it was made: the weights, and what was asked of them."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganzoo.state.config import Config

RECORD = "settings.json"
"""The file beside pictures in a folder."""


def record(config: Config, **asked: Any) -> str:
    """JSON with the model, the sha256 of its weights, and all that was asked for and is set."""
    document: dict[str, Any] = {"model": config.model, "weights": config.sha256}
    for name, value in asked.items():
        if value not in (None, {}, (), []):
            document[name] = value
    return json.dumps(document)


def is_record(path: Path) -> bool:
    """Whether `record` wrote this file, by the keys that it always has."""
    with suppress(Exception):  # anything may lie there
        document = json.loads(path.read_text("utf-8"))
        return isinstance(document, dict) and {"model", "weights"} <= document.keys()
    return False
