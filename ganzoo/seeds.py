"""Every random number of a run is a function of its seed and of counters."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed from what it is for and its counters: `derive_seed("order", seed, epoch)`.

    The same on every machine and in every process, and unrelated for parts that differ in anything.
    """
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def rng(*parts: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of random numbers, seeded by `derive_seed(*parts)`."""
    return torch.Generator(device).manual_seed(derive_seed(*parts))


def noise(n: int, *shape: int, seed: int) -> Tensor:
    """`(n, *shape)`, standard normal, on the CPU: row i depends on (seed, i) alone, whatever n is."""
    rows = [torch.randn(shape, generator=rng("noise", seed, i)) for i in range(n)]
    return torch.stack(rows) if rows else torch.empty(0, *shape)


@contextmanager
def seeded(*parts: int | str, device: torch.device) -> Iterator[None]:
    """Inside, torch's own generators are seeded by the parts; afterwards they are as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        seed = derive_seed(*parts)
        if device.type == "cpu":
            torch.default_generator.manual_seed(
                seed
            )  # and not those of GPUs, which would not be put back
        else:
            torch.manual_seed(seed)
        yield
