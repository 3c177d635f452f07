"""A training in a notebook: its picture and its messages are shown below the cell."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm


def in_notebook() -> bool:
    """Whether IPython runs with a kernel: in Jupyter or Colab, not in a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


class NotebookPicture:
    """The newest picture of a run, in one place below the cell. Outside of a notebook, nothing."""

    def __init__(self) -> None:
        self._place: Any = None

    def update(self, path: Path | None) -> None:
        """Shows the picture of the file, in place of the one before."""
        if path is None or not in_notebook():
            return
        notebook: Any = import_module("IPython.display")  # no dependency: a notebook has it
        file = BytesIO()
        with Image.open(path) as opened:
            opened.save(file, "PNG")  # not every notebook shows WebP
        picture = notebook.Image(data=file.getvalue())
        if self._place:
            self._place.update(picture)
        else:
            self._place = notebook.display(picture, display_id=True)


class _Lines(logging.Handler):
    """Writes messages to standard output, above a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        # a console that lacks a letter must not end a training
        text = text.encode(encoding, "backslashreplace").decode(encoding)
        tqdm.write(text, file=sys.stdout)


@contextmanager
def visible_messages() -> Iterator[None]:
    """Inside, messages of level INFO are shown, unless a level was chosen for ganzoo's logger.

    They go to the handlers of the program, or else to standard output.
    """
    logger = logging.getLogger("ganzoo")
    if logger.level != logging.NOTSET:
        yield
        return
    lines = _Lines()
    if not logger.hasHandlers():
        logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(lines)
