"""The model card: README.md of a run, written by ganzoo until a person edits it."""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from ganzoo.data.attributes import Attributes
from ganzoo.discovery.registry import trainers
from ganzoo.files import replace_file
from ganzoo.hparams.fields import text_of
from ganzoo.hparams.settings import TRAINER
from ganzoo.model.contract import Model
from ganzoo.state.config import Config
from ganzoo.state.run import Run

MARK = "<!-- Made by ganzoo; edit freely, and ganzoo will leave it alone. "
FROM_PYTHON = "data passed in from Python"
LISTED = 100
"""Classes in the card, those with the lowest scores."""
USES = {
    "image-classification": "model.classify(images)  # in [-1, 1] -> probabilities of the classes",
    "image-to-image": "model.translate(images)  # (n, channels, height, width) in [-1, 1]",
    "unconditional-image-generation": "ganzoo.to_pil(model.sample(8, seed=0))",
}
LIMITS = """## Limits

It knows what resembles its training data, at the size that it was trained for, and no measure of \
its quality is stated unless one stands above."""


def write_card(folder: Path, model: Model) -> None:
    """Writes the card of a run, unless a person has edited it."""
    run = Run(folder)
    if run.card.exists():
        text = run.card.read_text(encoding="utf-8")
        if not is_untouched(text):
            return
    text = _card(run, Config.read(run.config).public(), model)
    text = text.encode(errors="replace").decode()  # a file name may be no UTF-8
    replace_file(run.card, _stamped(text).encode())


def is_untouched(text: str) -> bool:
    """Whether a card is as ganzoo wrote it."""
    return text == _stamped(text.rpartition(MARK)[0])


def _stamped(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text}{MARK}{digest[:16]} -->\n"


def paper(documentation: str) -> str | None:
    """The address of the paper in a docstring: `arXiv:1511.06434` or the first URL."""
    if match := re.search(r"arXiv:\s*(\d{4}\.\d{4,5})", documentation):
        return f"https://arxiv.org/abs/{match[1]}"
    match = re.search(r"https?://[^\s)>,]+", documentation)
    return match[0].rstrip(".") if match else None


def _card(run: Run, config: Config, model: Model) -> str:
    documentation = (type(model).__doc__ or "").strip()
    summary = documentation.partition("\n")[0]
    if link := paper(documentation):
        summary += f" [Paper]({link})."
    parts = [
        f"---\n{_metadata(config, model)}\n---",
        f"# {config.model}",
        summary,
        _picture("what it makes", run.samples),
        _picture("how it learned", run.film),
        _use(config),
        _training(config, model),
        _picture("losses and scores over the steps", run.curve),
        _scores(config, run),
        _attributes(config),
        "## Hyperparameters",
        _table("name", config.hyperparameters),
        LIMITS,
    ]
    return "\n\n".join(filter(None, parts)) + "\n\n"


def _metadata(config: Config, model: Model) -> str:
    """The YAML that the Hub reads."""
    sources = config.sources()
    # hf:user/name/config:split@revision -> user/name
    datasets = re.findall(r"(?m)^hf:([^/:@]+(?:/[^/:@]+)?)", "\n".join(sources))
    name = " and ".join(sources) or FROM_PYTHON
    results = []
    for metric, value in config.scores().items():
        result = EvalResult(
            task_type=config.task,
            dataset_type=datasets[0] if datasets else "other",
            dataset_name=f"{name}: {config.metrics['measured on']}",
            metric_type=metric,
            metric_value=value,
        )
        results.append(result)
    tags = ["ganzoo", "gan", config.model]
    if model.classifies:
        tags.remove("gan")
    return ModelCardData(
        library_name="ganzoo",
        pipeline_tag=config.task,
        tags=tags,
        license=config.licence,
        datasets=datasets or None,
        model_name=config.model if results else None,
        eval_results=results or None,
    ).to_yaml()


def _use(config: Config) -> str:
    if config.task not in USES:
        return ""
    name = "" if config.distribution else f", model={config.model}"
    load = f'model = ganzoo.load("path/to/this/folder"{name})'
    use = USES[config.task]
    if config.attributes:
        asked = json.dumps(_example(config.read_attributes()))
        use = f"ganzoo.to_pil(model.sample(8, seed=0, where={asked}))"
    install = ""
    if config.distribution not in ("", "ganzoo"):
        install = f"```\npip install {config.distribution}\n```\n\n"
    return f"## Use\n\n{install}```python\nimport ganzoo\n\n{load}\n{use}\n```"


