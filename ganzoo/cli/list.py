"""`ganzoo list`: what is installed, found without importing any of it."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from ganzoo.discovery.pretrained import declared
from ganzoo.discovery.registry import KINDS, Plugin, datasets, models, trainers
from ganzoo.discovery.summaries import read_summaries
from ganzoo.errors import GanzooError, UsageError


@click.command("list")
@click.argument("pattern", default="*")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="model",
    show_default=True,
    help="What to list.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option(
    "--pretrained",
    is_flag=True,
    help="List published weights instead: ganzoo.create(name, pretrained=...).",
)
@click.option("--check", is_flag=True, help="Load each one, and mark those that are broken.")
@click.pass_context
def command(
    ctx: click.Context, pattern: str, kind: str, as_json: bool, pretrained: bool, check: bool
) -> None:
    """List the models (trainers, data sources) whose name matches PATTERN (dc*, or a part of the name).

    With --check, the exit code is 1 when one is broken.
    """
    plugins = KINDS[kind].matching(pattern)
    if pretrained and kind != "model":
        raise UsageError(f"--pretrained lists weights of models; a {kind} has none")
    if pretrained:
        _list_weights({plugin.name for plugin in plugins}, as_json)
        return
    described = read_summaries(plugin.target for plugin in plugins)
    rows = [
        _row(plugin, described[plugin.target].task, described[plugin.target].summary)
        for plugin in plugins
    ]
    claims = Counter(plugin.name for plugin in plugins)
    for row, plugin in zip(rows, plugins, strict=True):
        if as_json:  # reading the metadata of each package takes as long as all else
            row |= {"distribution": plugin.distribution, "version": plugin.version}
        if claims[plugin.name] > 1:
            row["problem"] = f"claimed by several packages: say {plugin.distribution}/{plugin.name}"
        if check:
            row["problem"] = _problem(plugin) or row.get("problem")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        _print(rows)
    else:
        click.echo(f"no {KINDS[kind].kind} matches {pattern!r}", err=True)
    if check and any(row["problem"] for row in rows):
        ctx.exit(1)


def _list_weights(names: set[str], as_json: bool) -> None:
    known, broken = declared()
    rows = [
        {
            "model": one.model,
            "weights": one.name,
            "licence": one.licence,
            "where": one.where,
            "sha256": one.sha256,
        }
        for one in known
        if one.model in names
    ]
    for error in broken:
        click.secho(str(error), fg="red", err=True)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo("no weights are published with these models", err=True)
    for row in [] if as_json else rows:
        click.echo(f"{row['model']}  {row['weights']}  {row['licence']}  {row['where']}")


def _row(plugin: Plugin, task: str, summary: str) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "task": task,
        "summary": summary,
        "target": plugin.target,
    }


def _problem(plugin: Plugin) -> str | None:
    from ganzoo.data.source import source_class
    from ganzoo.training.trainer import trainer_class
    from ganzoo.zoo import model_class

    classes: dict[str, Callable[[Plugin], object]] = {
        models.kind: model_class,
        trainers.kind: trainer_class,
        datasets.kind: source_class,
    }
    try:
        classes[plugin.kind](plugin)
    except GanzooError as error:
        return str(error)
    return None


def _print(rows: list[dict[str, Any]]) -> None:
    names, tasks = (max(len(row[key]) for row in rows) for key in ("name", "task"))
    for row in rows:
        problem = row.get("problem")
        text = click.style(problem, fg="red") if problem else row["summary"]
        task = f"{row['task']:{tasks}}  " if tasks else ""
        click.echo(f"{row['name']:{names}}  {task}{text}".rstrip())
