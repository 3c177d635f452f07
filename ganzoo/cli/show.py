"""`ganzoo show`: one model with its hyperparameters and networks, or one run."""

import json
import shlex
import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

import click

from ganzoo.cli.options import json_option, names_of
from ganzoo.discovery.registry import models
from ganzoo.discovery.summaries import shown_task
from ganzoo.hparams.fields import text_of

WIDEST = 100
"""Columns that are used of a wider terminal."""


@click.command("show")
@click.argument("name", metavar="NAME|RUN", shell_complete=names_of(models))
@json_option
def command(name: str, as_json: bool) -> None:
    """Show a model, a trainer, an augmentation, or a trained run.

    Prints the paper, task, hyperparameters, networks, pretrained weights and package of the model
    NAME; the hyperparameters of a trainer or an augmentation; or what RUN was trained on, its
    scores, sizes and checkpoints, and the command that goes on. A folder with the name of a model
    is ./NAME.
    """
    from ganzoo.use.show import info

    result = info(name)
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    if "run" in result:
        lines = _run(result)
    else:
        lines = _model(result) if "task" in result else _plugin(result)
    click.echo("\n".join(lines))


def _plugin(info: dict[str, Any]) -> Iterator[str]:
    yield click.style(info["name"], bold=True)
    yield ""
    yield _wrapped("", info["documentation"])
    yield ""
    yield _row("from", f"{info['distribution']} {info['version']} ({info['target']})")
    yield ""
    title = f"hyperparameters (--set {info['prefix']}name=value)"
    yield from _fields(title, info["hyperparameters"])


def _fields(title: str, fields: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each field: name, default, help text and type."""
    if not fields:
        return
    yield title
    rows = [(field["name"], text_of(field["default"])) for field in fields]
    name_width = max(len(name) for name, _ in rows)
    value_width = max(len(value) for _, value in rows)
    for (name, value), field in zip(rows, fields, strict=True):
        start = f"  {name:{name_width}}  {value:{value_width}}  "
        yield _wrapped(start, f"{field['help']} ({field['type']})".strip())
    yield ""


def _model(info: dict[str, Any]) -> Iterator[str]:
    yield click.style(info["name"], bold=True)
    yield ""
    yield _wrapped("", info["documentation"])
    yield ""
    yield _row("paper", info["paper"] or "none named")
    yield _row("task", shown_task(info["task"], info["view"]))
    yield _row("trainer", info["trainer"])
    yield _row("data", info["data"] or "give --data SOURCE")
    yield _row("from", f"{info['distribution']} {info['version']} ({info['target']})")
    for weights in info["pretrained"]:
        run = f"{info['name']}:{weights['name']}"
        yield _row("weights", f"{run} {weights['where']}, {weights['licence']}")
    yield ""
    yield from _fields("hyperparameters (--set name=value)", info["hyperparameters"])
    yield from _fields("settings of use (--use name=value)", info["use"])
    yield from _networks(info["networks"], "their sizes depend on the data")


def _run(info: dict[str, Any]) -> Iterator[str]:
    yield click.style(info["run"], bold=True)
    yield ""
    package = f"{info['distribution']} {info['version']}".strip() or "a class of its own"
    yield _row("model", f"{info['model']} ({package})")
    yield _row("step", _step(info))
    yield _row("scores", _scores(info))
    yield _row("data", _data(info))
    if info["classes"]:
        yield _row("classes", f"{len(info['classes'])}: {', '.join(info['classes'])}")
    for name, values in info["attributes"].items():
        yield _row(name, values)
    yield _row("trainer", f"{info['trainer']}, {info['precision']}")
    source = info["origin"] or info["first_weights"]
    yield _row("start", f"the weights of {source}" if source else "first weights")
    yield _row("licence", info["licence"] or "none named for the weights")
    sizes = f"weights {info['weights_size']:,} bytes"
    yield _row("size", f"{sizes}, training state {info['training_size']:,} bytes")
    yield f"{'go on':9}{_continuation(info)}"  # one line, to be copied
    yield ""
    yield from _fields("settings of use (--use name=value)", info["use"])
    yield from _networks(info["networks"], "their sizes are unknown without the model's package")


def _step(info: dict[str, Any]) -> str:
    text = f"{info['step']:,}"
    if info["steps"]:
        text += f" of {_count(info['steps'])}"
    if info["checkpoints"]:
        text += f"; checkpoints: {', '.join(map(str, info['checkpoints']))}"
    return text


def _scores(info: dict[str, Any]) -> str:
    if not info["scores"]:
        return "none"
    values = [f"{name} {value:.4f}" for name, value in info["scores"].items()]
    place = f"{_count(info['measured_images'])} images: {info['measured_on']}"
    return f"{', '.join(values)} of {place}"


def _data(info: dict[str, Any]) -> str:
    if info["images"] is None:
        return "unknown"
    name = " and ".join(info["data"]) or "passed in from Python"
    licence = info["data_licence"] or "no licence named"
    return f"{name}, {_count(info['images'])} images; {licence}"


def _continuation(info: dict[str, Any]) -> str:
    if info["command"]:
        return shlex.join(info["command"])
    if info["checkpoints"]:
        return "from Python: ganzoo.Trainer.resume"
    start = shlex.join(["ganzoo", "train", info["model"], "--from", info["run"]])
    return f"no checkpoint is here; from these weights: {start} --out NEW"


def _networks(counts: dict[str, int], otherwise: str) -> Iterator[str]:
    yield "networks"
    width = max(map(len, counts), default=0)
    for name, count in counts.items():
        yield f"  {name:{width}}  {count:>12,} parameters"
    if not counts:
        yield f"  {otherwise}"


def _count(value: Any) -> str:
    """A number with its thousands; a stranger's configuration may hold anything instead."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def _row(name: str, text: object) -> str:
    return _wrapped(f"{name:9}", str(text))


def _wrapped(start: str, text: str) -> str:
    """The text after `start`, as wide as the terminal; its further lines are indented as much."""
    columns = shutil.get_terminal_size().columns
    return textwrap.fill(
        text,
        width=max(min(columns, WIDEST), len(start) + 30),
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
