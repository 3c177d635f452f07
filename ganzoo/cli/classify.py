"""`ganzoo classify`: what pictures show."""

import json
from pathlib import Path

import click


@click.command("classify")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="How many classes of each."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps.")
@click.pass_context
def command(
    ctx: click.Context, run: Path, source: Path, top: int, as_json: bool, device: str
) -> None:
    """Name what INPUT shows, a picture or a folder of pictures, with the classifier of RUN.

    Exit code 1 when a file had to be skipped.
    """
    from ganzoo.use.classify import classify

    skipped, found = False, []
    for named in classify(run, source, top=top, device=device):
        if named.skipped:
            skipped = True
            click.echo(f"skipped {named.file}, {named.skipped}", err=True)
        elif as_json:
            classes = [{"label": label, "score": score} for label, score in named.classes]
            found.append({"file": named.file, "classes": classes})
        else:
            click.echo(
                f"{named.file}: {', '.join(f'{label} {score:.1%}' for label, score in named.classes)}"
            )
    if as_json:
        click.echo(json.dumps(found, indent=2))
    if skipped:
        ctx.exit(1)
