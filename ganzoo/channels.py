"""Channels of an image and Pillow's modes; it starts without torch."""

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""The mode of a picture by the number of its channels."""
