"""`ganzoo pull`: what somebody published, verified."""

from pathlib import Path

import click


@click.command("pull")
@click.argument("id", metavar="ID")
@click.option("--revision", help="A branch, a tag or a commit; ID@REVISION says the same.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A folder to copy it to.  [default: the cache alone]",
)
def command(id: str, revision: str | None, out: Path | None) -> None:  # noqa: A002  (what the Hub calls it)
    """Download what is published as ID (user/name) on the Hugging Face Hub, and verify it. Prints the folder."""
    from ganzoo.hub.transfer import pull

    click.echo(pull(id, revision=revision, out=out))
