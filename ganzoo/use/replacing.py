"""Which files a verb may write over: those that it wrote itself."""

import os
from pathlib import Path

from ganzoo.errors import UsageError
from ganzoo.files import is_replaceable
from ganzoo.images import software_of
from ganzoo.use.record import RECORD, is_record


def check_replaceable(path: Path, verb: str, way_out: str) -> None:
    """Raises UsageError if a file is there that `verb` ("ganzoo sample") did not write."""
    if os.path.lexists(path) and software_of(path) != verb:
        raise UsageError(f"{path} is there already, and not from {verb}: {way_out}")


def is_own_folder(folder: Path, verb: str) -> bool:
    """Whether it holds pictures that `verb` numbered and wrote, their record, and nothing else."""
    if not is_replaceable(folder):
        return False
    for path in folder.iterdir():
        if path.name == RECORD and is_record(path):
            continue
        numbered = path.suffix == ".png" and path.stem.isdecimal()
        if not numbered or software_of(path) != verb:
            return False
    return True
