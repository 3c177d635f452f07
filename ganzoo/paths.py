"""Where ganzoo keeps what it can make again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$GANZOO_CACHE`, else `$XDG_CACHE_HOME/ganzoo`, else `~/.cache/ganzoo`. It may not exist yet."""
    if chosen := os.environ.get("GANZOO_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "ganzoo"
