"""metadata.csv or metadata.jsonl beside images: what is known of each, as ImageFolder has it."""

import csv
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ganzoo.data.source import Item, content
from ganzoo.errors import BadImage

logger = logging.getLogger(__name__)

METADATA, LINES = "metadata.csv", "metadata.jsonl"
DESCRIPTIONS = (METADATA, LINES, "manifest.json", "settings.json")
"""Files that describe the images beside them, and are no images that cannot be used."""
FILE, LABEL = "file_name", "label"
LARGEST = 2**26
"""Bytes of a table that is read."""
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
    """The images among the files, with the attributes that the table beside them has.

    Logs a warning about one that cannot be used, or that has lines of no image; `place` is what
    they lie in. Of both kinds of table in one folder, metadata.csv is read.
    """
    images = []
    tables: dict[PurePosixPath, Item] = {}
    for item in items:
        path = PurePosixPath(item.name)
        if path.name not in DESCRIPTIONS:
            images.append(item)
            continue
        is_table = path.name in (METADATA, LINES)
        if is_table and path.parent in tables:
            logger.warning(f"{path.parent} of {place} has two tables: {METADATA} is used")
        if path.name == METADATA or (is_table and path.parent not in tables):
            tables[path.parent] = item
    attributes: dict[str, Attributes] = {}
    for table in tables.values():
        attributes |= _attributes(table, place)
    if not attributes:
        return images
    lost = attributes.keys() - {item.name for item in images}
    if lost:
        logger.warning(
            f"{len(lost):,} files that a table of {place} names are no images there: {min(lost)}"
        )
    return [replace(item, attributes=attributes.get(item.name, {})) for item in images]


def _attributes(item: Item, place: str) -> dict[str, Attributes]:
    """The attributes of each image, by its name; empty cells are none."""
    path = PurePosixPath(item.name)
    read = _rows if path.name == METADATA else _lines
    result: dict[str, Attributes] = {}
    try:
        for row in read(item):
            file = (path.parent / row.pop(FILE).replace("\\", "/")).as_posix()
            if file in result:
                raise ValueError(f"it names {file} twice")
            row.pop(LABEL, None)
            result[file] = {key: value for key, value in row.items() if value}
    except (BadImage, ValueError, csv.Error) as cause:
        logger.warning(f"{item.name} of {place} is not used: {cause}")
        return {}
    return result


def _rows(item: Item) -> list[dict[str, str]]:
    """The lines by column. Raises BadImage, ValueError or csv.Error if it is no such table."""
    text = _text(item)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
    if FILE not in (reader.fieldnames or ()):
        raise ValueError(f"it has no column {FILE}")
    rows = []
    for row in reader:
        if None in row:
            raise ValueError(f"line {reader.line_num} has more cells than there are columns")
        rows.append(row)
    return rows


def _lines(item: Item) -> list[dict[str, str]]:
    """The objects of a metadata.jsonl; numbers as texts, without what is neither.

    Raises BadImage, or ValueError if it is no such table.
    """
    rows = []
    for number, line in enumerate(_text(item).split("\n"), 1):
        if not line.strip():
            continue
        row = json.loads(line)
        if not isinstance(row, dict) or not isinstance(row.get(FILE), str):
            raise ValueError(f"line {number} is no object with {FILE}")
        texts = {}
        for key, value in row.items():
            if isinstance(value, bool):
                value = "yes" if value else "no"
            if isinstance(value, str | int | float):
                texts[key] = str(value)
        rows.append(texts)
    return rows


def _text(item: Item) -> str:
    data = content(item)
    assert isinstance(data, bytes)
    if len(data) > LARGEST:
        raise ValueError(f"it has {len(data):,} bytes; files up to {LARGEST:,} are read")
    return data.decode("utf-8-sig")
