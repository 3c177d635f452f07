"""`ganzoo translate`: pictures of one domain into the other."""

from pathlib import Path

import click


@click.command("translate")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--direction", help="a2b or b2a.  [default: the first that the model has]")
@click.option(
    "--max-side", type=click.IntRange(1), metavar="PIXELS", help="Shrink what is larger first."
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps.")
@click.pass_context
def command(
    ctx: click.Context,
    run: Path,
    source: Path,
    out: Path,
    direction: str | None,
    max_side: int | None,
    device: str,
) -> None:
    """Translate INPUT, a picture or a folder of pictures of any sizes, with the model of RUN.

    OUT is a file, or a folder in which every picture keeps its name. Exit code 1 when one had to be skipped.
    """
    from ganzoo.use.translate import translate

    skipped = False
    for line in translate(run, source, out, direction=direction, max_side=max_side, device=device):
        click.echo(line, err=line.startswith("skipped"))
        skipped |= line.startswith("skipped")
    if skipped:
        ctx.exit(1)
