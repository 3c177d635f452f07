"""Draws the two pictures at the top of README.md.

    python benchmarks/pictures.py [runs/dcgan-mini] [--out docs/images]

faces.png: the samples of the run that README's first command makes. hair.png: persons whom
`cyclegan-mini` (weights that come along) never saw, what it makes of them, and the truth.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from truth import unseen

import ganzoo
from ganzoo.images import grid, save_png

WIDTH = 720
TITLE = 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", default="runs/dcgan-mini")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    _save(options.out / "faces.png", faces(options.run))
    _save(options.out / "hair.png", hair())


def faces(run: str) -> Image.Image:
    """Three rows from noise."""
    model = ganzoo.load(run)
    steps = ganzoo.Run(run).step
    title = f"dcgan-mini after {steps:,} steps: faces from noise"
    return _titled(title, model.sample(24, seed=0), 8)


def hair() -> Image.Image:
    """Both directions: the person, the translation, and the truth."""
    model = ganzoo.create("cyclegan-mini", pretrained=True)
    blond, black = unseen(model.hp.image_size)
    strips = []
    for name, direction, source, truth, rows in (
        ("blond to black", "a2b", blond, black, slice(0, 12)),
        ("black to blond", "b2a", black, blond, slice(12, 24)),
    ):
        source, truth = source[rows], truth[rows]
        translated = model.translate(source, direction)
        title = f"cyclegan-mini, {name}: the person, its translation, the truth"
        strips.append(_titled(title, torch.cat([source, translated, truth]), 12))
    sheet = Image.new("RGB", (WIDTH, sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet


def _titled(title: str, images: Tensor, columns: int) -> Image.Image:
    """A strip of images below a line of text."""
    strip = grid(images, columns)
    height = round(strip.height * WIDTH / strip.width)
    sheet = Image.new("RGB", (WIDTH, height + TITLE), "white")
    ImageDraw.Draw(sheet).text((2, 5), title, "black", ImageFont.load_default(16))
    sheet.paste(strip.resize((WIDTH, height), Image.Resampling.LANCZOS), (0, TITLE))
    return sheet


def _save(path: Path, picture: Image.Image) -> None:
    save_png(picture.quantize(256), path)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
