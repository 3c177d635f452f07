"""`ganzoo generate`: generated images as a labelled folder, to extend a training set."""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import ganzoo
from ganzoo.data.picture import ignore_pillow_warnings
from ganzoo.data.source import Source, open_source
from ganzoo.errors import BadImage, DataError, Unsupported, UsageError
from ganzoo.files import new_folder
from ganzoo.images import save_png, to_pil
from ganzoo.model.contract import Model
from ganzoo.seeds import derive_seed
from ganzoo.state.config import Config
from ganzoo.use.image_folder import check_folder_names, file_of, folder_name
from ganzoo.zoo import load_with_config

ROUNDS = 20
"""Gives up after generating this many times the requested number of images."""
CHUNK = 64
"""Images that are in memory at once."""


@dataclass(frozen=True, kw_only=True)
class GenerationPlan:
    """The options of `ganzoo generate`."""

    run: str | Path
    out: Path
    per_class: int
    seed: int = 0
    data: str | None = None
    with_real: bool = False
    classifier: str | Path | None = None
    confidence: float = 0.9
    use: Mapping[str, str] = field(default_factory=dict)
    device: str = "auto"


def generate(plan: GenerationPlan) -> str:
    """Writes `per_class` images of each class into a folder of classes, complete or not at all.

    Its manifest.json names the weights, and for each image the seed and the index that draw it
    again. Returns a line for the user. Raises Unsupported if the model is not class-conditional,
    DataError if the classes differ or the classifier accepts too few images.
    """
    model, config = load_with_config(plan.run, device=plan.device)
    if not model.hp.classes or type(model).generate is Model.generate:
        raise Unsupported(
            f"{model.display_name} cannot be asked for a class:"
            " take a conditional model, such as cdcgan"
        )
    settings = model.parsed_use(plan.use)
    source = open_source(plan.data) if plan.data else None
    _check_classes(plan, model.class_names, source)
    classifier = filter_facts = None
    if plan.classifier:
        classifier, its_config = load_with_config(plan.classifier, device=plan.device)
        _check_classifier(plan, model, classifier)
        filter_facts = {**_identity(its_config), "confidence": plan.confidence}
    rows = []
    real = 0
    with new_folder(plan.out, must_be_free=True) as folder:
        for number in range(model.hp.classes):
            rows += _write_class(folder, plan, model, number, classifier, settings)
        if source and plan.with_real:
            real = _copy_real(source, folder)
        manifest = {
            "made_by": f"ganzoo {ganzoo.__version__}",
            "model": _identity(config),
            "use": settings,
            "classifier": filter_facts,
            "real": {
                "source": plan.data,
                "licence": source and source.licence,
                "images": real,
            },
            "images": rows,
        }
        text = json.dumps(manifest, indent=2) + "\n"
        (folder / "manifest.json").write_text(text, "utf-8")
    return (
        f"{plan.out}: {len(rows):,} generated and {real:,} real images"
        f" of {model.hp.classes} classes, and manifest.json"
    )


def _check_classes(
    plan: GenerationPlan,
    classes: Sequence[str],
    source: Source | None,
) -> None:
    check_folder_names(classes, str(plan.run))
    data_classes = source.info.classes if source else ()
    if plan.with_real and not data_classes:
        raise UsageError("--with-real adds the images of --data SOURCE, which must have classes")
    different = sorted(set(data_classes).symmetric_difference(classes))
    if data_classes and different:
        raise DataError(
            f"{plan.run} and {plan.data} do not have the same classes:"
            f" {', '.join(different[:5])} is in one only"
        )


def _check_classifier(
    plan: GenerationPlan,
    model: Model,
    classifier: Model,
) -> None:
    if not classifier.classifies:
        raise Unsupported(
            f"--classifier {plan.classifier}: {classifier.display_name} is no classifier"
        )
    if set(classifier.class_names) != set(model.class_names):
        raise DataError(
            f"the classifier {plan.classifier} knows other classes:"
            f" {', '.join(classifier.class_names)}"
        )
    channels, expected = model.hp.channels, classifier.hp.channels
    # a grey image can be seen as a coloured one
    if channels and expected not in (None, channels) and (channels, expected) != (1, 3):
        raise DataError(
            f"{plan.run} generates images of channels={channels},"
            f" the classifier {plan.classifier} takes channels={expected}:"
            " choose another classifier"
        )


def _write_class(
    folder: Path,
    plan: GenerationPlan,
    model: Model,
    number: int,
    classifier: Model | None,
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Writes the images of a class. Returns their rows of the manifest.

    `model.sample(index + 1, seed, labels, **settings)[index]` draws an image again.
    """
    name = model.class_names[number]
    class_folder = folder_name(name)
    (folder / class_folder).mkdir()
    chunk = min(plan.per_class, CHUNK)
    rows: list[dict[str, Any]] = []
    for attempt in range(ROUNDS * math.ceil(plan.per_class / chunk)):
        seed = derive_seed("augment", plan.seed, number, attempt)
        labels = torch.full((chunk,), number)
        images = model.sample(chunk, seed=seed, labels=labels, **settings)
        if classifier:
            # grey images in colour, if the classifier needs that
            views = images.expand(-1, classifier.hp.channels or -1, -1, -1)
            column = classifier.class_names.index(name)
            scores = classifier.classify(views)[:, column].tolist()
        for index, image in enumerate(images):
            file = f"{class_folder}/generated-{len(rows):06}.png"
            row = {"file": file, "class": name, "seed": seed, "index": index}
            if classifier:
                if scores[index] < plan.confidence:
                    continue
                row["confidence"] = round(scores[index], 6)
            save_png(to_pil(image)[0], folder / file)
            rows.append(row)
            if len(rows) == plan.per_class:
                return rows
    raise DataError(
        f"the classifier is sure enough of {len(rows)} only, of"
        f" {ROUNDS * plan.per_class:,} images of the class {name!r}:"
        f" take a smaller --confidence than {plan.confidence}, or train for longer"
    )


def _copy_real(source: Source, folder: Path) -> int:
    """Copies the labelled images of the source, unchanged, and skips unreadable ones.

    Returns how many there are.
    """
    count = 0
    with ignore_pillow_warnings():
        for number, item in enumerate(source.items()):
            if item.label is None:
                continue
            path = folder / folder_name(item.label) / f"real-{number:06}"
            with suppress(BadImage):
                data, ending = file_of(item)
                path.with_suffix(ending).write_bytes(data)
                count += 1
    return count


def _identity(config: Config) -> dict[str, Any]:
    fields = ("model", "distribution", "version", "step", "sha256")
    return {field: getattr(config, field) for field in fields}
