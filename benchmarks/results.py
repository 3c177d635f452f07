"""Results of benchmarks that take hours: a line of JSON each, so that a second call goes on."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def read(path: Path) -> list[dict[str, Any]]:
    """The results so far."""
    return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []


def append(path: Path, result: Mapping[str, Any]) -> None:
    """Writes one more, and prints it."""
    line = json.dumps(result)
    with path.open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)


def mean_and_range(values: Sequence[float], digits: int) -> str:
    """The mean, with the smallest and the largest; empty without values."""
    if not values:
        return ""
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def stated(name: str) -> Path:
    """The file of the results that README.md states."""
    return Path(__file__).with_name("results") / f"{name}.jsonl"
