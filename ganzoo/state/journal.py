"""metrics.jsonl: the journal of a run, from which the curve and TensorBoard events are made."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from ganzoo.files import replace_file, writing

Kind = Literal["report", "scores", "event"]
NOT_DRAWN = ("step", "kind", "steps_per_second")


class Journal:
    """One JSON object a line: `{"step": 50, "kind": "report", "generator": 0.7, ...}`.

    Lines of older runs have no kind: they are reports and scores.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: Kind, step: int, values: Mapping[str, Any]) -> None:
        """Adds a line. Raises StateError if it cannot be written."""
        line = json.dumps({"step": step, "kind": kind, **values})
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def truncate(self, step: int) -> None:
        """Drops the lines of later steps, which will be made again, and a line torn by a kill."""
        if self.path.exists():
            kept = [json.dumps(line) + "\n" for line in self._lines() if line["step"] <= step]
            replace_file(self.path, "".join(kept).encode())

    def series(self) -> dict[str, list[tuple[int, float]]]:
        """Name -> `(step, value)` for each loss and score that is finite."""
        result: dict[str, list[tuple[int, float]]] = {}
        for line in self._lines():
            if line.get("kind") == "event":
                continue
            for name, value in line.items():
                if name not in NOT_DRAWN and math.isfinite(value):
                    result.setdefault(name, []).append((line["step"], value))
        return result

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for text in self.path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):  # torn
                yield json.loads(text)
