"""`ganzoo import`: weights that other projects trained."""

from pathlib import Path

import click

from ganzoo.cli.options import names_of
from ganzoo.discovery.registry import models


@click.command("import")
@click.argument("name", shell_complete=names_of(models))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The run folder to write."
)
def command(name: str, files: tuple[Path, ...], out: Path) -> None:
    """Write the weights in FILES (latest_net_G_A.pth, ...), of the model NAME, as a run folder.

    Only tensors are read; nothing in the files is executed.
    """
    from ganzoo.use.import_ import import_weights

    for line in import_weights(name, files, out):
        click.echo(line)
