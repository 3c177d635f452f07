"""`ganzoo pull`: a run from the Hub, verified."""

from pathlib import Path

import click

from ganzoo.cli.options import PATH


@click.command("pull")
@click.argument("id", metavar="ID")
@click.option("--revision", help="A branch, a tag or a commit; same as ID@REVISION.")
@click.option("--out", type=PATH, help="A folder to copy the run to.  [default: only the cache]")
def command(
    id: str,  # noqa: A002  (what the Hub calls it)
    revision: str | None,
    out: Path | None,
) -> None:
    """Download a run from the Hugging Face Hub.

    ID is user/name. Verifies the files and prints their folder.
    """
    from ganzoo.hub.transfer import pull

    click.echo(pull(id, revision=revision, out=out))
