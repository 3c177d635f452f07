"""`ganzoo generate`: a labelled data set of generated images."""

from typing import Any

import click

from ganzoo.cli.options import (
    PATH,
    POSITIVE,
    complete_run,
    device_option,
    names_of,
    pairs,
    run_argument,
    seed_option,
    use_option,
)
from ganzoo.discovery.registry import datasets


@click.command("generate")
@run_argument
@click.option(
    "--data",
    metavar="SOURCE",
    shell_complete=names_of(datasets),
    help="The training set to extend; it must have the classes of the model.",
)
@click.option(
    "--per-class",
    type=POSITIVE,
    required=True,
    metavar="N",
    help="How many images of each class to write.",
)
@click.option(
    "--out",
    type=PATH,
    required=True,
    help="The folder to write; it gets a sub-folder for each class.",
)
@seed_option
@click.option("--with-real", is_flag=True, help="Also copy the images of --data into the folder.")
@click.option(
    "--classifier",
    metavar="RUN",
    shell_complete=complete_run,
    help="Keep only images that this classifier assigns to the requested class"
    " with --confidence or more.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="The probability, 0 to 1, that --classifier must reach.",
)
@use_option
@device_option
def command(use: tuple[str, ...], **options: Any) -> None:
    """Generate a labelled data set for training.

    RUN is a class-conditional model. OUT gets a sub-folder for each class, and manifest.json,
    which tells how to draw each image again.
    """
    from ganzoo.use.generate import GenerationPlan, generate

    # The parameters are named as the fields of the plan, so that each option is written once.
    click.echo(generate(GenerationPlan(**options, use=pairs("--use", use))))
