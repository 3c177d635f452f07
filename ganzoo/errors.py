"""The errors of ganzoo, in one tree.

GanzooError             a user can solve it; the command prints one line, exit code 1
├── UsageError          an option or an argument is wrong, exit code 2
│   ├── UnknownName     no model, trainer, data source or hyperparameter has this name
│   ├── HparamError     the value of a hyperparameter is not allowed
│   └── DeviceError     the device or the precision is not available on this machine
├── NameClash           two installed distributions claim one name
├── PluginError         a plugin cannot be imported, or breaks its contract
├── DataError           the data cannot be read, or does not suit the model
│   └── BadImage        one image of a source cannot be used
├── StateError          a run folder cannot be read, written or continued
├── HubError            the Hub, or another server of weights, refuses or cannot be reached
├── Diverged            a loss is no longer a finite number
├── OutOfMemory         the device or the machine has too little memory
└── Unsupported         the model does not offer this, for example sampling from a translator
"""

from collections.abc import Iterable
from difflib import get_close_matches

LISTED = 30
"""Names that the error for an unknown one lists."""


class GanzooError(Exception):
    """A problem that a user can solve: the message says what is wrong, where, and the way out."""

    exit_code = 1


class UsageError(GanzooError):
    """An option or an argument is wrong."""

    exit_code = 2


class UnknownName(UsageError, LookupError):  # noqa: N818
    """No model, trainer, data source or hyperparameter has this name."""


class HparamError(UsageError, ValueError):
    """The value of a hyperparameter is not allowed."""


class DeviceError(UsageError):
    """The device or the precision is not available on this machine."""


class NameClash(GanzooError, LookupError):  # noqa: N818
    """Two installed distributions claim one name."""


class PluginError(GanzooError):
    """A plugin cannot be imported, or breaks its contract."""


class DataError(GanzooError, ValueError):
    """The data cannot be read, or does not suit the model."""


class BadImage(DataError):  # noqa: N818
    """One image of a source cannot be used. It is skipped, and counted by `kind` (corrupt, ...)."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class StateError(GanzooError):
    """A run folder cannot be read, written or continued."""


class HubError(GanzooError):
    """The Hub, or another server of weights, refuses or cannot be reached."""


class Diverged(GanzooError, ArithmeticError):  # noqa: N818
    """A loss is no longer a finite number."""


class OutOfMemory(GanzooError, MemoryError):  # noqa: N818
    """The device or the machine has too little memory."""


class Unsupported(GanzooError, NotImplementedError):  # noqa: N818
    """The model does not offer this."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for an unknown name, with the closest known name, or else the known names.

    >>> unknown("model", "cyclgan", ["cyclegan", "dcgan"])
    UnknownName("no model 'cyclgan'; did you mean 'cyclegan'?")
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.51)
    if close:
        hint = f"did you mean {close[0]!r}?"
    elif names:
        hint = f"choose from {', '.join(names[:LISTED])}"
        if len(names) > LISTED:
            hint += f", ... ({len(names):,} in all)"
    else:
        hint = "none is installed"
    return UnknownName(f"no {kind} {name!r}; {hint}")
