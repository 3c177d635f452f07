"""The timeline of a run: pictures of its weights after some of its steps."""

from collections.abc import Container
from pathlib import Path


class Timeline:
    """samples/step-N.webp. The folder need not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, step: int) -> Path:
        """The picture of this step, which need not exist."""
        return self.folder / f"step-{step:06}.webp"

    def pictures(self) -> dict[int, Path]:
        """Step -> its picture, for those that exist, in the order of the steps."""
        pictures = {}
        for path in self.folder.glob("step-*.webp"):
            number = path.stem[5:]
            if number.isdecimal():
                pictures[int(number)] = path
        return dict(sorted(pictures.items()))

    def keep(self, steps: Container[int]) -> None:
        """Deletes the pictures of all other steps."""
        for step, path in self.pictures().items():
            if step not in steps:
                path.unlink()
