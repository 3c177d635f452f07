"""`ganzoo train`: from a name and data to a run folder."""

import shlex
import sys
from pathlib import Path

import click

from ganzoo.cli.options import names_of
from ganzoo.discovery.registry import datasets, models, trainers


@click.command("train")
@click.argument("name", shell_complete=names_of(models))
@click.option(
    "--data",
    metavar="SOURCE",
    multiple=True,
    shell_complete=names_of(datasets),
    help="What to train on: a folder, a zip, digits, hf:user/name, ...; twice for two domains.",
)
@click.option(
    "--validation",
    metavar="SOURCE",
    shell_complete=names_of(datasets),
    help="What a classifier is scored on, instead of a part of --data that is held out.",
)
@click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    multiple=True,
    help="A hyperparameter (see ganzoo show).",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="A TOML file of hyperparameters; --set wins over it.",
)
@click.option(
    "--from",
    "origin",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Start from the weights of this run, or of an id of the Hub.",
)
@click.option(
    "--partial", is_flag=True, help="Of --from, take the tensors that fit, where some do not."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The run folder.  [default: runs/NAME]"
)
@click.option(
    "--trainer",
    shell_complete=names_of(trainers),
    help="How players take turns.  [default: the model's]",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps.")
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    help="fp32, bf16; auto is bf16 on a GPU that has it.",
)
@click.option(
    "--compile",
    is_flag=True,
    help="Compile the networks (torch.compile), as far as the model allows.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Threads that prepare images.  [default: one per core]",
)
@click.option(
    "--data-cache",
    type=click.Choice(["auto", "device", "disk", "none"]),
    default="auto",
    show_default=True,
    help="Where prepared images are kept; none decodes them anew in every epoch.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse data with a file that cannot be used, instead of skipping it.",
)
@click.option(
    "--report-every", type=click.IntRange(1), default=50, show_default=True, metavar="STEPS"
)
@click.option(
    "--save-every", type=click.IntRange(1), default=500, show_default=True, metavar="STEPS"
)
@click.option(
    "--eval-every",
    type=click.IntRange(1),
    metavar="STEPS",
    help="How often held-out data are scored, and a checkpoint saved.  [default: as --save-every]",
)
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    data: tuple[str, ...],
    validation: str | None,
    assignments: tuple[str, ...],
    config: Path | None,
    origin: Path | None,
    partial: bool,
    out: Path | None,
    trainer: str | None,
    device: str,
    precision: str,
    compile: bool,  # noqa: A002  (what it is called in torch)
    workers: int | None,
    data_cache: str,
    strict: bool,
    report_every: int,
    save_every: int,
    eval_every: int | None,
) -> None:
    """Train the model NAME, or continue: the same command goes on where it stopped.

    Ctrl-C finishes the step and saves.
    """
    from ganzoo.training.plan import Plan
    from ganzoo.training.session import train

    plan = Plan(
        model=name,
        data=data,
        validation=validation,
        assignments=assignments,
        config=config,
        origin=origin,
        partial=partial,
        out=out,
        trainer=trainer,
        device=device,
        precision=precision,
        compile=compile,
        workers=workers,
        cache=data_cache,
        strict=strict,
        report_every=report_every,
        save_every=save_every,
        eval_every=eval_every,
        again=shlex.join(["ganzoo", *sys.argv[1:]]),
    )
    stopped_by = train(plan).stopped_by
    if stopped_by:
        ctx.exit(128 + stopped_by)
