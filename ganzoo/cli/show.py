"""`ganzoo show`: one model, with its hyperparameters and networks."""

import json
from typing import Any

import click

from ganzoo.cli.options import names_of
from ganzoo.discovery.registry import models
from ganzoo.hparams.fields import text_of


@click.command("show")
@click.argument("name", shell_complete=names_of(models))
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def command(name: str, as_json: bool) -> None:
    """Show a model: its paper, task, hyperparameters, networks, and where it comes from."""
    from ganzoo.use.show import model_info

    known = model_info(name)
    click.echo(json.dumps(known, indent=2) if as_json else _page(known))


def _page(known: dict[str, Any]) -> str:
    rows = [(h["name"], text_of(h["default"]), h["type"]) for h in known["hyperparameters"]]
    names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
    networks = known["networks"]
    labels = {
        "paper": known["paper"] or "none named",
        "task": known["task"],
        "trainer": known["trainer"],
        "data": known["data"] or "give --data SOURCE",
        "from": f"{known['distribution']} {known['version']} ({known['target']})",
    }
    parts = [
        click.style(known["name"], bold=True),
        known["documentation"],
        "\n".join(f"{label:8} {value}" for label, value in labels.items()),
        "hyperparameters (--set name=value)\n"
        + "\n".join(f"  {name:{names}}  {value:{values}}  {kind}" for name, value, kind in rows),
        "networks\n"
        + "\n".join(
            f"  {n:{names}}  {count:>{values},} parameters" for n, count in networks.items()
        )
        if networks
        else "networks\n  their sizes depend on the data",
    ]
    return "\n\n".join(parts)
