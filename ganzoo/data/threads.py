"""A function over many items in threads, in order, with a progress bar."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
R = TypeVar("R")
CHUNK = 16
"""Items that a thread takes at a time: fewer switches than with one."""
FIRST, EVERY = 1, 10
"""Seconds until the first line about progress on a pipe, and between two others."""


def default_workers() -> int:
    """One for each core that this process may use, at most 16."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return min(cores, 16)


def map_in_threads(
    function: Callable[[T], R],
    items: Sequence[T],
    workers: int,
) -> Iterator[R]:
    """`function(item)` for each, in order, a bounded number ahead of the caller."""

    def run(chunk: Sequence[T]) -> list[R]:
        return list(map(function, chunk))

    waiting: deque[Future[list[R]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for start in range(0, len(items), CHUNK):
            waiting.append(pool.submit(run, items[start : start + CHUNK]))
            if len(waiting) > 4 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def with_progress(items: Iterator[T], total: int, what: str) -> Iterator[T]:
    """The items, with a bar on a terminal and, on a pipe, a line now and then."""
    if sys.stderr.isatty():
        yield from tqdm(
            items,
            what,
            total,
            unit="image",
            dynamic_ncols=True,
            leave=False,
        )
        return
    start, due = 0.0, 0.0
    for done, item in enumerate(items):
        now = time.perf_counter()
        if not done:  # until then, processes may have been started
            start, due = now, now + FIRST
        if now > due:
            due = now + EVERY
            rate = done / (now - start)
            left = tqdm.format_interval((total - done) / rate)
            speed = f"{rate:,.0f} images/s, {left} left"
            sys.stderr.write(f"{what}: {done:,} of {total:,} images, {speed}\n")
        yield item
