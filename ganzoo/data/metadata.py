"""metadata.csv beside images: what is known of each, as Hugging Face's ImageFolder has it."""

import csv
import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ganzoo.data.source import Item, content
from ganzoo.errors import BadImage

logger = logging.getLogger(__name__)

METADATA = "metadata.csv"
DESCRIPTIONS = (METADATA, "metadata.jsonl", "manifest.json")
"""Files that describe the images beside them, and are no images that cannot be used."""
FILE, LABEL = "file_name", "label"
LARGEST = 2**26
"""Bytes of a metadata.csv that is read."""
Attributes = Mapping[str, str]


def metadata_text(rows: Sequence[Attributes]) -> str:
    """The text of a metadata.csv: a line for each row, a column for each key."""
    columns: dict[str, None] = {}
    for row in rows:
        columns |= dict.fromkeys(row)
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def described(items: Iterable[Item], place: str) -> list[Item]:
    """The images among the files, with the attributes that the metadata.csv beside them has.

    Logs a warning about one that cannot be used; `place` is what they lie in.
    """
    images = []
    attributes: dict[str, Attributes] = {}
    for item in items:
        name = PurePosixPath(item.name).name
        if name not in DESCRIPTIONS:
            images.append(item)
        elif name == METADATA:
            attributes |= _attributes(item, place)
    if not attributes:
        return images
    return [replace(item, attributes=attributes.get(item.name, {})) for item in images]


def _attributes(item: Item, place: str) -> dict[str, Attributes]:
    """The attributes of each image, by its name; empty cells are none."""
    folder = PurePosixPath(item.name).parent
    result: dict[str, Attributes] = {}
    try:
        for row in _rows(item):
            file = row.pop(FILE).replace("\\", "/")
            row.pop(LABEL, None)
            known = {key: value for key, value in row.items() if value}
            result[(folder / file).as_posix()] = known
    except (BadImage, ValueError, csv.Error) as cause:
        logger.warning(f"{item.name} of {place} is not used: {cause}")
        return {}
    return result


def _rows(item: Item) -> list[dict[str, str]]:
    """The lines by column. Raises BadImage, ValueError or csv.Error if it is no such table."""
    data = content(item)
    assert isinstance(data, bytes)
    if len(data) > LARGEST:
        raise ValueError(f"it has {len(data):,} bytes; files up to {LARGEST:,} are read")
    text = data.decode("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
    if FILE not in (reader.fieldnames or ()):
        raise ValueError(f"it has no column {FILE}")
    rows = []
    for row in reader:
        if None in row:
            raise ValueError(f"line {reader.line_num} has more cells than there are columns")
        rows.append(row)
    return rows
