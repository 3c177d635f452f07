"""`ganzoo new`: a package of your own, to start from."""

import shlex
from pathlib import Path

import click

from ganzoo.discovery.registry import KINDS
from ganzoo.discovery.scaffold import new_package, use_of


@click.command("new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="model",
    show_default=True,
    help="What it registers.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder of the package.  [default: ./NAME]"
)
def command(name: str, kind: str, out: Path | None) -> None:
    """Write a package that registers NAME: a module that works, a test file, a README, pyproject.toml."""
    module = new_package(name, kind, out)
    where = shlex.quote(str(module.parent))
    click.echo(
        f"{module.parent} is written. Next: pip install -e {where} && {use_of(name, kind)}; then edit {module}"
    )
