"""Ctrl-C and SIGTERM in a training: the step is finished before they end it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Inside, the first SIGINT or SIGTERM is put into the list; a second one interrupts at once.

    The list stays empty outside of the main thread, the only one that gets signals.
    """
    if current_thread() is not main_thread():
        yield []
        return
    with _collected(signal.SIGINT, signal.SIGTERM) as received:
        yield received


@contextmanager
def delayed_interrupt() -> Iterator[None]:
    """A Ctrl-C inside raises KeyboardInterrupt at the end; a second one raises it at once.

    Nothing changes outside of the main thread, and where Ctrl-C has a handler of its own.
    """
    is_main = current_thread() is main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    with _collected(signal.SIGINT) as received:
        yield
    if received:
        raise KeyboardInterrupt


@contextmanager
def _collected(*numbers: int) -> Iterator[list[int]]:
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    handlers = {}
    for number in numbers:
        handlers[number] = signal.signal(number, handle)
    try:
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
