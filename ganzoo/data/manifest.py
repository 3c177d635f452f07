"""Manifest: what packing found out about the images of a source."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

FORMAT = 1


@dataclass(frozen=True)
class Skipped:
    """A file that is not used, and why."""

    name: str
    kind: str
    detail: str


def reasons(skipped: Sequence[Skipped]) -> str:
    """` (3 corrupt, 2 hidden)`, or nothing."""
    counts = Counter(one.kind for one in skipped).most_common()
    return f" ({', '.join(f'{count:,} {kind}' for kind, count in counts)})" if counts else ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The numbers of the rows that are of use, their labels (-1 is none) and digests, and what was skipped.

    `stored` says whether their pixels are in images.bin, beside manifest.json, `(rows, channels, size, size)`.
    """

    fingerprint: str
    channels: int
    size: int
    rows: list[int]
    labels: list[int]
    digests: list[str]
    skipped: list[Skipped]
    stored: bool
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        (folder / "manifest.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """None when there is none, or none that can be used: it is only a cache."""
        try:
            found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            found["skipped"] = [Skipped(**skipped) for skipped in found["skipped"]]
            manifest = cls(**found)
            whole = not manifest.stored or (folder / "images.bin").stat().st_size == manifest.bytes
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return manifest if whole and manifest.format == FORMAT else None

    @property
    def bytes(self) -> int:
        """Of the pixels."""
        return len(self.rows) * self.channels * self.size**2

    def images(self, folder: Path) -> Tensor:
        """`(rows, channels, size, size)`, uint8: the file itself, mapped into memory."""
        shape = (len(self.rows), self.channels, self.size, self.size)
        if not self.rows:
            return torch.empty(shape, dtype=torch.uint8)
        path = str(folder / "images.bin")
        return torch.from_file(path, shared=False, size=self.bytes, dtype=torch.uint8).view(shape)
