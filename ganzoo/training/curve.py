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
    if max(map(len, series.values()), default=0) < 2:
        return None
    steps, values = [], []
    for line in series.values():
        steps += [step for step, _ in line]
        values += [value for _, value in line]
    last, low, high = max(steps), min(values), max(values)
    high = high if high > low else low + 1
    legend = 18 * math.ceil(len(series) / 4)
    sheet = Image.new("RGB", (SIZE[0], SIZE[1] + legend), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    width, height = SIZE[0] - 20 - EDGE, SIZE[1] - EDGE - 20
    bottom = 20 + height
    draw.rectangle((EDGE, 20, EDGE + width, bottom), outline="grey")
    for share in (0.0, 0.5, 1.0):
        level = f"{low + share * (high - low):.2g}"
        draw.text(
            (EDGE + share * width, bottom + 6),
            f"{share * last:,.0f}",
            fill="grey",
            font=font,
            anchor="ma",
        )
        draw.text((EDGE - 6, bottom - share * height), level, fill="grey", font=font, anchor="rm")
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = []
        for step, value in line:
            across, up = step / last, (value - low) / (high - low)
            points.append((EDGE + across * width, bottom - up * height))
        draw.line(points, fill=colour, width=2)
        left, top = EDGE + number % 4 * 185, SIZE[1] - 16 + 18 * (number // 4)
        draw.text((left, top), name[:28], fill=colour, font=font)
    return sheet
