"""`ganzoo new`: a package of your own, to start from."""

import shlex
from pathlib import Path

import click

from ganzoo.cli import is_own
from ganzoo.cli.options import PATH, names_of
from ganzoo.discovery.registry import KINDS, models
from ganzoo.discovery.scaffold import new_package, use_of
from ganzoo.errors import UsageError


@click.command("new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="model",
    show_default=True,
    help="What the package adds.",
)
@click.option(
    "--like",
    metavar="MODEL",
    shell_complete=names_of(models),
    help="Begin as this model: a subclass with other defaults.",
)
@click.option("--copy", "copied", is_flag=True, help="With --like: a copy of its file to change.")
@click.option("--out", type=PATH, help="The folder of the package.  [default: ./NAME]")
def command(name: str, kind: str, like: str | None, copied: bool, out: Path | None) -> None:
    """Write a plugin package to start from.

    The package registers NAME: a module that works, a test file, a README, pyproject.toml.
    """
    if (like and kind != "model") or (copied and not like):
        raise UsageError("--like MODEL is for models, and --copy goes with it")
    if kind == "command" and is_own(name):
        raise UsageError(f"ganzoo itself has the command {name!r}: choose another name")
    text, requires = None, None
    if like:
        from ganzoo.use.like import module_like

        text, requires = module_like(like, copied=copied)
    module = new_package(name, kind, out, module_text=text, requires=requires)
    folder = shlex.quote(str(module.parent))
    click.echo(
        f"{module.parent} is written. Next: pip install -e {folder} && {use_of(name, kind)};"
        f" then edit {module}"
    )
