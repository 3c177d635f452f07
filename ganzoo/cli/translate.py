"""`ganzoo translate`: pictures of one domain into the other."""

from pathlib import Path

import click

from ganzoo.cli.options import (
    PATH,
    POSITIVE,
    device_option,
    direction_option,
    pairs,
    run_argument,
    use_option,
)


@click.command("translate")
@run_argument
@click.argument("source", metavar="INPUT", type=PATH)
@click.argument("out", type=PATH)
@direction_option
@click.option(
    "--max-side", type=POSITIVE, metavar="PIXELS", help="Shrink larger pictures to this side first."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    help="Of the random styles, for a translator that has them.",
)
@click.option(
    "--style",
    type=PATH,
    metavar="PICTURE",
    help="A picture whose style the translations take, for a translator that can.",
)
@use_option
@device_option
@click.pass_context
def command(
    ctx: click.Context,
    run: str,
    source: Path,
    out: Path,
    direction: str | None,
    max_side: int | None,
    seed: int,
    style: Path | None,
    use: tuple[str, ...],
    device: str,
) -> None:
    """Translate pictures to the other domain.

    INPUT is a picture or a folder of pictures of any sizes, RUN a trained translator. OUT is a
    file, or a folder in which every picture keeps its name; earlier translations there are
    replaced, other files are not. The exit code is 1 if a picture had to be skipped.
    """
    from ganzoo.use.translate import translate

    skipped = False
    lines = translate(
        run,
        source,
        out,
        direction=direction,
        max_side=max_side,
        seed=seed,
        style=style,
        use=pairs("--use", use),
        device=device,
    )
    for line in lines:
        is_skip = line.startswith("skipped ")
        click.echo(line, err=is_skip)
        skipped = skipped or is_skip
    if skipped:
        ctx.exit(1)
