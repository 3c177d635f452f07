"""Errors and interruptions of the command line, in one line each."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from types import FrameType
from typing import Any

import click
from click.exceptions import Exit, NoArgsIsHelpError, NoSuchOption

from ganzoo.errors import GanzooError


class Failure(click.ClickException):
    """One red line, and the exit code."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(" ".join(text.split()))
        self.exit_code = exit_code  # type: ignore[misc]  # click sets it so itself

    def show(self, file: Any = None) -> None:
        click.secho(f"Error: {self.message}", fg="red", err=True)


class Stopped(Failure):
    """Ctrl-C or SIGTERM, which is no error."""

    def show(self, file: Any = None) -> None:
        if sys.stderr.isatty():  # which shows ^C in this line
            click.echo(err=True)
        click.echo(self.message, err=True)


class Interruption(KeyboardInterrupt):
    """A signal. After a plain KeyboardInterrupt in an import, Python may end itself by SIGINT."""


@contextmanager
def errors_in_one_line(debug: bool) -> Iterator[None]:
    """Inside, an error of ganzoo or of click, SIGINT and SIGTERM become a Failure.

    With `debug`, errors of ganzoo are raised as they are.
    """
    received: list[int] = []
    handlers: dict[signal.Signals, Any] = {}

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise Interruption

    for one in (signal.SIGINT, signal.SIGTERM):
        handlers[one] = signal.signal(one, interrupt)
    try:
        yield
    except (Exit, NoArgsIsHelpError):
        raise
    except (Exception, KeyboardInterrupt) as error:
        # inside of an import, an interruption can become another error
        if received or isinstance(error, KeyboardInterrupt):
            number = received[0] if received else signal.SIGINT
            # a third Ctrl-C ends the process without a traceback
            handlers = dict.fromkeys(handlers, signal.SIG_DFL)
            raise _stopped(error, number) from None
        if isinstance(error, click.UsageError):
            raise usage_failure(error) from error
        if debug or not isinstance(error, GanzooError):
            raise
        raise Failure(str(error), error.exit_code) from error
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)


def usage_failure(error: click.UsageError) -> Failure:
    """An error of click in ganzoo's words, with the command that shows help."""
    message = error.format_message()
    text = message[:1].lower() + message[1:].rstrip(".")
    if isinstance(error, NoSuchOption):
        text = _unknown_option(error)
    if error.ctx and not text.endswith("?"):
        text += f"; see {error.ctx.command_path} --help"
    return Failure(text, error.exit_code)


def _unknown_option(error: NoSuchOption) -> str:
    # imported here, since a listing does not need it
    from ganzoo.hparams.hparams import Hparams

    parameters = error.ctx.command.params if error.ctx else ()
    suggestions: dict[str, str] = {}
    for parameter in parameters:
        for option in parameter.opts:
            suggestions[option.strip("-")] = option
    takes_hyperparameters = "set" in suggestions
    if takes_hyperparameters:
        for name in Hparams.annotations():
            suggestions.setdefault(name, f"--set {name}=VALUE")
    text = f"no option {error.option_name!r}"
    name = error.option_name.strip("-").replace("-", "_")
    close = get_close_matches(name, suggestions, n=1)
    if close:
        return f"{text}; did you mean {suggestions[close[0]]!r}?"
    if takes_hyperparameters:
        return f"{text}; a hyperparameter is set by '--set {name}=VALUE'"
    return text


def _stopped(error: BaseException, number: int) -> Stopped:
    """The text of a KeyboardInterrupt says what is kept."""
    kept = str(error) if isinstance(error, KeyboardInterrupt) else ""
    text = f"stopped: {kept}" if kept else "stopped"
    again = shlex.join(["ganzoo", *sys.argv[1:]])
    return Stopped(f"{text}; to go on: {again}", 128 + number)
