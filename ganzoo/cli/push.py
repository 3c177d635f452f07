"""`ganzoo push`: a run, to the Hub."""

from pathlib import Path

import click


@click.command("push")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("id", metavar="ID")
@click.option("--private", is_flag=True, help="If the repository is new, only you can read it.")
@click.option("--revision", metavar="BRANCH", help="A branch, made if it is new.  [default: main]")
@click.option("--message", help="Of the commit.  [default: the model and its step]")
@click.option("--dry-run", is_flag=True, help="Say what would be uploaded, and upload nothing.")
def command(
    run: Path,
    id: str,  # noqa: A002  (what the Hub calls it)
    private: bool,
    revision: str | None,
    message: str | None,
    dry_run: bool,
) -> None:
    """Upload the weights, card and pictures of RUN to ID (user/name) on the Hugging Face Hub, as one commit.

    Log in with `hf auth login`, or set HF_TOKEN. The training state stays here.
    """
    from ganzoo.hub.transfer import push

    done = push(run, id, private=private, revision=revision, message=message, dry_run=dry_run)
    for note in done.notes:
        click.echo(note)
    if dry_run or done.changed:
        total = sum(done.files.values())
        click.echo("\n".join(f"{name}  {size:,} bytes" for name, size in done.files.items()))
        click.echo(f"{'would upload' if dry_run else 'uploaded'} {total:,} bytes to {done.url}")
    else:
        click.echo(f"{done.url} has all of it already; nothing was uploaded")
