"""The folder of a run: whose it is, and who may write in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ganzoo.errors import StateError
from ganzoo.files import ASIDE, writing
from ganzoo.state.config import Config


def check_ours(run: Path) -> None:
    """Raises StateError unless the folder is a run, empty, or not there yet."""
    with writing(run):
        if run.exists() and not run.is_dir():
            raise StateError(f"{run} is a file: choose a folder with --out")
    if any(run.glob("train/step-*/config.json")):
        return
    if (run / "config.json").is_file():
        Config.read(run / "config.json")  # a stranger's stops here
        return
    with writing(run):
        names = [path.relative_to(run) for path in run.glob("*")] + [
            path.relative_to(run) for path in run.glob("train/*")
        ]
    ours = (Path("train"), Path("train/.lock"))
    foreign = [name for name in names if name not in ours and not name.name.startswith(ASIDE)]
    if foreign:
        raise StateError(
            f"{run} is not empty and not a ganzoo run (it has {foreign[0]}): choose another folder with --out"
        )


@contextmanager
def lock(run: Path) -> Iterator[None]:
    """Inside, no other process trains in this folder; litter of a process that was killed is swept out."""
    check_ours(run)
    with writing(run):
        (run / "train").mkdir(parents=True, exist_ok=True)
        held = FileLock(run / "train" / ".lock")
        try:
            held.acquire(blocking=False)
        except Timeout:
            raise StateError(
                f"another process is training in {run}: wait for it, or choose another --out"
            ) from None
    try:
        for litter in [*run.glob(f"{ASIDE}*"), *run.glob(f"train/{ASIDE}*")]:
            shutil.rmtree(litter) if litter.is_dir() else litter.unlink()
        yield
    finally:
        held.release()
