"""What a picture says of how it was made: the weights, and what was asked of them."""

import json
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
