"""`ganzoo new`: a package of your own, to start from."""

import shlex
from pathlib import Path

import click

from ganzoo.cli.options import PATH
from ganzoo.discovery.registry import KINDS
from ganzoo.discovery.scaffold import new_package, use_of


@click.command("new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="model",
    show_default=True,
    help="What the package adds.",
)
@click.option("--out", type=PATH, help="The folder of the package.  [default: ./NAME]")
def command(name: str, kind: str, out: Path | None) -> None:
    """Write a plugin package to start from.

    The package registers NAME: a module that works, a test file, a README, pyproject.toml.
    """
    module = new_package(name, kind, out)
    folder = shlex.quote(str(module.parent))
    click.echo(
        f"{module.parent} is written. Next: pip install -e {folder} && {use_of(name, kind)};"
        f" then edit {module}"
    )
