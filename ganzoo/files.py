"""Atomic writes: after a crash or a full disk, a file or folder is complete or absent."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import (
    AbstractContextManager,
    contextmanager,
    suppress,
)
from pathlib import Path

from platformdirs import user_cache_path

from ganzoo.errors import GanzooError, StateError, UsageError

UNFINISHED = ".tmp-"
"""The start of the names of unfinished files and folders, which anybody may delete."""


@contextmanager
def writing(
    path: Path,
    *,
    error: type[GanzooError] = StateError,
    if_full: str = "make room; nothing that was saved before is lost",
    otherwise: str = "choose another folder with --out",
) -> Iterator[None]:
    """Turns an OSError into an error that names the path and what to do."""
    try:
        yield
    except OSError as cause:
        advice = if_full if cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else otherwise
        raise error(f"cannot write {path}: {cause.strerror or cause}; {advice}") from cause


Guard = Callable[[Path], AbstractContextManager[object]]
"""A context manager like `writing`: it says what it means if a path cannot be written."""


@contextmanager
def new_folder(
    path: Path,
    guard: Guard = writing,
    *,
    must_be_free: bool = False,
) -> Iterator[Path]:
    """Yields a folder to fill; it gets its name when all of it is on the disk.

    It replaces an older folder, unless it `must_be_free`: then UsageError is raised if anything but
    an empty folder exists. If it cannot be written, nothing is left behind, the older folder is
    unchanged, and `guard` raises its error.
    """
    if must_be_free and not is_free(path):
        raise UsageError(f"--out {path} already exists: choose another folder")
    unfinished = path.with_name(f"{UNFINISHED}{path.name}-{os.getpid()}")
    replaced = path.with_name(f"{UNFINISHED}{path.name}-old-{os.getpid()}")
    missing = [parent for parent in path.parents if not os.path.exists(parent)]
    try:
        with guard(path):
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            yield unfinished
            _flush_all(unfinished)
            if path.exists():
                if must_be_free:
                    path.rmdir()  # refused if somebody put a file into it meanwhile
                else:
                    os.rename(path, replaced)
            os.rename(unfinished, path)
            _flush(path.parent)
            shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        if os.path.lexists(replaced) and not os.path.lexists(path):
            os.rename(replaced, path)
        if not os.path.exists(path):  # Path.exists raises for a name that is too long
            for parent in missing:
                with suppress(OSError):  # somebody else is in it by now
                    parent.rmdir()


def is_free(path: Path) -> bool:
    """Whether nothing exists there but an empty folder, which is no link and not the current one.

    Raises StateError if the folder cannot be read.
    """
    if not os.path.lexists(path):
        return True
    with writing(path):
        return is_replaceable(path) and not any(path.iterdir())


def is_replaceable(path: Path) -> bool:
    """Whether it is a folder that may be replaced: no link, and not the current one."""
    return path.is_dir() and not path.is_symlink() and not path.samefile(".")


def replace_file(path: Path, content: bytes | Path, guard: Guard = writing) -> None:
    """Writes a file, or copies one: a reader finds the old one or the new one, complete."""
    unfinished = path.with_name(f"{UNFINISHED}{path.name}-{os.getpid()}")
    try:
        with guard(path):
            if isinstance(content, Path):
                shutil.copyfile(content, unfinished)
            else:
                unfinished.write_bytes(content)
            _flush(unfinished)
            os.replace(unfinished, path)
            _flush(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Deletes a folder so that a half-deleted one is never taken for a complete one."""
    dying = path.with_name(f"{UNFINISHED}{path.name}-gone-{os.getpid()}")
    os.rename(path, dying)
    shutil.rmtree(dying, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Deletes the unfinished files and folders of killed processes.

    A folder that was about to be replaced gets its name back if the new one never came.
    """
    for litter in folder.glob(f"{UNFINISHED}*"):
        name = litter.name.removeprefix(UNFINISHED).rpartition("-old-")[0]
        if name and not os.path.lexists(folder / name):
            os.rename(litter, folder / name)
        elif litter.is_dir():
            shutil.rmtree(litter)
        else:
            litter.unlink()


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` as the home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~somebody, whom the system does not know
        return Path(path)


def is_inside(path: Path, folder: str | Path) -> bool:
    """Whether a path lies in a folder that exists."""
    folder = expanded(folder)
    try:
        return folder.is_dir() and folder.resolve() in path.resolve().parents
    except OSError:  # the name is too long for a path
        return False


def sha256(path: Path) -> str:
    """The sha256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_all(folder: Path) -> None:
    readable = folder.stat().st_mode & 0o666  # the folder was made with the umask
    for path in folder.rglob("*"):
        if path.is_file():
            os.chmod(path, readable)  # safetensors writes files that only their owner may read
        _flush(path)
    _flush(folder)


def _flush(path: Path) -> None:
    """Writes to the disk, not only to the operating system."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cache_folder() -> Path:
    """`$GANZOO_CACHE`, else the user's cache as the operating system has it. It may not exist yet.

    On Linux that is `$XDG_CACHE_HOME/ganzoo` or `~/.cache/ganzoo`.
    """
    if chosen := os.environ.get("GANZOO_CACHE"):
        return expanded(chosen)
    return user_cache_path("ganzoo", appauthor=False)
