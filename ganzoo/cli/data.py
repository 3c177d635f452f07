"""`ganzoo data`: what a SOURCE holds, and the same as a folder of files."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.options import PATH, POSITIVE, json_option, names_of, set_option
from ganzoo.discovery.registry import datasets, models

if TYPE_CHECKING:
    from ganzoo.data.check import Finding, Report

COUNTS = 12
"""Sizes, modes or classes that the page counts; --json counts all."""
FILES = 20
"""Files that the page names for each kind of finding; --json names all."""


@click.group("data")
def command() -> None:
    """Check data before training on it, or write them as files."""


@command.command("check")
@click.argument(
    "sources", metavar="SOURCE", nargs=-1, required=True, shell_complete=names_of(datasets)
)
@click.option(
    "--model",
    metavar="NAME",
    shell_complete=names_of(models),
    help="Check what this model needs: labels, pairs, size.",
)
@set_option
@click.option(
    "--sheet",
    type=PATH,
    metavar="FILE.png",
    help="Draw some of the pictures into this file.",
)
@click.option(
    "--workers", type=POSITIVE, help="Threads that read files.  [default: one for each core]"
)
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    sources: tuple[str, ...],
    model: str | None,
    assignments: tuple[str, ...],
    sheet: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Report which files of SOURCE can be used.

    Reads every file of SOURCE (give two for two domains) and reports files that cannot be
    used or are unusual. The exit code is 1 if training would skip a file.
    """
    from ganzoo.use.check import check_data, write_sheet

    report = check_data(sources, model=model, assignments=assignments, sheet=sheet, workers=workers)
    drawn = sheet if report.usable else None
    reports = [report, report.validation] if report.validation else [report]
    if as_json:
        name = str(drawn) if drawn else None
        click.echo(json.dumps({**report.to_json(), "sheet": name}, indent=2))
    else:
        for one in reports:
            click.echo("\n".join(_lines(one)))
        if report.usable:
            click.echo(f"a look at some: {drawn or '--sheet FILE.png draws them'}")
    if drawn:
        write_sheet(report, drawn)
    if any(one.skipped for one in reports):
        ctx.exit(1)


@command.command("export")
@click.argument("source", shell_complete=names_of(datasets))
@click.argument("out", metavar="DIR", type=PATH)
@click.option(
    "--view",
    type=click.Choice(["images", "domains", "pairs"]),
    default="images",
    show_default=True,
    help="What SOURCE is written as: images, in a sub-folder for each class if they have labels; "
    "or A/ and B/, of two domains or of pairs.",
)
@click.option(
    "--size", type=POSITIVE, metavar="N", help="Pixels of a side, for a SOURCE that draws any size."
)
def export(source: str, out: Path, view: str, size: int | None) -> None:
    """Write the images of SOURCE as files into the folder DIR.

    Files are copied as they are, and drawn images are written as PNG. metadata.csv has the label
    and the attributes of each, as the data sets of Hugging Face do. `--data DIR` then reads the
    same images.
    """
    from ganzoo.use.export_data import export_data

    click.echo(export_data(source, out, view=view, size=size))


def _lines(report: "Report") -> Iterator[str]:
    skipped = len(report.skipped)
    yield f"{report.source}: {report.files:,} files, {report.usable:,} usable, {skipped:,} skipped"
    yield from _counts("sizes", report.sizes)
    yield from _counts("modes", report.modes)
    yield from _counts("classes", report.classes)
    yield from _findings("skipped", report.skipped)
    used = [finding for finding in report.findings if not finding.skipped]
    yield from _findings("used all the same", used)


def _counts(title: str, counts: Counter[str]) -> Iterator[str]:
    if not counts:
        return
    text = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(COUNTS))
    if len(counts) > COUNTS:
        text += f", and {len(counts) - COUNTS:,} more"
    yield f"  {title}: {text}"


def _findings(title: str, findings: "list[Finding]") -> Iterator[str]:
    by_kind: dict[str, list[Finding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    for kind, same_kind in by_kind.items():
        yield f"{title}, {kind}: {len(same_kind):,}"
        for finding in same_kind[:FILES]:
            yield f"  {finding.name}: {finding.detail}"
        if len(same_kind) > FILES:
            yield f"  and {len(same_kind) - FILES:,} more: --json names them"
