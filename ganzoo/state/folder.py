"""Folders and files that are complete or absent, whenever the process or the disk gives out."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ganzoo.errors import StateError
from ganzoo.state.config import Config

ASIDE = ".tmp-"
"""How the names of unfinished files and folders start: whoever finds one may delete it."""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it gets its name when all of it is on the disk, and takes the place of an older one.

    Raises StateError, leaving nothing behind and the older one as it was, when it cannot be written.
    """
    aside = path.with_name(f"{ASIDE}{path.name}-{os.getpid()}")
    try:
        with writing(path):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            yield aside
            for file in aside.iterdir():
                os.chmod(file, 0o666 & ~_umask())  # safetensors writes files that only their owner may read
                _flush(file)
            _flush(aside)
            replaced = path.with_name(f"{ASIDE}{path.name}-old-{os.getpid()}")
            if path.exists():
                os.rename(path, replaced)
            os.rename(aside, path)
            _flush(path.parent)
            shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def replace_file(path: Path, content: bytes | Path) -> None:
    """Writes a file, or copies one, aside, and renames it: a reader finds the old one or the new one, whole."""
    aside = path.with_name(f"{ASIDE}{path.name}-{os.getpid()}")
    try:
        with writing(path):
            if isinstance(content, Path):
                shutil.copyfile(content, aside)
            else:
                aside.write_bytes(content)
            _flush(aside)
            os.replace(aside, path)
            _flush(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the disk refuses into a StateError that names the file and what to do."""
    try:
        yield
    except OSError as cause:
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        advice = "make room; what was saved before is as it was" if full else "choose another folder with --out"
        raise StateError(f"cannot write {path}: {cause.strerror or cause}; {advice}") from cause


def remove(path: Path) -> None:
    """Deletes a folder in such a way that a half-deleted one is never taken for whole."""
    if path.exists():
        dying = path.with_name(f"{ASIDE}{path.name}-gone-{os.getpid()}")
        os.rename(path, dying)
        shutil.rmtree(dying, ignore_errors=True)


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
            raise StateError(f"another process is training in {run}: wait for it, or choose another --out") from None
    try:
        for litter in [*run.glob(f"{ASIDE}*"), *run.glob(f"train/{ASIDE}*")]:
            shutil.rmtree(litter) if litter.is_dir() else litter.unlink()
        yield
    finally:
        held.release()


def sha256(path: Path) -> str:
    """Of the content of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush(path: Path) -> None:
    """To the disk, not only to the operating system."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no such thing
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
