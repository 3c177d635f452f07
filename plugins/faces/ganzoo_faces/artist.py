"""Draws faces; as a process of its own it reads a person a line, and writes a PNG for each.

Its libraries are those of the extra `faces`, so that they are imported where they are used.
"""

import json
import sys
from functools import cache
from importlib import resources
from typing import Any

PACKAGE = "dicebear_styles"


def style_names() -> list[str]:
    """The styles of the package."""
    files = resources.files(PACKAGE).iterdir()
    return sorted(f.name.removesuffix(".json") for f in files if f.name.endswith(".json"))


@cache
def definition(style: str) -> dict[str, Any]:
    """The JSON of a style: its components, colours and licence."""
    text = (resources.files(PACKAGE) / f"{style}.json").read_text("utf-8")
    result: dict[str, Any] = json.loads(text)
    return result


@cache
def _style(name: str) -> Any:
    from dicebear import Style

    return Style(definition(name))


def avatar(style: str, options: dict[str, Any]) -> Any:
    """DiceBear's `Avatar`: its SVG, and all that was drawn: `hairVariant`, `skinColor`, ..."""
    from dicebear import Avatar

    return Avatar(_style(style), options)


def png(style: str, options: dict[str, Any], size: int) -> bytes:
    """The face as a PNG of `size` x `size` pixels."""
    import resvg_py

    svg = avatar(style, options).to_string()
    image: bytes = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size)
    return image


def main() -> None:
    """Arguments: a style and a size. Each answer is the number of its bytes in four, then these.

    It ends with its input.
    """
    style, size = sys.argv[1], int(sys.argv[2])
    output = sys.stdout.buffer
    for line in sys.stdin.buffer:
        image = png(style, json.loads(line), size)
        output.write(len(image).to_bytes(4, "big") + image)
        output.flush()


if __name__ == "__main__":
    main()
