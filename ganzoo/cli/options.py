"""Arguments and options that several verbs share, and completion of names."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ganzoo.discovery.pretrained import declared
from ganzoo.discovery.registry import Registry, models
from ganzoo.errors import GanzooError, UsageError

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


class UserPath(click.Path):
    """A path, in which `~` is the user's folder: a shell leaves it in `--out=~/pictures`."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        return super().convert(os.path.expanduser(value), param, ctx)


PATH = UserPath(path_type=Path)
POSITIVE = click.IntRange(1)


def names_of(registry: Registry) -> Completer:
    """What the shell offers after <Tab>: the names in a registry."""

    def complete(
        ctx: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in registry if name.startswith(incomplete)]

    return complete


def pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    """`["truncation=0.7"]` -> `{"truncation": "0.7"}`.

    Raises UsageError for another form, and for a name with two values.
    """
    result: dict[str, str] = {}
    for text in texts:
        name, equals, value = map(str.strip, text.partition("="))
        if not (name and equals and value):
            raise UsageError(f"{option} {text!r}: write {option} name=value")
        if result.setdefault(name, value) != value:
            raise UsageError(f"{option}: {name}={result[name]} and {name}={value} contradict")
    return result


def complete_run(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What the shell offers for a RUN: its own folders, and pretrained weights."""
    items = [CompletionItem(incomplete, type="dir")]
    known, _ = declared()
    for name in map(str, known):
        if name.startswith(incomplete):
            items.append(CompletionItem(name))
    return items


def hyperparameter_names(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What the shell offers after `--set`: those of the model, else those that every model has."""
    from ganzoo.hparams.hparams import Hparams

    kind: type[Hparams] = Hparams
    # click leaves arguments unread if the option still lacks its value
    name = ctx.params.get("model") or "".join(ctx.args[:1])
    with suppress(GanzooError):
        kind = models[name].load().Hparams
    items = []
    for name, field in kind.annotations().items():
        if name.startswith(incomplete):
            items.append(CompletionItem(f"{name}=", help=field.help))
    return items


run_argument = click.argument("run", shell_complete=complete_run)

device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="cpu, cuda, cuda:1 or mps; auto takes the GPU if there is one.",
)

seed_option = click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The same seed draws the same images.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document, for programs."
)

use_option = click.option(
    "--use",
    "use",
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting of use of the model; `ganzoo show NAME` lists them. Can be repeated.",
)

direction_option = click.option(
    "--direction", help="a2b or b2a, for a translator.  [default: the first that the model has]"
)

set_option = click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    multiple=True,
    shell_complete=hyperparameter_names,
    help="Set a hyperparameter of the model; `ganzoo show NAME` lists them. Can be repeated.",
)
