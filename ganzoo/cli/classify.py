"""`ganzoo classify`: the classes of pictures."""

import json
from pathlib import Path

import click

from ganzoo.cli.options import PATH, POSITIVE, device_option, json_option, run_argument


@click.command("classify")
@run_argument
@click.argument("source", metavar="INPUT", type=PATH)
@click.option(
    "--top",
    type=POSITIVE,
    default=5,
    show_default=True,
    help="How many classes to print for each picture.",
)
@json_option
@device_option
@click.pass_context
def command(
    ctx: click.Context, run: str, source: Path, top: int, as_json: bool, device: str
) -> None:
    """Classify a picture or a folder of pictures.

    INPUT is the picture or the folder, RUN a trained classifier. The exit code is 1 if a
    file had to be skipped.
    """
    from ganzoo.use.classify import classify

    skipped = False
    documents = []
    for result in classify(run, source, top=top, device=device):
        if result.skipped:
            skipped = True
            click.echo(f"skipped {result.file}, {result.skipped}", err=True)
        elif as_json:
            classes = [{"label": label, "score": score} for label, score in result.classes]
            documents.append({"file": result.file, "classes": classes})
        else:
            text = ", ".join(f"{label} {score:.1%}" for label, score in result.classes)
            click.echo(f"{result.file}: {text}")
    if as_json:
        click.echo(json.dumps(documents, indent=2))
    if skipped:
        ctx.exit(1)
