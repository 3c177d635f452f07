"""How long `ganzoo list` takes with 1,000 installed packages, none of which it imports."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine
from table import head, row

MODULE = '''"""A package that must not be imported to be listed."""

import ganzoo
from torch import nn

raise RuntimeError("imported")


class Model(ganzoo.Model):
    """Model number {i} (Goodfellow et al. 2014, arXiv:1406.2661)."""

    task = "unconditional-image-generation"

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Linear(3, 4)

    def losses(self, real):
        yield self.generator, self.generator(real).mean()
'''


def install(site: Path, count: int) -> None:
    """Writes `count` distributions, each with a module and an entry point."""
    for i in range(count):
        info = site / f"zoo_{i}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-{i}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[ganzoo.models]\nmodel-{i} = zoo_{i}:Model\n")
        (site / f"zoo_{i}.py").write_text(MODULE.format(i=i))


def seconds(*words: str, env: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], env=env, check=True, capture_output=True, text=True
    )
    assert "imported" not in done.stdout + done.stderr
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    click, listing = [], []
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "site")
        install(site, options.count)
        few = dict(os.environ)
        many = {**few, "PYTHONPATH": str(site)}
        for _ in range(options.repeats):
            click.append(seconds("-c", "import click", env=few))
            listing.append(seconds("-m", "ganzoo", "list", env=many))
    print(machine())
    head(f"{options.count:,} packages", "seconds, median", "from", "to")
    for name, times in (("`import click` alone", click), ("`ganzoo list`", listing)):
        row(name, *(f"{t:.2f}" for t in (statistics.median(times), min(times), max(times))))


if __name__ == "__main__":
    main()
