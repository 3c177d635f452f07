"""`ganzoo sample`: images from a trained model."""

from pathlib import Path

import click


@click.command("sample")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-n", "count", type=click.IntRange(1), default=64, show_default=True, help="How many images."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Image i depends on (seed, i) alone.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("samples.png"),
    show_default=True,
    help="A .png for a grid of all, else a folder for a file of each.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="CLASS",
    help="A class by name or number; several take turns.",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps.")
def command(
    run: Path, count: int, seed: int, out: Path, labels: tuple[str, ...], device: str
) -> None:
    """Draw images with the model of RUN: a folder that `ganzoo train` made, or an id of the Hub (user/name)."""
    from ganzoo.use.sample import sample

    for line in sample(run, count=count, seed=seed, out=out, labels=labels, device=device):
        click.echo(line)
