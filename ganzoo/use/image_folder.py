"""A folder of images and classes, as it is written: names of its folders, bytes of its files."""

import io
import re
from collections.abc import Collection
from pathlib import PurePath

from PIL import Image

from ganzoo.data.metadata import DESCRIPTIONS
from ganzoo.data.pack import read_once
from ganzoo.data.picture import FORMATS, converted, decoded
from ganzoo.data.source import Item, content
from ganzoo.errors import DataError

UNSAFE = re.compile(r'^\.+|^$|[/\\:*?"<>|\x00-\x1f]')
"""What the name of a folder cannot have, on one system or another: it may not be hidden either."""
OF_PNG = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")
"""Pillow's modes that a PNG can have."""


def folder_name(name: str) -> str:
    """The folder of a class: its name, unless that would be a path or a hidden file."""
    return UNSAFE.sub("_", name)


def check_folder_names(classes: Collection[str], place: str) -> None:
    """Raises DataError if two classes would have one folder, or one has the name of a file."""
    folders = {folder_name(name).casefold() for name in classes}
    if len(folders.difference(DESCRIPTIONS)) < len(classes):
        raise DataError(
            f"the classes of {place} cannot all be names of folders: {', '.join(classes)}"
        )


def file_of(item: Item) -> tuple[bytes, str]:
    """The bytes of an item's file and their ending: the file itself, or a PNG of what is drawn.

    Raises BadImage if there is no picture in it.
    """
    item = read_once(item)
    data = content(item)
    picture, _ = decoded(item)
    if isinstance(data, bytes):
        return data, _ending(item.name, picture.format or "")
    if picture.mode not in OF_PNG:
        picture, _ = converted(picture, 3)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue(), ".png"


def without_ending(name: str) -> str:
    """The name without the ending of an image file."""
    ending = PurePath(name).suffix
    known = ending.lower() in Image.registered_extensions()
    return name.removesuffix(ending) if known else name


def _ending(name: str, form: str) -> str:
    """The ending of a name, if it is that of an image file; else the usual one of the format."""
    formats = Image.registered_extensions()
    own = PurePath(name).suffix.lower()
    if formats.get(own) in FORMATS.split():
        return own
    usual = f".{form.lower()}"
    return usual if usual in formats else ".jp2"
