"""A function over many items in threads, in order, with a bar."""

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


def default_workers() -> int:
    """One for each core that this process may use, at most 16."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return min(cores, 16)


def map_in_threads(function: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[R]:
    """`function(item)` for each, in order, a bounded number ahead of whoever asks."""
    waiting: deque[Future[list[R]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for start in range(0, len(items), CHUNK):
            chunk = items[start : start + CHUNK]
            waiting.append(pool.submit(lambda chunk: [function(item) for item in chunk], chunk))
            if len(waiting) > 4 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def with_progress(items: Iterator[T], total: int, what: str, *, every: float = 10.0) -> Iterator[T]:
    """The items, with a bar on a terminal and, on a pipe, a line every ten seconds."""
    if sys.stderr.isatty():
        yield from tqdm(items, what, total, unit="image", dynamic_ncols=True, leave=False)
        return
    start = last = time.perf_counter()
    for done, item in enumerate(items, 1):
        if (now := time.perf_counter()) - last > every:
            last, rate = now, done / (now - start)
            left = time.strftime("%H:%M:%S", time.gmtime((total - done) / rate))
            sys.stderr.write(
                f"{what}: {done:,} of {total:,} images, {rate:,.0f} images/s, {left} left\n"
            )
        yield item