def _example(attributes: Attributes) -> dict[str, str | float]:
    """A value of the first attribute."""
    for name, kind in attributes.kinds.items():
        return {name: kind.drawn(0.5)}
    return {}


def _attributes(config: Config) -> str:
    """What can be asked for, of a model with attributes."""
    if not config.attributes:
        return ""
    kinds = config.read_attributes().kinds
    values = {name: kind.described() for name, kind in kinds.items()}
    return f"## Attributes\n\n{_table('name', values)}"


def _training(config: Config, model: Model) -> str:
    if not config.step:
        return "## Training\n\nNot recorded: the weights were imported, or saved from Python."
    names = "` and `".join(config.sources())
    data = f"`{names}`" if names else FROM_PYTHON
    licence = config.data.get("licence")
    terms = f"; {licence}" if licence else ""
    package = f"{config.distribution} {config.version}".strip() or "its own class"
    text = (
        f"## Training\n\n{config.step:,} steps on {data} "
        f"({config.data['images']:,} images{terms}), with {package}, "
        f"trainer `{config.trainer}`, {config.precision}"
    )
    for earlier in config.data.get("earlier", []):
        text += f", of which {earlier['until']:,} on earlier data ({earlier['images']:,} images)"
    if config.origin:
        text += f", from RUN, the weights of {config.origin}"
    elif config.first_weights:
        text += f", from the weights of {config.first_weights}"
    words = training_words(config, model.defaults)
    if words:
        return f"{text}. Again:\n\n```\n{shlex.join(words)}\n```"
    return f"{text}."


def training_words(config: Config, defaults: Mapping[str, Any]) -> list[str]:
    """The command that makes the same run; empty if no command can.

    `defaults` are the model's hyperparameters.
    """
    data = config.sources()
    validation = config.sources("validation")
    from_python = not data or ("validation" in config.data and not validation)
    if from_python or not config.distribution or config.trainer not in trainers:
        return []
    words = ["ganzoo", "train", config.model]
    for source in data:
        words += ["--data", source]
    for source in validation:
        words += ["--validation", source]
    for name, value in config.hyperparameters.items():
        if defaults.get(name) != value:
            words += ["--set", f"{name}={text_of(value)}"]
    words += ["--trainer", config.trainer]
    for name, value in config.trainer_hyperparameters.items():
        words += ["--set", f"{TRAINER}{name}={text_of(value)}"]
    words += ["--precision", config.precision]
    if config.origin:
        words += ["--from", "RUN", "--partial"]
    return words


def going_on_words(run: Run, config: Config, defaults: Mapping[str, Any]) -> list[str]:
    """The command that goes on with a run; empty if no command can.

    `defaults` are the model's hyperparameters.
    """
    words = training_words(config, defaults)
    return [*words, "--out", str(run)] if words else []


def _scores(config: Config, run: Run) -> str:
    values = {}
    for name, value in config.scores().items():
        values[name.replace("_", " ")] = f"{value:.4f}"
    if not values:
        return ""
    place = f"Of {config.metrics['images']:,} images: {config.metrics['measured on']}."
    picture = _picture("what it takes for what", run.confusion)
    tables = [_table("score", values)]
    for name, by_class in config.metrics.items():
        if isinstance(by_class, dict):
            tables.append(f"{name.capitalize()}:\n\n{_lowest(by_class)}")
    return "\n\n".join(filter(None, ["## Scores", place, *tables, picture]))


def _lowest(by_class: Mapping[str, float]) -> str:
    """A table of the classes with the lowest scores."""
    values = {}
    for name in sorted(by_class, key=by_class.__getitem__)[:LISTED]:
        values[name.replace("|", "\\|")] = f"{by_class[name]:.4f}"
    return _table("class", values)


def _table(head: str, values: Mapping[str, object]) -> str:
    text = f"| {head} | value |\n|---|---|"
    for name, value in values.items():
        text += f"\n| {name} | {text_of(value)} |"
    return text


def _picture(text: str, path: Path) -> str:
    return f"![{text}]({path.name})" if path.exists() else ""
