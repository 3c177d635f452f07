"""The command line: a file for each verb, and no logic of its own. Starts without torch."""

import sys
from importlib import import_module
from typing import Any

import click

from ganzoo.errors import GanzooError

VERBS = {
    **{
        verb: verb
        for verb in ("list", "show", "data", "train", "sample", "translate", "classify", "generate")
    },
    "augment": "generate",
    **{verb: verb for verb in ("push", "pull", "export", "new")},
    "import": "import_",
}
"""Verb -> the module that has it."""


class Failure(click.ClickException):
    """One red line, and the exit code of the error."""

    def __init__(self, error: GanzooError) -> None:
        super().__init__(" ".join(str(error).split()))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click sets it so itself

    def show(self, file: Any = None) -> None:
        click.secho(f"Error: {self.message}", fg="red", err=True)


class Verbs(click.Group):
    """Imports a verb's file when the verb is used, and turns ganzoo's errors into one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS]  # `list` is a module of this package by now

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"ganzoo.cli.{VERBS[cmd_name]}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--debug" in args:  # wherever it stands
            args = ["--debug", *(word for word in args if word != "--debug")]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GanzooError as error:
            if ctx.params["debug"]:
                raise
            raise Failure(error) from error


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
