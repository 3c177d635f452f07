"""A data source that is tried, here and in another process."""

import ast
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ganzoo.data.source import source_class
from ganzoo.discovery.registry import Plugin
from ganzoo.errors import DataError
from ganzoo.testing.broken import broken

ELSEWHERE = """
import sys
from hashlib import sha256
from ganzoo.discovery.registry import datasets

def digest(item):
    try:
        found = item.read()
    except Exception:
        return None
    return sha256(found if isinstance(found, bytes) else found.tobytes()).hexdigest()

source = datasets[sys.argv[1]].load()(sys.argv[2])
items = list(source.items())
labels = [source.info.classes, *[(item.name, item.label) for item in items]]
print({"items": labels, "read": [digest(item) for item in items[:3]]})
"""


@dataclass
class SourceCase:
    """A registered data source."""

    plugin: Plugin
    argument: str = ""

    @property
    def display_name(self) -> str:
        """What is tried."""
        return self.plugin.name

    @cached_property
    def source(self) -> Any:
        return self.opened()

    @cached_property
    def elsewhere(self) -> Any:
        """Classes, names, labels and the first images, as a process finds them in which sets have another order."""
        words = [
            sys.executable,
            "-c",
            ELSEWHERE,
            f"{self.plugin.distribution}/{self.plugin.name}",
            self.argument,
        ]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "77"}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
        return ast.literal_eval(done.stdout.splitlines()[-1])

    def opened(self) -> Any:
        try:
            return source_class(self.plugin)(self.argument)
        except DataError as error:
            name = self.plugin.name
            broken(
                f"{error}; for its tests, say what stands after the colon, contract(..., {{{name!r}: '...'}}), or "
                f"leave it out, contract(..., without=[{name!r}])"
            )
