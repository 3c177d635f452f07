"""Prints what a data source holds; run in another process, where sets have another order."""

import json
import sys
from hashlib import sha256
from typing import Any

from ganzoo.data.source import Item, Source, content
from ganzoo.discovery.registry import datasets

SEEN = 3
"""The first images, which are looked at."""


def contents(source: Source) -> dict[str, Any]:
    """The classes, what the items say of themselves, and digests of the first images."""
    items = list(source.items())
    return {
        "classes": list(source.info.classes),
        "items": [[item.name, item.label, dict(item.attributes)] for item in items],
        "images": [digest(item) for item in items[:SEEN]],
    }


def digest(item: Item) -> str:
    """The sha256 of a file's bytes, or of a picture's pixels."""
    image = content(item)
    return sha256(image if isinstance(image, bytes) else image.tobytes()).hexdigest()


if __name__ == "__main__":
    print(json.dumps(contents(datasets[sys.argv[1]].load()(sys.argv[2]))))  # noqa: T201
