"""`ganzoo show`: one model, with its hyperparameters and networks."""

import json
from collections.abc import Iterator
from typing import Any

import click

from ganzoo.cli.options import json_option, names_of
from ganzoo.discovery.registry import models
from ganzoo.hparams.fields import text_of


@click.command("show")
@click.argument("name", shell_complete=names_of(models))
@json_option
def command(name: str, as_json: bool) -> None:
    """Show a model and its hyperparameters.

    Prints the paper, task, hyperparameters, networks and package of the model NAME.
    """
    from ganzoo.use.show import model_info

    info = model_info(name)
    click.echo(json.dumps(info, indent=2) if as_json else "\n".join(_lines(info)))


def _lines(info: dict[str, Any]) -> Iterator[str]:
    yield click.style(info["name"], bold=True)
    yield ""
    yield info["documentation"]
    yield ""
    yield f"paper    {info['paper'] or 'none named'}"
    yield f"task     {info['task']}"
    yield f"trainer  {info['trainer']}"
    yield f"data     {info['data'] or 'give --data SOURCE'}"
    yield f"from     {info['distribution']} {info['version']} ({info['target']})"
    yield ""
    yield "hyperparameters (--set name=value)"
    rows = [(h["name"], text_of(h["default"]), h["type"]) for h in info["hyperparameters"]]
    name_width = max(len(name) for name, _, _ in rows)
    value_width = max(len(value) for _, value, _ in rows)
    for name, value, kind in rows:
        yield f"  {name:{name_width}}  {value:{value_width}}  {kind}"
    yield ""
    yield "networks"
    for name, count in info["networks"].items():
        yield f"  {name:{name_width}}  {count:>{value_width},} parameters"
    if not info["networks"]:
        yield "  their sizes depend on the data"
