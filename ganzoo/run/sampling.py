"""Drawing images from a trained model into files."""

from collections.abc import Iterator
from pathlib import Path

from ganzoo.errors import UsageError
from ganzoo.files import writing
from ganzoo.images import grid, save_png, to_pil
from ganzoo.zoo import load


def sample(run: Path, *, count: int, seed: int, out: Path, device: str = "auto") -> Iterator[str]:
    """Draws images from a run: one .png of all of them, or a folder with a file of each. Yields what it wrote."""
    if out.suffix and out.suffix.lower() != ".png" and not out.is_dir():
        raise UsageError(f"--out {out}: a grid is a .png; anything without an ending is a folder")
    images = load(run, device=device).sample(count, seed)
    with writing(out):
        if out.suffix.lower() == ".png":
            out.parent.mkdir(parents=True, exist_ok=True)
            save_png(grid(images), out)
            yield f"{out}: {count} images"
            return
        out.mkdir(parents=True, exist_ok=True)
        for i, picture in enumerate(to_pil(images)):
            save_png(picture, out / f"{i:06}.png")
        yield f"{out}: {count} images, 000000.png to {count - 1:06}.png"
