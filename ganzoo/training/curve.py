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
Point = tuple[float, float]
SIZE = (800, 420)
LEFT, TOP, RIGHT, BOTTOM = FRAME = (50, 20, 780, 370)
"""The edges of the frame, in pixels."""


def curve(series: Mapping[str, Sequence[Point]]) -> Image.Image | None:
    """A line for each loss and score over the steps, in one frame; None before two reports."""
    if max(map(len, series.values()), default=0) < 2:
        return None
    steps, values = [], []
    for line in series.values():
        steps += [step for step, _ in line]
        values += [value for _, value in line]
    last, low, high = max(steps), min(values), max(values)
    span = high - low or 1
    legend = 18 * math.ceil(len(series) / 4)
    sheet = Image.new("RGB", (SIZE[0], SIZE[1] + legend), "white")
    draw = ImageDraw.Draw(sheet)
    draw.font = ImageFont.load_default(12)

    def place(across: float, up: float) -> Point:
        width, height = RIGHT - LEFT, BOTTOM - TOP
        return LEFT + across * width, BOTTOM - up * height

    draw.rectangle(FRAME, outline="grey")
    for share in (0.0, 0.5, 1.0):
        left, top = place(share, share)
        number, level = f"{share * last:,.0f}", f"{low + share * span:.2g}"
        draw.text((left, BOTTOM + 6), number, fill="grey", anchor="ma")
        draw.text((LEFT - 6, top), level, fill="grey", anchor="rm")
    for index, (name, line) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = []
        for step, value in line:
            points.append(place(step / last, (value - low) / span))
        draw.line(points, fill=colour, width=2)
        row, column = divmod(index, 4)
        corner = LEFT + 185 * column, SIZE[1] - 16 + 18 * row
        draw.text(corner, name[:28], fill=colour)
    return sheet
