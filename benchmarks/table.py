"""Rows of a Markdown table."""

import statistics
from collections.abc import Sequence


def head(*titles: str) -> None:
    """Prints the titles of the columns, after an empty line."""
    print()
    row(*titles)
    print("|---" * len(titles) + "|", flush=True)


def row(*cells: object) -> None:
    """Prints a row."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def spread(values: Sequence[float]) -> str:
    """The median, with the smallest and the largest value."""
    median = statistics.median(values)
    return f"{median:.2f} ({min(values):.2f} to {max(values):.2f})"
