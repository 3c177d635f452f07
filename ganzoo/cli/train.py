"""`ganzoo train`: from a name and data to a run folder."""

import shlex
import sys
from typing import Any

import click

from ganzoo.cli.options import (
    PATH,
    POSITIVE,
    complete_run,
    device_option,
    names_of,
    set_option,
)
from ganzoo.discovery.registry import datasets, models, trainers


class HparamsOption(click.Option):
    """Also takes --config, its old name, which no help text shows."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        parser.add_option(self, ["--config"], dest=self.name)


@click.command("train")
@click.argument("model", metavar="NAME", shell_complete=names_of(models))
@click.option(
    "--data",
    metavar="SOURCE",
    multiple=True,
    shell_complete=names_of(datasets),
    help="The training data: a folder, a zip, digits, hf:user/name, ...; twice for two domains.",
)
@click.option(
    "--validation",
    metavar="SOURCE",
    shell_complete=names_of(datasets),
    help="Data to score a classifier on.  [default: a part of --data is held out]",
)
@set_option
@click.option(
    "--hparams",
    "config",
    cls=HparamsOption,
    type=PATH,
    metavar="FILE.toml",
    help="A TOML file of hyperparameters; --set overrides it.",
)
@click.option(
    "--from",
    "from_run",
    metavar="RUN",
    shell_complete=complete_run,
    help="Start from these weights: a run, pretrained weights, or an id of the Hub.",
)
@click.option(
    "--partial",
    is_flag=True,
    help="Load the tensors of --from whose names and shapes match, and report the others.",
)
@click.option("--out", type=PATH, help="The run folder.  [default: runs/NAME]")
@click.option(
    "--trainer",
    shell_complete=names_of(trainers),
    help="How the networks take turns.  [default: the model's choice]",
)
@device_option
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    help="fp32 or bf16; auto is bf16 on a GPU that supports it.",
)
@click.option(
    "--compile", is_flag=True, help="Compile the networks with torch.compile, where the model can."
)
@click.option(
    "--workers", type=POSITIVE, help="Threads that prepare images.  [default: one for each core]"
)
@click.option(
    "--data-cache",
    "cache",
    type=click.Choice(["auto", "device", "disk", "none"]),
    default="auto",
    show_default=True,
    help="Where to keep prepared images; none prepares them again in every epoch.",
)
@click.option("--strict", is_flag=True, help="Refuse data with an unusable file; do not skip it.")
@click.option(
    "--accept-data",
    is_flag=True,
    help="Go on although the data have changed; config.json records it.",
)
@click.option(
    "--report-every",
    type=POSITIVE,
    default=50,
    show_default=True,
    metavar="STEPS",
    help="How often to report the losses.",
)
@click.option(
    "--save-every",
    type=POSITIVE,
    default=500,
    show_default=True,
    metavar="STEPS",
    help="How often to save a checkpoint and pictures.",
)
@click.option(
    "--eval-every",
    type=POSITIVE,
    metavar="STEPS",
    help="How often to score the validation data and save.  [default: as --save-every]",
)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Train a model, or continue its training.

    NAME is a model of `ganzoo list`. The same command continues where training stopped. Ctrl-C
    finishes the step and saves.
    """
    plan = None
    try:
        from ganzoo.training.plan import Plan
        from ganzoo.training.session import run_session

        options["data"] = options["data"] or None
        # The parameters are named as the fields of Plan, so that each option is written once.
        plan = Plan(**options, again=shlex.join(["ganzoo", *sys.argv[1:]]))
        stopped_by = run_session(plan).stopped_by
    except KeyboardInterrupt:
        newest = plan.run.newest_checkpoint() if plan else None
        kept = f"{newest} is kept" if newest else "nothing new was trained"
        raise KeyboardInterrupt(kept) from None
    if stopped_by:
        ctx.exit(128 + stopped_by)
