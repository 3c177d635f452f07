"""`ganzoo list`: what is installed, found without importing any of it."""

import json
from collections import Counter
from typing import Any

import click

from ganzoo.cli.options import json_option
from ganzoo.discovery.pretrained import declared
from ganzoo.discovery.registry import KINDS, Plugin
from ganzoo.discovery.summaries import read_summary, shown_task
from ganzoo.errors import UsageError


@click.command("list")
@click.argument("pattern", default="*")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="model",
    show_default=True,
    help="What to list.",
)
@json_option
@click.option(
    "--pretrained",
    is_flag=True,
    help="List pretrained weights: ganzoo.create(name, pretrained=...).",
)
@click.option("--check", is_flag=True, help="Load every plugin in the list, and mark broken ones.")
@click.pass_context
def command(
    ctx: click.Context, pattern: str, kind: str, as_json: bool, pretrained: bool, check: bool
) -> None:
    """List installed models, trainers or data sources.

    PATTERN selects names: dc*, or a part of the name. With --check the exit code is 1 if a
    plugin is broken.
    """
    plugins = KINDS[kind].matching(pattern)
    if pretrained and kind != "model":
        raise UsageError(f"--pretrained lists weights of models; a {kind} has none")
    if pretrained:
        _list_weights({plugin.name for plugin in plugins}, as_json)
        return
    rows = _rows(plugins, as_json, check)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        _print(rows)
    else:
        click.echo(f"no {KINDS[kind].kind} matches {pattern!r}", err=True)
    if check and any(row["problem"] for row in rows):
        ctx.exit(1)


def _rows(plugins: list[Plugin], as_json: bool, check: bool) -> list[dict[str, Any]]:
    claims = Counter(plugin.name for plugin in plugins)
    rows = []
    for plugin in plugins:
        summary = read_summary(plugin.target)
        row: dict[str, Any] = {
            "name": plugin.name,
            "task": summary.task,
            "view": summary.view,
            "summary": summary.summary,
            "target": plugin.target,
        }
        if as_json:  # reading the metadata of each package takes as long as all the rest
            row |= {"distribution": plugin.distribution, "version": plugin.version}
        problem = None
        if claims[plugin.name] > 1:
            full_name = f"{plugin.distribution}/{plugin.name}"
            problem = f"several packages have this name: write {full_name}"
        if check:
            from ganzoo.use.show import check_plugin

            problem = check_plugin(plugin) or problem
        if check or problem:
            row["problem"] = problem
        rows.append(row)
    return rows


def _list_weights(names: set[str], as_json: bool) -> None:
    known, errors = declared()
    for error in errors:
        click.secho(str(error), fg="red", err=True)
    matching = [weights for weights in known if weights.model in names]
    if as_json:
        rows = [
            {
                "model": weights.model,
                "weights": weights.name,
                "licence": weights.licence,
                "where": weights.where,
                "sha256": weights.sha256,
            }
            for weights in matching
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for weights in matching:
        click.echo(f"{weights.model}  {weights.name}  {weights.licence}  {weights.where}")
    if not matching:
        click.echo("no package declares pretrained weights of these models", err=True)


def _print(rows: list[dict[str, Any]]) -> None:
    tasks = [shown_task(row["task"], row["view"]) for row in rows]
    name_width = max(len(row["name"]) for row in rows)
    task_width = max(map(len, tasks))
    for row, task in zip(rows, tasks, strict=True):
        problem = row.get("problem")
        text = click.style(problem, fg="red") if problem else row["summary"]
        column = f"{task:{task_width}}  " if task_width else ""
        click.echo(f"{row['name']:{name_width}}  {column}{text}".rstrip())
