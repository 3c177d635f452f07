"""`ganzoo push`: a run, to the Hub."""

import click

from ganzoo.cli.options import run_argument


@click.command("push")
@run_argument
@click.argument("id", metavar="ID")
@click.option(
    "--private", is_flag=True, help="Make a new repository private: only you can read it."
)
@click.option(
    "--revision", metavar="BRANCH", help="The branch; it is made if missing.  [default: main]"
)
@click.option("--message", help="The commit message.  [default: the model and its step]")
@click.option("--dry-run", is_flag=True, help="List what would be uploaded; upload nothing.")
def command(
    run: str,
    id: str,  # noqa: A002  (what the Hub calls it)
    private: bool,
    revision: str | None,
    message: str | None,
    dry_run: bool,
) -> None:
    """Upload a run to the Hugging Face Hub.

    Uploads the weights, the card and the pictures of RUN to ID (user/name) as one commit. The
    training state is not uploaded. Log in with `hf auth login`, or set HF_TOKEN.
    """
    from ganzoo.hub.transfer import push

    result = push(run, id, private=private, revision=revision, message=message, dry_run=dry_run)
    for note in result.notes:
        click.echo(note)
    if not (dry_run or result.changed):
        click.echo(f"{result.url} has all of it already; nothing was uploaded")
        return
    for name, size in result.files.items():
        click.echo(f"{name}  {size:,} bytes")
    total = sum(result.files.values())
    verb = "would upload" if dry_run else "uploaded"
    click.echo(f"{verb} {total:,} bytes to {result.url}")
