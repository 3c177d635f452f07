"""`ganzoo data`: what a SOURCE holds, before anything is trained on it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.options import names_of
from ganzoo.discovery.registry import datasets, models

if TYPE_CHECKING:
    from ganzoo.data.check import Report

NAMED = 20
"""Files that are named for each kind of finding; --json names all."""


@click.group("data")
def command() -> None:
    """Look at data before training on it."""


@command.command("check")
@click.argument(
    "sources", metavar="SOURCE", nargs=-1, required=True, shell_complete=names_of(datasets)
)
@click.option(
    "--model",
    shell_complete=names_of(models),
    help="Check for what this model needs: labels, pairs, size.",
)
@click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    multiple=True,
    help="A hyperparameter of that model.",
)
@click.option(
    "--sheet", type=click.Path(path_type=Path), default="contact-sheet.png", show_default=True
)
@click.option(
    "--workers", type=click.IntRange(1), help="Threads that read.  [default: one per core]"
)
@click.option("--json", "as_json", is_flag=True, help="Everything, as one JSON document.")
@click.pass_context
def check(
    ctx: click.Context,
    sources: tuple[str, ...],
    model: str | None,
    assignments: tuple[str, ...],
    sheet: Path,
    workers: int | None,
    as_json: bool,
) -> None:
    """Say of every file of SOURCE (two for two domains) whether it can be used, and what is odd about it.

    Exit code 1 when something would be skipped.
    """
    from ganzoo.use.check import check_data

    report = check_data(sources, model=model, assignments=assignments, sheet=sheet, workers=workers)
    written = str(sheet) if report.usable else None
    click.echo(
        json.dumps({**report.to_json(), "sheet": written}, indent=2)
        if as_json
        else _text(report, written)
    )
    if report.skipped:
        ctx.exit(1)


def _text(report: "Report", sheet: str | None) -> str:
    lines = [
        f"{report.source}: {report.files:,} files, {report.usable:,} usable, {len(report.skipped):,} skipped"
    ]
    for what, counts in (
        ("sizes", report.sizes),
        ("modes", report.modes),
        ("classes", report.classes),
    ):
        if counts:
            most = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(12))
            lines.append(
                f"  {what}: {most}{f', and {len(counts) - 12:,} more' if len(counts) > 12 else ''}"
            )
    for skipped, title in ((True, "skipped"), (False, "used all the same")):
        found = [finding for finding in report.findings if finding.skipped is skipped]
        for kind in dict.fromkeys(finding.kind for finding in found):
            of_kind = [finding for finding in found if finding.kind == kind]
            lines.append(f"{title}, {kind}: {len(of_kind):,}")
            lines += [f"  {finding.name}: {finding.detail}" for finding in of_kind[:NAMED]]
            if len(of_kind) > NAMED:
                lines.append(f"  and {len(of_kind) - NAMED:,} more: --json names them")
    if sheet:
        lines.append(f"a look at some: {sheet}")
    return "\n".join(lines)
