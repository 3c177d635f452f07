"""Every random number of a run is a function of its seed and of counters."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ganzoo.errors import PluginError

_locks: dict[int, threading.RLock] = {}
"""Process -> its lock around torch's own generators: a forked process never inherits a held one."""


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed from a purpose and its counters: `derive_seed("order", seed, epoch)`.

    Equal on every machine and in every process, and unrelated for parts that differ in anything.
    """
    text = "\0".join(map(str, parts))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def rng(*parts: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of random numbers, seeded by `derive_seed(*parts)`."""
    return torch.Generator(device).manual_seed(derive_seed(*parts))


def noise(n: int, *shape: int, seed: int) -> Tensor:
    """`(n, *shape)`, standard normal, on the CPU: row i depends on (seed, i) alone."""
    rows = torch.empty(n, *shape)
    for i, row in enumerate(rows):
        row.normal_(generator=rng("noise", seed, i))
    return rows


@contextmanager
def seeded(*parts: int | str, device: torch.device) -> Iterator[None]:
    """Inside, torch's own generators of the CPU and of `device` are seeded by the parts.

    Afterwards they are in the state they had. One thread at a time: others wait.
    """
    seed = derive_seed(*parts)
    with _locks.setdefault(os.getpid(), threading.RLock()):
        generators = _default_generators(device)
        states = [generator.get_state() for generator in generators]
        for generator in generators:
            generator.manual_seed(seed)
        try:
            yield
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)


def _default_generators(device: torch.device) -> list[torch.Generator]:
    """Those that torch draws from on the CPU and on this device; not those of other GPUs."""
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        return [torch.default_generator, torch.cuda.default_generators[device.index]]
    if device.type == "mps":
        return [torch.default_generator, torch.mps._get_default_mps_generator()]
    return [torch.default_generator]


@dataclass(frozen=True)
class Part:
    """The rows `start` to `stop` of a batch of `total`: those of one process or micro-batch."""

    start: int
    stop: int
    total: int

    @classmethod
    def of(
        cls,
        total: int,
        *,
        rank: int = 0,
        ranks: int = 1,
        micro: int = 0,
        micros: int = 1,
    ) -> "Part":
        """Divides a batch among processes, then the part of each among its micro-batches."""
        own = torch.arange(total).tensor_split(ranks)[rank]
        rows = own.tensor_split(micros)[micro].tolist()
        start = rows[0] if rows else 0
        return cls(start, start + len(rows), total)


class Draws:
    """The random numbers of a step: a function of (seed, attempt, step) and of earlier draws in it.

    Each device has one generator, which is seeded anew for each step. Numbers are drawn for the
    whole batch; a `part` of it gets its rows.
    """

    def __init__(self, seed: int, part: Part | None = None) -> None:
        self._seed, self._part = seed, part
        self._generators: dict[torch.device, torch.Generator] = {}
        self.begin(0)

    def begin(self, step: int, attempt: int = 0) -> None:
        """Starts the draws of a step; `attempt` counts how often a run was rolled back."""
        repeated = ("attempt", attempt) if attempt else ()
        self._step_seed = derive_seed("draws", self._seed, step, *repeated)
        for generator in self._generators.values():
            generator.manual_seed(self._step_seed)

    def randn(self, *shape: int, device: torch.device, shared: bool = False) -> Tensor:
        """Standard normal. The first dimension is the batch, unless all parts share the numbers."""
        return self._draw(torch.randn, shape, device, shared)

    def rand(self, *shape: int, device: torch.device, shared: bool = False) -> Tensor:
        """Like `randn`, uniform in [0, 1)."""
        return self._draw(torch.rand, shape, device, shared)

    def _draw(
        self,
        sample: Callable[..., Tensor],
        shape: tuple[int, ...],
        device: torch.device,
        shared: bool,
    ) -> Tensor:
        if device not in self._generators:
            generator = torch.Generator(device)
            self._generators[device] = generator.manual_seed(self._step_seed)
        drawn = partial(sample, generator=self._generators[device], device=device)
        part = self._part
        if part is None or shared:
            return drawn(shape)
        rows = part.stop - part.start
        if not shape or shape[0] % rows:
            raise PluginError(
                f"draws of the shape {shape} are not of a batch of {rows}: "
                "pass shared=True for numbers that all parts of a batch share"
            )
        whole = drawn((shape[0] // rows, part.total, *shape[1:]))
        return whole[:, part.start : part.stop].flatten(0, 1)
