"""The scores of a training: the last evaluation, and the best of those whose weights are kept."""

from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Self


@dataclass(frozen=True)
class Score:
    """An evaluation after a step: scores by name, of which the first decides, and its images."""

    step: int
    scores: dict[str, float]
    images: int
    by_class: dict[str, float] = field(default_factory=dict)
    """The deciding score of each class."""
    better: str = "higher"
    """Whether a `higher` or a `lower` deciding score is better."""

    @property
    def deciding(self) -> tuple[str, float]:
        """Name and value of the score that decides which weights are best."""
        return next(iter(self.scores.items()))

    def details(self) -> dict[str, dict[str, float]]:
        """The score of each class, for files: `{"accuracy by class": {"cat": 0.9, ...}}`."""
        name, _ = self.deciding
        return {f"{name} by class": self.by_class} if self.by_class else {}

    def is_better_than(self, other: "Score | None") -> bool:
        name, value = self.deciding
        if other is None or not isfinite(value):
            return isfinite(value)
        before = other.scores[name]
        return value < before if self.better == "lower" else value > before

    @classmethod
    def from_json(cls, document: Any) -> Self | None:
        return cls(**document) if document else None
