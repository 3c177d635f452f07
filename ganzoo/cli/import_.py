"""`ganzoo import`: weights that other projects trained."""

from pathlib import Path

import click

from ganzoo.cli.options import PATH, names_of
from ganzoo.discovery.registry import models


@click.command("import")
@click.argument("name", shell_complete=names_of(models))
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option("--out", required=True, type=PATH, help="The run folder to write.")
def command(name: str, files: tuple[Path, ...], out: Path) -> None:
    """Import weights that another project trained.

    Reads FILES (latest_net_G_A.pth, ...) as weights of the model NAME and writes a run folder.
    Only tensors are read; no code in the files is executed.
    """
    from ganzoo.use.import_ import import_weights

    for line in import_weights(name, files, out):
        click.echo(line)
