"""Generated images as a labelled folder, to be added to a training set."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import ganzoo
from ganzoo.data.picture import decoded, ignore_pillow_warnings
from ganzoo.data.source import Source, open_source
from ganzoo.errors import BadImage, DataError, Unsupported, UsageError
from ganzoo.files import new_folder
from ganzoo.images import save_png, to_pil
from ganzoo.model.contract import Model
from ganzoo.seeds import derive_seed
from ganzoo.state.config import Config
from ganzoo.zoo import load_with_config

ROUNDS = 20
"""How often as many images as are wanted are drawn, before a filter is found to be too strict."""
CHUNK = 64
"""Images that are in memory at once."""


@dataclass(frozen=True, kw_only=True)
class GenerationPlan:
    """What `ganzoo augment` was asked for."""

    run: Path
    out: Path
    per_class: int
    seed: int = 0
    data: str | None = None
    with_real: bool = False
    classifier: Path | None = None
    confidence: float = 0.9
    device: str = "auto"


def generate(asked: GenerationPlan) -> Iterator[str]:
    """Writes so many generated images of each class into a folder of classes, complete or not at all.

    manifest.json there names the weights, and for each image the seed and the index that draw it again. Yields what it
    did. Raises Unsupported for a model that cannot be asked for a class, DataError when the classes are not the data's
    or a classifier is sure of too few images.
    """
    model, config = load_with_config(asked.run, device=asked.device)
    classes = classes_of(model)
    judge = load_with_config(asked.classifier, device=asked.device) if asked.classifier else None
    source = open_source(asked.data) if asked.data else None
    _check(asked, model, judge, source)
    rows: list[dict[str, Any]] = []
    with new_folder(asked.out, must_be_free=True) as folder:
        for number, name in enumerate(classes):
            (folder / folder_name(name)).mkdir()
            for i, (row, image) in enumerate(_drawn(asked, model, number, judge and judge[0])):
                path = PurePath(folder_name(name), f"generated-{i:06}.png")
                save_png(to_pil(image)[0], folder / path)
                rows.append({"file": path.as_posix(), "class": name, **row})
        real = _add_real(source, folder) if source and asked.with_real else 0
        manifest = {
            "made_by": f"ganzoo {ganzoo.__version__}",
            "model": _identity(config),
            "classifier": {**_identity(judge[1]), "confidence": asked.confidence}
            if judge
            else None,
            "real": {
                "source": asked.data,
                "licence": source.licence if source else None,
                "images": real,
            },
            "images": rows,
        }
        (folder / "manifest.json").write_text(
            json.dumps(manifest, indent=2) + "\n", encoding="utf-8"
        )
    added = f" and {real:,} real ones" if real else ""
    yield f"{asked.out}: {len(rows):,} generated images{added} of {len(classes)} classes, and manifest.json"


def classes_of(model: Model) -> Sequence[str]:
    """The names of what can be asked for, numbers where there are none."""
    count = getattr(model.hp, "classes", None)
    if not count or type(model).generate is Model.generate:
        raise Unsupported(
            f"{model.display_name} cannot be asked for a class: take a conditional model, such as cdcgan"
        )
    return model.class_names


def folder_name(name: str) -> str:
    """The class's folder: its name, without what would make a path of it."""
    plain = "".join(
        "_" if character in '/\\:*?"<>|' or ord(character) < 32 else character for character in name
    )
    return f"_{plain.lstrip('.')}" if plain.startswith(".") or not plain else plain


def _check(
    asked: GenerationPlan, model: Model, judge: tuple[Model, Config] | None, source: Source | None
) -> None:
    classes = classes_of(model)
    names = [folder_name(name) for name in classes]
    if len({name.casefold() for name in [*names, "manifest.json"]}) <= len(names):
        raise DataError(
            f"the classes of {asked.run} cannot all be names of folders: {', '.join(classes)}"
        )
    if source and source.info.classes and set(source.info.classes) != set(classes):
        odd = sorted(set(source.info.classes) ^ set(classes))
        raise DataError(
            f"{asked.run} and {asked.data} have not the same classes: {', '.join(odd[:5])} is in one only"
        )
    if asked.with_real and not (source and source.info.classes):
        raise UsageError("--with-real adds the images of --data SOURCE, which must have classes")
    if judge and not judge[0].classifies:
        raise Unsupported(
            f"--classifier {asked.classifier}: {judge[0].display_name} is no classifier"
        )
    if judge and set(judge[0].classes) != set(classes):
        raise DataError(
            f"the classifier {asked.classifier} knows other classes: {', '.join(judge[0].classes)}"
        )


def _drawn(
    asked: GenerationPlan, model: Model, number: int, judge: Model | None
) -> Iterator[tuple[dict[str, Any], Tensor]]:
    """Images of a class, and what draws each again: `model.sample(index + 1, seed, labels)[index]`."""
    count, classes = asked.per_class, classes_of(model)
    chunk = min(count, CHUNK)
    for round_ in range(ROUNDS * math.ceil(count / chunk)):
        seed = derive_seed("augment", asked.seed, number, round_)
        images = model.sample(chunk, seed, torch.full((chunk,), number))
        scores = (
            judge.classify(_in_channels(images, judge))[:, judge.classes.index(classes[number])]
            if judge
            else None
        )
        for index, image in enumerate(images):
            if scores is not None and scores[index] < asked.confidence:
                continue
            sure = {} if scores is None else {"confidence": round(float(scores[index]), 6)}
            yield {"seed": seed, "index": index, **sure}, image
            count -= 1
            if not count:
                return
    raise DataError(
        f"of {ROUNDS * asked.per_class:,} images of the class {classes[number]!r} the classifier is sure enough of "
        f"{asked.per_class - count} only: take a smaller --confidence than {asked.confidence}, or train for longer"
    )


def _in_channels(images: Tensor, judge: Model) -> Tensor:
    wanted = getattr(judge.hp, "channels", images.shape[1])
    if images.shape[1] == 1 and wanted == 3:
        return images.expand(-1, 3, -1, -1)
    return images


def _add_real(source: Source, folder: Path) -> int:
    """The source's own images beside the generated ones, as they are; those that cannot be read are left out."""
    count = 0
    with ignore_pillow_warnings():
        for number, item in enumerate(source.items()):
            try:
                picture, _ = decoded(item)
                content = item.read()
            except BadImage:
                continue
            if item.label is None:
                continue
            stem = folder / folder_name(item.label) / f"real-{number:06}"
            if isinstance(content, Image.Image):
                save_png(picture, stem.with_suffix(".png"))
            else:
                stem.with_suffix(PurePath(item.name).suffix.lower()).write_bytes(content)
            count += 1
    return count


def _identity(config: Config) -> dict[str, Any]:
    names = ("model", "distribution", "version", "step", "sha256")
    return {name: getattr(config, name) for name in names}
