"""The checks of a command."""

import subprocess
import sys

from ganzoo.discovery.summaries import read_summary
from ganzoo.testing.cases import CommandCase, broken, own_environment


def is_a_command(case: CommandCase) -> None:
    """It is a click command with a help text."""
    import click

    command = case.plugin.load()
    if not isinstance(command, click.Command):
        broken(f"{command!r:.60} is no command", "decorate the function with @click.command")
    if not command.get_short_help_str():
        broken("it has no help text", "write a docstring")


def is_listed_without_being_imported(case: CommandCase) -> None:
    """`ganzoo --help` reads the first line of its docstring from the source."""
    if not read_summary(case.plugin.target).summary:
        broken(
            "its docstring cannot be read from the source",
            "write the function, with its docstring, into the module of the entry point",
        )


def imports_no_torch(case: CommandCase) -> None:
    """Its module is imported to show its help, which must not take seconds."""
    module = case.plugin.target.partition(":")[0]
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=own_environment(), capture_output=True, check=False
    )
    if done.returncode:
        broken(f"importing {module} imports torch", "import it inside of the function")


CHECKS = [is_a_command, is_listed_without_being_imported, imports_no_torch]
