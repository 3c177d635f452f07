"""What can go wrong, in one tree.

GanzooError             anything a user can put right; the command line prints it as one line, exit code 1
├── UsageError          a word of the command or an argument is wrong, exit code 2
│   ├── UnknownName     no model, trainer, data source or hyperparameter is called that
│   ├── HparamError     a hyperparameter has a value that it cannot have
│   └── DeviceError     the device or the precision is not to be had here
├── NameClash           two installed distributions claim one name
├── PluginError         a plugin cannot be imported, or breaks the contract of a model
├── DataError           the data cannot be read, or is not what the model needs
├── StateError          a run folder cannot be read, written or continued
├── HubError            the Hub, or another server of weights, refuses or cannot be reached
├── Diverged            a loss is no longer a finite number
└── Unsupported         the model does not offer this (sampling a translator, say)
"""

from collections.abc import Iterable
from difflib import get_close_matches


class GanzooError(Exception):
    """Anything a user can put right: the message says what is wrong, where, and the way out."""

    exit_code = 1


class UsageError(GanzooError):
    """A word of the command or an argument is wrong."""

    exit_code = 2


class UnknownName(UsageError, LookupError):  # noqa: N818  (reads as what it is)
    """No model, trainer, data source or hyperparameter is called that."""


class HparamError(UsageError, ValueError):
    """A hyperparameter has a value that it cannot have."""


class DeviceError(UsageError):
    """The device or the precision is not to be had here."""


class NameClash(GanzooError, LookupError):  # noqa: N818
    """Two installed distributions claim one name."""


class PluginError(GanzooError):
    """A plugin cannot be imported, or breaks the contract of a model."""


class DataError(GanzooError, ValueError):
    """The data cannot be read, or is not what the model needs."""


class BadImage(DataError):  # noqa: N818
    """One image of a source cannot be used: it is skipped and counted under its `kind` (corrupt, hidden, ...)."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class StateError(GanzooError):
    """A run folder cannot be read, written or continued."""


class HubError(GanzooError):
    """The Hub, or another server of weights, refuses or cannot be reached."""


class Diverged(GanzooError, ArithmeticError):  # noqa: N818
    """A loss is no longer a finite number."""


class Unsupported(GanzooError, NotImplementedError):  # noqa: N818
    """The model does not offer this."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a name that is not there, with the closest one that is.

    >>> unknown("model", "cyclgan", ["cyclegan", "dcgan"])
    UnknownName("no model 'cyclgan'; did you mean 'cyclegan'?")
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return UnknownName(f"no {kind} {name!r}; did you mean {close[0]!r}?")
    return UnknownName(
        f"no {kind} {name!r}; there is {', '.join(names) if names else 'none at all'}"
    )
