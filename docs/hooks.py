"""Pages that are made when the site is built: commands, models, changelog; and pictures."""

from collections.abc import Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import ganzoo
from ganzoo import augment
from ganzoo.cli import main
from ganzoo.discovery.summaries import read_summary, shown_task
from ganzoo.hparams.fields import FieldType, text_of
from ganzoo.use.show import model_info
from ganzoo.zoo import model_class

ROOT = Path(__file__).parents[1]
PICTURES = ("dcgan-mini-digits", "cdcgan-digits", "cyclegan-mini-digits-photo")
"""Pretrained weights whose pictures the pages show."""
SHARED = (ganzoo.Hparams, augment.Hparams)
"""Hyperparameters of several models: each has a table of its own."""

COMMANDS_INTRO = """\
# The command line

Look up a command and its options here. `ganzoo COMMAND --help` prints the same.

- A RUN is a folder that `ganzoo train` wrote, pretrained weights (`dcgan-mini:digits`), or an id of
  the Hub (`hf:user/name`). If it is not a folder, a line says what was taken:
  [What a RUN is](../guides/hub.md#what-a-run-is).
- A SOURCE is a folder, a zip or a name: see [Data](../guides/data.md).
- `--debug` shows the traceback of an error; `python -m ganzoo` is the same command.
- The exit code is 0 if all went well, 1 for an error, 2 for a wrong option. A training that
  Ctrl-C stopped ends with 130.

This line in `~/.bashrc` completes names, runs, pretrained weights and hyperparameters in bash:

```sh title="In ~/.bashrc"
eval "$(_GANZOO_COMPLETE=bash_source ganzoo)"
```
"""
MODELS_INTRO = """\
# Models and their hyperparameters

Choose a model, and find the number to change here. Set it with `--set name=value`, with
`--hparams FILE.toml`, or in Python with `ganzoo.create("dcgan", name=value)`. `ganzoo list` and
`ganzoo show NAME` print the same; in Python, `ganzoo.list_models("dc*")` has the names.

A hyperparameter changes the result; where and how a training runs is an
[option of `ganzoo train`](command-line.md#ganzoo-train).
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages and pictures that are no files in docs/."""
    pages = {
        "reference/command-line.md": command_page(),
        "reference/models.md": models_page(),
        "changelog.md": changelog_page(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for name in PICTURES:
        for picture in (ROOT / "weights/ganzoo_weights" / name).glob("*.png"):
            path = f"pictures/{name}/{picture.name}"
            files.append(File.generated(config, path, abs_src_path=str(picture)))
    return files


def changelog_page() -> str:
    """CHANGELOG.md, with links that start here in docs/, and a heading for its migration list."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    text = text.replace("](docs/", "](")
    return text.replace("**Migration**, old -> new.", "### Migration\n\nOld -> new.")


def command_page() -> str:
    """Usage, help and options of every command."""
    lines = [COMMANDS_INTRO]
    top = click.Context(main, info_name="ganzoo", **main.context_settings)
    for command, context in _commands(main, top):
        lines += _command_lines(command, context)
    return "\n".join(lines)


def _commands(
    group: click.Group, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    """The visible commands below a group, with those of groups inside, in the order of the help."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)
        else:
            yield command, inner


def _command_lines(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\n## {context.command_path}\n"
    yield cleandoc(command.help or "")
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"\n```text\n{context.command_path} {pieces}\n```\n"
    yield "| option | what it does |"
    yield "|---|---|"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, click.Option):
            names, text = record
            yield f"| `{names}` | {_cell(text)} |"


def models_page() -> str:
    """Every installed model of ganzoo's own, then the hyperparameters that models share."""
    names = [name for name in ganzoo.models if ganzoo.models[name].distribution == "ganzoo"]
    lines = [MODELS_INTRO, *_overview(names)]
    for name in names:
        lines += _model_lines(name)
    lines += _shared_lines()
    return "\n".join(lines)


def _overview(names: list[str]) -> Iterator[str]:
    yield "| model | what it is | task |"
    yield "|---|---|---|"
    for name in names:
        summary = read_summary(ganzoo.models[name].target)
        task = shown_task(summary.task, summary.view)
        yield f"| [`{name}`](#{name}) | {_cell(summary.summary)} | {task} |"


def _model_lines(name: str) -> Iterator[str]:
    plugin = ganzoo.models[name]
    info, kind = model_info(plugin), model_class(plugin)
    yield f"\n## {name}\n"
    yield f"{info['documentation']}\n"
    yield f"- paper: <{info['paper']}>"
    yield f"- task: {shown_task(info['task'], info['view'])}"
    yield f"- data: `{info['data']}`, unless you give another" if info["data"] else "- data: yours"
    for network, count in info["networks"].items():
        yield f"- {network}: {count:,} parameters"
    yield "\nIts own hyperparameters and defaults; the others are [shared](#shared).\n"
    own = {}
    for field, annotation in kind.Hparams.annotations().items():
        if not _is_shared(kind, field):
            own[field] = annotation
    yield from _table(own, kind.Hparams().to_json())


def _is_shared(kind: type[ganzoo.Model], field: str) -> bool:
    """Whether a table of shared hyperparameters says the same of this field."""
    for shared in SHARED:
        if not issubclass(kind.Hparams, shared) or field not in shared.annotations():
            continue
        same_default = getattr(kind.Hparams(), field) == getattr(shared(), field)
        same_type = str(kind.Hparams.annotations()[field]) == str(shared.annotations()[field])
        if same_default and same_type:
            return True
    return False


def _shared_lines() -> Iterator[str]:
    yield "\n## Shared hyperparameters {#shared}\n"
    yield "Every model has these:\n"
    of_all = ganzoo.Hparams.annotations()
    yield from _table(of_all, ganzoo.Hparams().to_json())
    yield "\nEvery adversarial model also has those of differentiable augmentation"
    yield "(Zhao et al. 2020, <https://arxiv.org/abs/2006.10738>), which small data sets need:\n"
    augmenting = {}
    for field, annotation in augment.Hparams.annotations().items():
        if field not in of_all and field[0] != "_":
            augmenting[field] = annotation
    yield from _table(augmenting, augment.Hparams().to_json())


def _table(fields: Mapping[str, FieldType], defaults: Mapping[str, Any]) -> Iterator[str]:
    yield "| name | default | what it is | values |"
    yield "|---|---|---|---|"
    for name, annotation in fields.items():
        default = text_of(defaults[name])
        help_text, values = _cell(annotation.help), _cell(str(annotation))
        yield f"| `{name}` | `{default}` | {help_text} | {values} |"


def _cell(text: str) -> str:
    """Text that keeps to one cell of a table."""
    return text.replace("|", "\\|")
