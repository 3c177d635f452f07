"""The scores of a training: the last evaluation, and the best of those whose weights are kept."""

from dataclasses import dataclass
from math import isfinite
from typing import Any, Self


@dataclass(frozen=True)
class Score:
    """An evaluation after a step: scores by name, of which the first decides, and its images."""

    step: int
    scores: dict[str, float]
    images: int

    @property
    def deciding(self) -> tuple[str, float]:
        """Name and value of the score that decides which weights are best; more is better."""
        return next(iter(self.scores.items()))

    def is_better_than(self, other: "Score | None") -> bool:
        name, value = self.deciding
        if other is None:
            return isfinite(value)
        return isfinite(value) and value > other.scores[name]

    @classmethod
    def from_json(cls, document: Any) -> Self | None:
        return cls(**document) if document else None
