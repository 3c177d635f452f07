"""Draws the picture at the top of README.md with the pretrained weights that come along.

python benchmarks/pictures.py docs/images/models.png
"""

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

import ganzoo
from ganzoo.data.open import open_data
from ganzoo.images import enlarged, grid, save_png

COLUMNS = 10
WIDTH = 720


def noise_to_digits() -> torch.Tensor:
    """Two rows from noise."""
    model = ganzoo.create("dcgan-mini", pretrained=True)
    return model.sample(2 * COLUMNS, seed=1)


def asked_for() -> torch.Tensor:
    """A digit of each class, in order."""
    model = ganzoo.create("cdcgan-mini", pretrained=True)
    return model.sample(COLUMNS, seed=1, labels=torch.arange(10))


def photographs_to_digits() -> torch.Tensor:
    """Digits on photographs, and below each what b2a makes of it."""
    model = ganzoo.create("cyclegan-mini", pretrained=True)
    data = open_data("digits-photo", model.hp, model.view)
    trainer = ganzoo.Trainer(model, data, device="cpu")
    batch = trainer.batches.preview_batch(COLUMNS)
    pictures = batch.b[:COLUMNS]
    return torch.cat([pictures, model.translate(pictures, "b2a")])


def titled(title: str, images: torch.Tensor) -> Image.Image:
    """A strip of images below a line of text."""
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    strip = enlarged(grid(images, COLUMNS), WIDTH)
    strip = strip.resize((WIDTH, round(strip.height * WIDTH / strip.width)))
    sheet = Image.new("RGB", (WIDTH, strip.height + 28), "white")
    ImageDraw.Draw(sheet).text((2, 5), title, "black", ImageFont.load_default(16))
    sheet.paste(strip, (0, 28))
    return sheet


def main(path: Path) -> None:
    strips = [
        titled("dcgan-mini: from noise", noise_to_digits()),
        titled("cdcgan-mini: asked for 0 to 9", asked_for()),
        titled(
            "cyclegan-mini: digits on photographs, translated without pairs",
            photographs_to_digits(),
        ),
    ]
    sheet = Image.new("RGB", (WIDTH, sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png(sheet.quantize(256), path)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
