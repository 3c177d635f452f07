"""metrics.jsonl: the journal of a run, from which the curve and TensorBoard events are made."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any

from ganzoo.files import replace_file, writing


class Journal:
    """One JSON object a line: `{"step": 50, "kind": "report", "generator": 0.7, ...}`.

    A line is a "report", "scores" or an "event"; lines of older runs have no kind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Adds a line. Raises StateError if it cannot be written."""
        line = json.dumps({"step": step, "kind": kind, **values})
        with writing(self.path), self.path.open("a") as file:
            file.write(line + "\n")

    def truncate(self, step: int) -> None:
        """Drops the lines of later steps, which will be made again, and a line torn by a kill."""
        text = ""
        for line in self.lines():
            if line["step"] <= step:
                text += json.dumps(line) + "\n"
        replace_file(self.path, text.encode())

    def series(self) -> dict[str, list[tuple[int, float]]]:
        """Name -> `(step, value)` for each loss and score that is finite."""
        result: dict[str, list[tuple[int, float]]] = {}
        for line in self.lines():
            if line.pop("kind", None) == "event":
                continue
            step = line.pop("step")
            for name, value in line.items():
                is_number = isinstance(value, float | int)  # scores by class are a table
                if name != "steps_per_second" and is_number and isfinite(value):
                    result.setdefault(name, []).append((step, value))
        return result

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines as they were written, without one that was torn by a kill."""
        if self.path.exists():
            for text in self.path.read_text().splitlines():
                with suppress(ValueError):  # torn
                    yield json.loads(text)
