"""`ganzoo augment`: generated images as a labelled folder."""

from pathlib import Path

import click

from ganzoo.cli.options import names_of
from ganzoo.discovery.registry import datasets


@click.command("augment")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--data",
    metavar="SOURCE",
    shell_complete=names_of(datasets),
    help="The training set that the images are for; its classes must be the model's.",
)
@click.option(
    "--per-class",
    type=click.IntRange(1),
    required=True,
    metavar="N",
    help="How many images of each class.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to write; one for each class.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--with-real", is_flag=True, help="Put the images of --data beside the generated ones."
)
@click.option(
    "--classifier",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Keep what this classifier is sure of.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="How sure it must be, 0 to 1.",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps.")
def command(
    run: Path,
    data: str | None,
    per_class: int,
    out: Path,
    seed: int,
    with_real: bool,
    classifier: Path | None,
    confidence: float,
    device: str,
) -> None:
    """Write generated images of every class with the conditional model of RUN, to be trained on.

    OUT becomes a folder with a sub-folder for each class, and manifest.json, which says how to draw each image again.
    """
    from ganzoo.use.generate import GenerationPlan, generate

    asked = GenerationPlan(
        run=run,
        out=out,
        per_class=per_class,
        seed=seed,
        data=data,
        with_real=with_real,
        classifier=classifier,
        confidence=confidence,
        device=device,
    )
    for line in generate(asked):
        click.echo(line)
