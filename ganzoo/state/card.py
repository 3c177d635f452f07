"""The model card: README.md of a run, written by ganzoo until a person edits it."""

import hashlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from ganzoo.discovery.registry import trainers
from ganzoo.files import replace_file
from ganzoo.hparams.fields import text_of
from ganzoo.model.contract import Model
from ganzoo.state.config import Config, sources
from ganzoo.state.run import Run

STAMP = "<!-- Made by ganzoo; edit freely, and ganzoo will leave it alone. {} -->\n"


def write_card(folder: Path, model: Model) -> None:
    """Writes the card of a run, unless a person has edited it."""
    run = Run(folder)
    if run.card.exists() and not is_untouched(run.card.read_text(encoding="utf-8")):
        return
    text = _card(run, Config.read(run.config).public(), model)
    text = text.encode(errors="replace").decode()
    replace_file(run.card, (text + STAMP.format(_digest(text))).encode())


def is_untouched(text: str) -> bool:
    """Whether a card is as ganzoo wrote it."""
    body, marker, _ = text.rpartition(STAMP.partition("{}")[0])
    return bool(marker) and text == body + STAMP.format(_digest(body))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
        _use(config, model),
        _training(config, model),
        _picture("losses and scores over the steps", run.curve),
        _metrics(config, run),
        "## Hyperparameters\n\n| name | value |\n|---|---|" + _rows(config.hyperparameters),
        _limits(model),
    ]
    return "\n\n".join(part for part in parts if part) + "\n\n"


def _metadata(config: Config, model: Model) -> str:
    """The YAML that the Hub reads."""
    names = sources(config.data)
    datasets = [_dataset(name) for name in names if name.startswith("hf:")]
    where = " and ".join(names) or "data passed in from Python"
    results = [
        EvalResult(
            task_type=config.task,
            dataset_type=datasets[0] if datasets else "other",
            dataset_name=f"{where}: {config.metrics['measured on']}",
            metric_type=name,
            metric_value=value,
        )
        for name, value in _scores(config).items()
    ]
    return ModelCardData(
        library_name="ganzoo",
        pipeline_tag=config.task,
        tags=["ganzoo", config.model] if model.classifies else ["ganzoo", "gan", config.model],
        license=config.licence,
        datasets=datasets or None,
        model_name=config.model if results else None,
        eval_results=results or None,
    ).to_yaml()


def _dataset(source: str) -> str:
    """The id of a data set: `hf:user/name/config:split@revision` -> `user/name`."""
    path = re.split("[:@]", source)[1]
    return "/".join(path.split("/")[:2])


def _training(config: Config, model: Model) -> str:
    if not config.step:
        return "## Training\n\nElsewhere: the weights were imported."
    data = " and ".join(f"`{name}`" for name in sources(config.data))
    licence = config.data.get("licence")
    images = f"{config.data['images']:,} images" + (f"; {licence}" if licence else "")
    package = f"{config.distribution} {config.version}".strip() or "a class of its own"
    origin = f", from the weights of {config.origin}" if config.origin else ""
    text = (
        f"## Training\n\n{config.step:,} steps on {data or 'data passed in from Python'} "
        f"({images}), with {package}, trainer `{config.trainer}`, {config.precision}{origin}."
    )
    command = _command(config, model)
    if command and origin:
        text += " RUN is a folder with those weights."
    return f"{text} Again:\n\n```\n{command}\n```" if command else text


def _command(config: Config, model: Model) -> str:
    """The command that makes the same run; empty if there is none."""
    validation = config.data.get("validation")
    registered = config.distribution and config.trainer in trainers
    named = sources(config.data) and (not validation or sources(validation))
    if not (registered and named):
        return ""
    words = ["ganzoo", "train", config.model]
    for source in sources(config.data):
        words += ["--data", source]
    for source in sources(validation or {}):
        words += ["--validation", source]
    for name, value in config.hyperparameters.items():
        if model.defaults.get(name) != value:
            words += ["--set", f"{name}={text_of(value)}"]
    words += ["--trainer", config.trainer, "--precision", config.precision]
    if config.origin:
        words += ["--from", "RUN", "--partial"]
    return shlex.join(words)


def _metrics(config: Config, run: Run) -> str:
    scores = {name.replace("_", " "): f"{x:.4f}" for name, x in _scores(config).items()}
    if not scores:
        return ""
    where = f"Of {config.metrics['images']:,} images: {config.metrics['measured on']}."
    table = f"## Scores\n\n{where}\n\n| score | value |\n|---|---|{_rows(scores)}"
    return f"{table}\n\n{_picture('what it takes for what', run.confusion)}".rstrip()


def _scores(config: Config) -> dict[str, float]:
    return {name: value for name, value in config.metrics.items() if isinstance(value, float)}


def _rows(values: Mapping[str, object]) -> str:
    return "".join(f"\n| {name} | {text_of(value)} |" for name, value in values.items())


def _picture(text: str, path: Path) -> str:
    return f"![{text}]({path.name})" if path.exists() else ""


def _use(config: Config, model: Model) -> str:
    if model.directions:
        line = f'model.translate(images, direction="{model.directions[0]}")'
        line += "  # (n, channels, height, width) in [-1, 1]"
    elif model.classifies:
        line = "model.classify(images)  # squares in [-1, 1] -> probabilities of model.classes"
    elif type(model).generate is not Model.generate or type(model).sample is not Model.sample:
        line = "ganzoo.to_pil(model.sample(8, seed=0))"
    else:
        return ""
    words = '"path/to/this/folder"'
    if not config.distribution:
        words += f", model={config.model}"
    return f"## Use\n\n```python\nimport ganzoo\n\nmodel = ganzoo.load({words})\n{line}\n```"


def _limits(model: Model) -> str:
    text = "It makes what resembles its training data, at the size that it was trained for"
    if model.classifies:
        text = (
            "It names one of its classes whatever it is shown, with confidence as in its training "
            "data at best"
        )
    return f"## Limits\n\n{text}, and no measure of its quality is stated unless one stands above."
