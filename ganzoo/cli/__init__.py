"""The command line: a file for each verb, and no logic of its own. Starts without torch."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click
from click.exceptions import NoSuchOption

from ganzoo.cli.errors import errors_in_one_line, usage_failure
from ganzoo.discovery.registry import Plugin, commands
from ganzoo.discovery.summaries import read_summary
from ganzoo.errors import GanzooError, PluginError, UnknownName, unknown

VERBS = (
    "list",
    "show",
    "data",
    "train",
    "sample",
    "translate",
    "classify",
    "generate",
    "push",
    "pull",
    "export",
    "import",
    "new",
)
OTHER_MODULES = {"import": "import_", "augment": "generate"}
"""Verbs whose module has another name. `augment` is the hidden old name of `generate`."""


class MessagePrinter(logging.Handler):
    """Prints log messages to standard output; with --json, to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        context = click.get_current_context(silent=True)
        as_json = context is not None and context.params.get("as_json", False)
        message = record.getMessage()
        if "tqdm" not in sys.modules:  # so there is no progress bar; importing it takes time
            click.echo(message, err=as_json)
            return
        from tqdm import tqdm

        with tqdm.external_write_mode(sys.stderr if as_json else sys.stdout):  # above the bar
            click.echo(message, err=as_json)


def is_own(name: str) -> bool:
    """Whether it is a verb of ganzoo: it wins over the command of a package."""
    return name in VERBS or name in OTHER_MODULES


def _command_of_a_package(name: str, *, completing: bool) -> click.Command | None:
    """The command `name` or `distribution/name`; None if there is none.

    Raises NameClash or PluginError, but not while a shell completes a line.
    """
    try:
        return loaded_command(commands[name])
    except UnknownName:
        return None
    except GanzooError:
        if completing:
            return None
        raise


def loaded_command(plugin: Plugin) -> click.Command:
    """The command of a package. Raises PluginError if it is none."""
    command = plugin.load()
    if isinstance(command, click.Command):
        return command
    raise PluginError(f"{plugin}: {command!r:.60} is no command of click")


@contextmanager
def printed_messages() -> Iterator[None]:
    """Inside, what ganzoo logs at level INFO and above is printed."""
    logger = logging.getLogger("ganzoo")
    level_before = logger.level
    printer = MessagePrinter()
    logger.addHandler(printer)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level_before)
        logger.removeHandler(printer)


class Verbs(click.Group):
    """Imports a verb's file when the verb is used, and turns ganzoo's errors into one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        # `list` is a module of this package by now
        return [*VERBS, *(name for name in commands if not is_own(name))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if not is_own(cmd_name):
            return _command_of_a_package(cmd_name, completing=ctx.resilient_parsing)
        module = import_module(f"ganzoo.cli.{OTHER_MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def main(self, *args: Any, **options: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # letters that a console lacks end no training
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **options)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--debug" in args:  # it may stand anywhere
            args = ["--debug", *(word for word in args if word != "--debug")]
        try:
            return super().parse_args(ctx, args)
        except NoSuchOption as error:
            raise usage_failure(error) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not (self.get_command(ctx, name) or ctx.resilient_parsing):
            raise unknown("command", name, self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Whole summaries: click cuts those that are wider than the terminal."""
        rows = []
        for name in VERBS:
            command = self.get_command(ctx, name)
            if command:
                rows.append((name, command.get_short_help_str(limit=200)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        others = []
        for plugin in commands.plugins():
            if not is_own(plugin.name):
                others.append((plugin.name, read_summary(plugin.target).summary))
        if others:
            with formatter.section("Commands of packages"):
                formatter.write_dl(others)

    def invoke(self, ctx: click.Context) -> Any:
        with errors_in_one_line(ctx.params["debug"]), printed_messages():
            return super().invoke(ctx)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from ganzoo import __version__

        click.echo(f"ganzoo {__version__}, Python {sys.version.split()[0]}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version.",
)
def main(debug: bool) -> None:
    """A model zoo for generative adversarial networks."""
