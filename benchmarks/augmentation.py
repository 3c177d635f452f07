"""Do a trained backbone and generated images help a classifier that has few labelled images?

    python benchmarks/augmentation.py [--seeds 5] [--set per_class=10]

The task: the digits 5 to 9 of `digits`, with `per_class` labelled images of each. Scores are
measured on a fifth of those digits, which nothing here is trained on. Four ways, each over the same
steps:

- from scratch;
- with a backbone that was trained on the digits 0 to 4, and a new head: the backbone frozen;
- the same, with the backbone unfrozen later;
- from scratch, with `generated` more images of each class, drawn by a `cdcgan-mini` that was
  trained on the same few images.

Each seed has its own images, weights, backbone and generator.
"""

import statistics
import time
from collections.abc import Iterable

import torch
from machine import machine
from scoring import DIGITS, arguments, labelled
from table import head, row
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset, TensorDataset

import ganzoo
from ganzoo.data.split import validation_indices

BACKBONE = {
    "backbone": "test_resnet",
    "pretrained": False,
    "image_size": 32,
    "channels": 1,
    "validation": 0.0,
}
FULL = {"unfreeze_at": (0.0,), "backbone_lr": 1e-3, "steps": 200}
FROZEN = {"unfreeze_at": (1.0,), "steps": 200}
UNFROZEN = {"unfreeze_at": (0.1, 0.2), "backbone_lr": 1e-3, "steps": 200}
WAYS = ("scratch", "backbone frozen", "backbone unfrozen", "scratch and generated")
Part = tuple[Tensor, Tensor]
"""Images and their labels."""


def main() -> None:
    options = arguments(__doc__)
    settings = {"per_class": 10, "generated": 50}
    for assignment in options.set:
        name, _, value = assignment.partition("=")
        settings[name] = int(value)
    per_class, generated = settings["per_class"], settings["generated"]
    images, labels = labelled("digits")
    training, held_out = validation_indices(len(images), labels, 0.2, 0)
    source = _of(images, labels, training, range(5))
    pool = _of(images, labels, training, range(5, 10))
    test = _of(images, labels, held_out, range(5, 10))
    print(machine())
    print(
        f"\n{per_class} labelled images for each of 5 classes, {generated} generated ones; "
        f"accuracy on {len(test[0])} held-out images, per cent"
    )
    head("seed", *WAYS, "seconds")
    rows = []
    for seed in range(options.seeds):
        start = time.perf_counter()
        few = _few(pool, per_class, seed)
        scores = _scores(source, few, test, generated, seed)
        rows.append(scores)
        row(seed, *_cells(scores), f"{time.perf_counter() - start:.0f}")
    columns = list(zip(*rows, strict=True))
    row("mean", *_cells(map(statistics.mean, columns)), "")
    if len(rows) > 1:
        row("standard deviation", *_cells(map(statistics.stdev, columns)), "")


def _scores(source: Part, few: Part, test: Part, generated: int, seed: int) -> list[float]:
    """The accuracy of each of the four ways, in the order of WAYS."""
    trunk = _classifier(source, seed, **FULL)
    more = _generated(few, seed, generated)
    models = [
        _classifier(few, seed, **FULL),
        _classifier(few, seed, trunk, **FROZEN),
        _classifier(few, seed, trunk, **UNFROZEN),
        _classifier(few, seed, None, more, **FULL),
    ]
    return [_accuracy(model, test) for model in models]


def _cells(values: Iterable[float]) -> list[str]:
    return [f"{value:.1f}" for value in values]


def _of(images: Tensor, labels: Tensor, indices: Tensor, classes: range) -> Part:
    """The images of these indices and classes; classes are numbered from 0."""
    wanted = torch.isin(labels[indices], torch.tensor(list(classes)))
    chosen = indices[wanted]
    return images[chosen], labels[chosen] - classes.start


def _few(part: Part, per_class: int, seed: int) -> Part:
    """A random `per_class` images of each class."""
    images, labels = part
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    chosen = torch.cat([order[labels[order] == label][:per_class] for label in range(5)])
    return images[chosen], labels[chosen]


def _classifier(
    part: Part,
    seed: int,
    trunk: ganzoo.Model | None = None,
    more: Dataset[tuple[Tensor, Tensor]] | None = None,
    **settings: object,
) -> ganzoo.Model:
    """A classifier, trained on the part and `more`, on the backbone of `trunk` if there is one."""
    model = ganzoo.create("finetune", **BACKBONE, **settings, classes=5, seed=seed)
    if trunk:
        weights = trunk.get_submodule("classifier.backbone").state_dict()
        model.get_submodule("classifier.backbone").load_state_dict(weights)
    data: Dataset[tuple[Tensor, Tensor]] = TensorDataset(*part)
    _train(model, ConcatDataset([data, more]) if more else data)
    return model


def _generated(part: Part, seed: int, per_class: int) -> Dataset[tuple[Tensor, Tensor]]:
    """Images of a conditional generator that was trained on the part."""
    settings = DIGITS | {"batch_size": 32, "classes": 5}
    model = ganzoo.create("cdcgan-mini", **settings, seed=seed)
    trainer = _train(model, TensorDataset(*part))
    labels = torch.arange(5 * per_class) % 5
    with trainer.averaged_model() as averaged:
        return TensorDataset(averaged.sample(len(labels), seed, labels), labels)


def _train(model: ganzoo.Model, data: Dataset[tuple[Tensor, Tensor]]) -> ganzoo.Trainer:
    trainer = ganzoo.Trainer(model, data, device="cpu")
    for _ in trainer:
        pass
    return trainer


def _accuracy(model: ganzoo.Model, part: Part) -> float:
    """In per cent."""
    images, labels = part
    return (model.classify(images).argmax(1) == labels).float().mean().item() * 100


if __name__ == "__main__":
    main()
