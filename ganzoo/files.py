"""Files and folders that are complete or absent, whenever the process or the disk gives out."""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from ganzoo.errors import GanzooError, StateError

ASIDE = ".tmp-"
"""How the names of unfinished files and folders start: whoever finds one may delete it."""


@contextmanager
def writing(
    path: Path,
    *,
    error: type[GanzooError] = StateError,
    if_full: str = "make room; what was saved before is as it was",
    otherwise: str = "choose another folder with --out",
) -> Iterator[None]:
    """Turns what the disk refuses into an error that names the file and what to do."""
    try:
        yield
    except OSError as cause:
        advice = if_full if cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else otherwise
        raise error(f"cannot write {path}: {cause.strerror or cause}; {advice}") from cause


Guard = Callable[[Path], AbstractContextManager[None]]
"""Something like `writing`: says what it means when a path cannot be written."""


@contextmanager
def new_folder(path: Path, guard: Guard = writing) -> Iterator[Path]:
    """A folder to fill; it gets its name when all of it is on the disk, and takes the place of an older one.

    Leaves nothing behind, and the older one as it was, when it cannot be written; `guard` raises its error then.
    """
    aside = path.with_name(f"{ASIDE}{path.name}-{os.getpid()}")
    parents = [parent for parent in path.parents if not os.path.exists(parent)]
    try:
        with guard(path):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            yield aside
            for inside in aside.rglob("*"):
                if inside.is_file():
                    os.chmod(
                        inside, 0o666 & ~_umask()
                    )  # safetensors writes files that only their owner may read
                _flush(inside)
            _flush(aside)
            replaced = path.with_name(f"{ASIDE}{path.name}-old-{os.getpid()}")
            if path.exists():
                os.rename(path, replaced)
            os.rename(aside, path)
            _flush(path.parent)
            shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        for parent in (
            parents if not os.path.exists(path) else []
        ):  # Path.exists raises for a name that is too long
            with suppress(OSError):  # somebody else is in it by now
                parent.rmdir()


def is_free(path: Path) -> bool:
    """Whether a folder can be put there: nothing is, or an empty folder, no link, that nobody stands in.

    Raises StateError for one that cannot be looked into.
    """
    if not os.path.lexists(path):
        return True
    with writing(path):
        return (
            path.is_dir()
            and not path.is_symlink()
            and not any(path.iterdir())
            and not path.samefile(".")
        )


def replace_file(path: Path, content: bytes | Path, guard: Guard = writing) -> None:
    """Writes a file, or copies one, aside, and renames it: a reader finds the old one or the new one, whole."""
    aside = path.with_name(f"{ASIDE}{path.name}-{os.getpid()}")
    try:
        with guard(path):
            if isinstance(content, Path):
                shutil.copyfile(content, aside)
            else:
                aside.write_bytes(content)
            _flush(aside)
            os.replace(aside, path)
            _flush(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Deletes a folder in such a way that a half-deleted one is never taken for whole."""
    if path.exists():
        dying = path.with_name(f"{ASIDE}{path.name}-gone-{os.getpid()}")
        os.rename(path, dying)
        shutil.rmtree(dying, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Deletes unfinished files and folders, which a killed process left.

    A folder that was about to be replaced gets its name back if the new one never came.
    """
    for litter in folder.glob(f"{ASIDE}*"):
        replaced = re.fullmatch(rf"{re.escape(ASIDE)}(.+)-old-\d+", litter.name)
        if replaced and not os.path.lexists(folder / replaced[1]):
            os.rename(litter, folder / replaced[1])
        elif litter.is_dir():
            shutil.rmtree(litter)
        else:
            litter.unlink()


def is_inside(path: Path, folder: str | Path) -> bool:
    """Whether a path lies in a folder that exists."""
    try:
        return Path(folder).is_dir() and Path(folder).resolve() in path.resolve().parents
    except OSError:  # no folder at all
        return False


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


def cache_folder() -> Path:
    """`$GANZOO_CACHE`, else `$XDG_CACHE_HOME/ganzoo`, else `~/.cache/ganzoo`. It may not exist yet."""
    if chosen := os.environ.get("GANZOO_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "ganzoo"
