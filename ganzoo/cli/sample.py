"""`ganzoo sample`: images from a trained model."""

from pathlib import Path

import click

from ganzoo.cli.options import (
    PATH,
    POSITIVE,
    device_option,
    pairs,
    run_argument,
    seed_option,
    use_option,
)


@click.command("sample")
@run_argument
@click.option(
    "-n", "count", type=POSITIVE, default=64, show_default=True, help="How many images to draw."
)
@seed_option
@click.option(
    "--out",
    type=PATH,
    default=Path("samples.png"),
    show_default=True,
    help="A .png for one grid of all images; any other name is a folder with a file for each.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="CLASS",
    help="A class, by name or number. Repeat it to draw several classes in turn.",
)
@click.option(
    "--where",
    "wheres",
    multiple=True,
    metavar="NAME=VALUE,...",
    help="What to draw, by attribute: hair=blond,glasses=yes. Repeat it to draw several in turn.",
)
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    metavar="TEXT",
    help="What to draw, in words, for a model that reads text. Repeat it to draw several in turn.",
)
@use_option
@click.option(
    "--columns",
    type=POSITIVE,
    metavar="N",
    help="How many images stand side by side in a grid.  [default: as many as below each other]",
)
@device_option
def command(
    run: str,
    count: int,
    seed: int,
    out: Path,
    labels: tuple[str, ...],
    wheres: tuple[str, ...],
    prompts: tuple[str, ...],
    use: tuple[str, ...],
    columns: int | None,
    device: str,
) -> None:
    """Draw images with a trained model.

    RUN is a folder that `ganzoo train` wrote, pretrained weights (`ganzoo list --pretrained`),
    or an id on the Hugging Face Hub (hf:user/name). Image i depends only on the seed and on i.
    What an earlier `ganzoo sample` wrote is replaced, and nothing else.
    """
    from ganzoo.use.sample import sample

    line = sample(
        run,
        count=count,
        seed=seed,
        out=out,
        labels=labels,
        wheres=[pairs("--where", where.split(",")) for where in wheres],
        prompts=prompts,
        use=pairs("--use", use),
        columns=columns,
        device=device,
    )
    click.echo(line)
