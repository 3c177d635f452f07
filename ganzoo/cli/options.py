"""What the shell offers after <Tab>: names of models, trainers and data sources."""

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from ganzoo.discovery.registry import Registry

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names_of(registry: Registry) -> Completer:
    """A completer of the names in a registry."""

    def complete(
        ctx: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in registry if name.startswith(incomplete)]

    return complete
