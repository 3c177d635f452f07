"""The training curve: the losses and scores of a run's journal as a picture."""

import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

COLOURS = (
    "#1f77b4",
    "#ff7f0e",
    "#2ca02c",
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#7f7f7f",
    "#bcbd22",
    "#17becf",
)
SIZE, EDGE = (800, 420), 50


def curve(series: Mapping[str, Sequence[tuple[int, float]]]) -> Image.Image | None:
    """A line for each loss and score over the steps, in one frame; None before two reports."""
    points = [point for line in series.values() for point in line]
    if max(map(len, series.values()), default=0) < 2:
        return None
    last, low, high = (
        max(x for x, _ in points),
        min(y for _, y in points),
        max(y for _, y in points),
    )
    high = high if high > low else low + 1
    sheet = Image.new("RGB", (SIZE[0], SIZE[1] + 18 * math.ceil(len(series) / 4)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    right, bottom = SIZE[0] - 20, SIZE[1] - EDGE
    draw.rectangle((EDGE, 20, right, bottom), outline="grey")
    for share in (0.0, 0.5, 1.0):
        x, y = EDGE + share * (right - EDGE), bottom - share * (bottom - 20)
        draw.text((x, bottom + 6), f"{share * last:,.0f}", fill="grey", font=font, anchor="ma")
        draw.text(
            (EDGE - 6, y), f"{low + share * (high - low):.2g}", fill="grey", font=font, anchor="rm"
        )
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [
            (EDGE + x / last * (right - EDGE), bottom - (y - low) / (high - low) * (bottom - 20))
            for x, y in line
        ]
        draw.line(places, fill=colour, width=2)
        left, top = EDGE + number % 4 * 185, SIZE[1] - 16 + 18 * (number // 4)
        draw.text((left, top), name[:28], fill=colour, font=font)
    return sheet
