"""metrics.jsonl: the journal of a run, from which the curve and TensorBoard events are made."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from ganzoo.files import replace_file, writing

Kind = Literal["report", "scores", "event"]
NOT_DRAWN = ("step", "kind", "steps_per_second")


class Journal:
    """One JSON object a line: `{"step": 50, "kind": "report", "generator": 0.7, ...}`.

    Lines of older runs have no kind; they are reports or scores.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: Kind, step: int, values: Mapping[str, Any]) -> None:
        """Adds a line. Raises StateError if the file cannot be written."""
        line = json.dumps({"step": step, "kind": kind, **values})
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def truncate(self, step: int) -> None:
        """Drops the lines of later steps, which will be made again, and a line torn by a kill."""
        if not self.path.exists():
            return
        kept = [text for text, line in self._lines() if line["step"] <= step]
        replace_file(self.path, "".join(kept).encode())

    def series(self) -> dict[str, list[tuple[int, float]]]:
        """Name -> `(step, value)` for each finite loss and score; empty before the first report."""
        result: dict[str, list[tuple[int, float]]] = {}
        for _, line in self._lines():
            if line.get("kind") == "event":
                continue
            for name, value in line.items():
                is_number = isinstance(value, int | float) and math.isfinite(value)
                if is_number and name not in NOT_DRAWN:
                    result.setdefault(name, []).append((line["step"], value))
        return result

    def _lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each whole line, as text and as an object."""
        if not self.path.exists():
            return
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and isinstance(line.get("step"), int):
                yield text + "\n", line
