"""The model card: README.md of a run, made from what the run knows, and left alone once a person has edited it."""

import hashlib
import re
import shlex
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from ganzoo.files import replace_file
from ganzoo.hparams.fields import text_of
from ganzoo.model.contract import Model
from ganzoo.state.config import Config

STAMP = "<!-- Made by ganzoo; edit freely, and ganzoo will leave it alone. {} -->\n"


def write_card(run: Path, model: Model) -> None:
    """Writes README.md of the run, unless the one that is there was edited."""
    path = run / "README.md"
    if path.exists() and not is_untouched(path.read_text(encoding="utf-8")):
        return
    text = _card(Config.read(run / "config.json"), model, run).encode(errors="replace").decode()
    replace_file(path, (text + STAMP.format(_digest(text))).encode())


def paper(documentation: str) -> str | None:
    """The address of the paper that a docstring names: `arXiv:1511.06434` or the first URL."""
    if found := re.search(r"arXiv:\s*(\d{4}\.\d{4,5})", documentation):
        return f"https://arxiv.org/abs/{found[1]}"
    found = re.search(r"https?://[^\s)>,]+", documentation)
    return found[0].rstrip(".") if found else None


def _card(config: Config, model: Model, run: Path) -> str:
    documentation = (type(model).__doc__ or "").strip()
    link = paper(documentation)
    command = f"ganzoo train {config.model}"
    command += "".join(f" --data {shlex.quote(source)}" for source in _sources(config))
    apart = config.data.get("validation", {}).get("source")
    command += f" --validation {shlex.quote(apart)}" if isinstance(apart, str) else ""
    defaults = model.defaults
    changed = {k: v for k, v in config.hyperparameters.items() if defaults.get(k) != v}
    command += "".join(f" --set {key}={text_of(value)}" for key, value in changed.items())
    origin = f", from the weights of {config.origin}" if config.origin else ""
    parts = [
        f"---\n{_metadata(config, model)}\n---",
        f"# {config.model}",
        documentation.partition("\n")[0] + (f" [Paper]({link})." if link else ""),
        "![what it makes](samples.png)" if (run / "samples.png").exists() else "",
        _use(model),
        f"## Training\n\n{config.step:,} steps on {_data(config)}, with {config.distribution} {config.version}, "
        f"trainer `{config.trainer}`, {config.precision}{origin}. Again:\n\n```\n{command}\n```"
        if config.step
        else "## Training\n\nElsewhere: the weights were imported.",
        "![losses and scores over the steps](curve.png)" if (run / "curve.png").exists() else "",
        _metrics(config, run),
        "## Hyperparameters\n\n| name | value |\n|---|---|\n"
        + "\n".join(
            f"| {key} | {text_of(value)} |" for key, value in config.hyperparameters.items()
        ),
        _limits(model),
    ]
    return "\n\n".join(part for part in parts if part) + "\n\n"


def _metadata(config: Config, model: Model) -> str:
    """What the Hub reads: YAML between two lines of dashes."""
    tags = ["ganzoo", *([] if model.classifies else ["gan"]), config.model]
    names = _sources(config)
    data = [
        name[3:].partition("@")[0].partition(":")[0] for name in names if name.startswith("hf:")
    ]
    where = " and ".join(names) or "data passed in from Python"
    results = [
        EvalResult(
            task_type=config.task,
            dataset_type=data[0] if data else "other",
            dataset_name=f"{where}: {config.metrics.get('measured on')}",
            metric_type=name,
            metric_value=value,
        )
        for name, value in _scores(config).items()
    ]
    return ModelCardData(
        library_name="ganzoo",
        pipeline_tag=config.task,
        tags=tags,
        license=config.licence,
        datasets=data or None,
        model_name=config.model if results else None,
        eval_results=results or None,
    ).to_yaml()


def _scores(config: Config) -> dict[str, float]:
    return {name: value for name, value in config.metrics.items() if isinstance(value, float)}


def _limits(model: Model) -> str:
    if model.classifies:
        does = "It names one of its classes whatever it is shown, with confidence as in its training data at best"
    else:
        does = "It makes what resembles its training data, at the size that it was trained for"
    return f"## Limits\n\n{does}, and no measure of its quality is stated unless one stands above."


def _data(config: Config) -> str:
    name = (
        " and ".join(f"`{source}`" for source in _sources(config)) or "data passed in from Python"
    )
    licence = f"; {config.data['licence']}" if config.data.get("licence") else ""
    return f"{name} ({config.data.get('images', 0):,} images{licence})"


def _sources(config: Config) -> list[str]:
    named = config.data.get("source") or []
    return [named] if isinstance(named, str) else named


def _metrics(config: Config, run: Path) -> str:
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {value:.4f} |" for name, value in _scores(config).items()
    )
    if not rows:
        return ""
    where = f"Of {config.metrics.get('images', 0):,} images: {config.metrics.get('measured on')}."
    picture = (
        "\n\n![what it takes for what](confusion.png)" if (run / "confusion.png").exists() else ""
    )
    return f"## Scores\n\n{where}\n\n| score | value |\n|---|---|\n{rows}{picture}"


def _use(model: Model) -> str:
    if model.directions:
        made = f'model.translate(images, direction="{model.directions[0]}")  # (n, channels, height, width) in [-1, 1]'
    elif model.classifies:
        made = "model.classify(images)  # squares in [-1, 1] -> probabilities of model.classes"
    elif type(model).generate is not Model.generate or type(model).sample is not Model.sample:
        made = "ganzoo.to_pil(model.sample(8, seed=0))"
    else:
        return ""
    return f'## Use\n\n```python\nimport ganzoo\n\nmodel = ganzoo.load("path/to/this/folder")\n{made}\n```'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_untouched(text: str) -> bool:
    """Whether a card is as ganzoo wrote it."""
    body, marker, _ = text.rpartition(STAMP.partition("{}")[0])
    return bool(marker) and text == body + STAMP.format(_digest(body))
