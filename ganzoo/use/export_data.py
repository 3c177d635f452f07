"""`ganzoo data export`: the images of a SOURCE as a folder of files, with metadata.csv."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

import ganzoo
from ganzoo.data.metadata import FILE, LABEL, METADATA, metadata_text
from ganzoo.data.open import OpenedSources
from ganzoo.data.pack import Skipped, reasons
from ganzoo.data.picture import ignore_pillow_warnings
from ganzoo.data.source import HasAnySize, Item, Row
from ganzoo.data.threads import default_workers, map_in_threads, with_progress
from ganzoo.data.views import Domains, Pair
from ganzoo.errors import BadImage, DataError, UsageError
from ganzoo.files import is_free, is_inside, new_folder, writing
from ganzoo.use.image_folder import check_folder_names, file_of, folder_name, without_ending

logger = logging.getLogger(__name__)

VIEWS: dict[str, Any] = {"images": Tensor, "domains": Domains, "pairs": Pair}
Metadata = dict[str, str]


@dataclass(frozen=True)
class _Entry:
    """Items that are written or skipped together, and the path of each without its ending."""

    row: Row
    paths: tuple[str, ...]


def export_data(source: str, out: Path, *, view: str = "images", size: int | None = None) -> str:
    """Writes a folder that is read back as the same data, complete or not at all.

    `view` is a key of VIEWS: labelled images lie in a folder for each class, two domains and pairs
    in A/ and B/. Files are copied; drawn images become PNGs, of `size` pixels a side. Returns a
    line for the user. Raises UsageError if the folder is not free or the size cannot be chosen,
    DataError if the source lacks the view.
    """
    if not is_free(out):
        raise UsageError(f"{out} already exists: choose another folder")
    if is_inside(out, source):
        raise UsageError(f"{out} lies inside {source} and would become data: choose another folder")
    opened = OpenedSources.of([source], VIEWS[view])
    if size:
        opened = _at_size(opened, size, VIEWS[view])
    entries = _entries(opened, view)
    guard = partial(writing, otherwise="choose another folder")
    with new_folder(out, guard, must_be_free=True) as folder:
        rows, skipped = _write(entries, folder, source)
        if not rows:
            raise DataError(f"{source} has no image that can be used{reasons(skipped)}")
        (folder / METADATA).write_text(metadata_text(rows), "utf-8", newline="")
        manifest = {
            "made_by": f"ganzoo {ganzoo.__version__}",
            "source": source,
            "licence": opened.licence,
            "images": len(rows),
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    if skipped:
        first = skipped[0]
        logger.warning(
            f"left out {len(skipped):,} of {len(entries):,} images of {source}{reasons(skipped)}, "
            f"the first {first.name}: {first.kind}, {first.detail}"
        )
    return f"{out}: {len(rows):,} images, {METADATA} and manifest.json"


def _at_size(opened: OpenedSources, size: int, view: Any) -> OpenedSources:
    """The source with images of this size. Raises UsageError if it has a size of its own."""
    if isinstance(opened.sources[0], HasAnySize):
        opened = opened.at_size(size, view)
        if opened.sources[0].info.size == size:
            return opened
    raise UsageError(
        f"--size {size}: the images of {opened.source_text} have a size of their own; "
        "training resizes them"
    )


def _entries(opened: OpenedSources, view: str) -> list[_Entry]:
    """The rows, each with its place. Raises DataError if two classes would have one folder."""
    entries: list[_Entry] = []
    taken: set[str] = set()
    for row, folders in _rows_and_folders(opened, view):
        stem = _stem(row[0], flat=not folders[0])
        while f"{folders[0]}/{stem}".casefold() in taken:
            stem += f"-{len(entries)}"
        taken.add(f"{folders[0]}/{stem}".casefold())
        paths = tuple(f"{folder}/{stem}".lstrip("/") for folder in folders)
        entries.append(_Entry(row, paths))
    return entries


def _rows_and_folders(opened: OpenedSources, view: str) -> Iterator[tuple[Row, Sequence[str]]]:
    """The rows, each with the folders of its items; an empty one is the top."""
    if view == "pairs":
        for row in opened.parts[0]:
            yield row, ("A", "B")
    elif view == "domains":
        for part, domain in zip(opened.parts, "AB", strict=True):
            for row in part:
                yield row, [domain]
    else:
        labels = {item.label: None for (item,) in opened.parts[0] if item.label is not None}
        check_folder_names(labels, opened.source_text)
        for row in opened.parts[0]:
            label = row[0].label
            yield row, [""] if label is None else [folder_name(label)]


def _stem(item: Item, *, flat: bool) -> str:
    """The path of a file in its folder: the item's name, of which the first folder is the class."""
    parts = [folder_name(part) for part in without_ending(item.name).split("/")]
    if flat:
        return "_".join(parts)
    return "/".join(parts[1:] or parts)


def _write(
    entries: Sequence[_Entry], folder: Path, source: str
) -> tuple[list[Metadata], list[Skipped]]:
    """Writes the files. Returns the lines of metadata.csv, and what cannot be used."""
    rows: list[Metadata] = []
    skipped: list[Skipped] = []
    work = map_in_threads(partial(_written, folder), entries, default_workers())
    with ignore_pillow_warnings():
        for result in with_progress(work, len(entries), f"exporting {source}"):
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                rows += result
    return rows, skipped


def _written(folder: Path, entry: _Entry) -> list[Metadata] | Skipped:
    first = entry.row[0]
    try:
        files = list(map(file_of, entry.row))
    except BadImage as cause:
        return Skipped(first.name, cause.kind, str(cause))
    rows = []
    for item, path, (data, ending) in zip(entry.row, entry.paths, files, strict=True):
        file = folder / f"{path}{ending}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        row = {FILE: f"{path}{ending}"}
        if item.label is not None:
            row[LABEL] = item.label
        for name, value in item.attributes.items():
            row.setdefault(name, value)
        rows.append(row)
    return rows
