"""Studio: faces drawn in this process, or by several processes at once if there are many.

The renderer keeps Python's lock, so that threads would wait for each other.
"""

import io
import json
import queue
import subprocess
import sys
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from PIL import Image

from ganzoo_faces import artist

Process = subprocess.Popen[bytes]
PROCESSES = 16
MANY = 1000
"""Faces from which on processes pay: one starts in half a second, and draws a face in 2 ms."""


class Studio:
    """Draws faces of one style and size. `total` says how many there are to draw."""

    def __init__(self, style: str, size: int, total: int) -> None:
        self._style, self._size = style, size
        self._in_processes = total >= MANY
        self._processes: list[Process] = []
        self._idle: queue.LifoQueue[Process | None] = queue.LifoQueue()
        for _ in range(PROCESSES):
            self._idle.put(None)  # it is started when as many threads wait for a face
        weakref.finalize(self, _end, self._processes)

    def picture(self, options: dict[str, Any]) -> Image.Image:
        """The face of these options of DiceBear, RGB."""
        draw = self._in_a_process if self._in_processes else self._here
        return Image.open(io.BytesIO(draw(options))).convert("RGB")

    def _here(self, options: dict[str, Any]) -> bytes:
        return artist.png(self._style, options, self._size)

    def _in_a_process(self, options: dict[str, Any]) -> bytes:
        process = self._idle.get()
        if process is None or process.poll() is not None:
            process = self._start()
        next_one = None  # after an error another is started
        try:
            image = _answer(process, options)
            next_one = process
        finally:
            self._idle.put(next_one)
        return image

    def _start(self) -> Process:
        command = [sys.executable, "-P", "-m", "ganzoo_faces.artist", self._style, str(self._size)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for this process, which ends the others
        )
        self._processes.append(process)
        return process


def _answer(process: Process, options: dict[str, Any]) -> bytes:
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(options).encode() + b"\n")
    process.stdin.flush()
    size = int.from_bytes(process.stdout.read(4), "big")
    image = process.stdout.read(size)
    if not image:
        raise ChildProcessError("a process that draws faces was ended; run the same command again")
    return image


def _end(processes: Sequence[Process]) -> None:
    """Closes their input, upon which they end."""
    for process in processes:
        assert process.stdin
        assert process.stdout
        with suppress(BrokenPipeError):  # it has ended with something unread
            process.stdin.close()
        process.wait()
        process.stdout.close()
