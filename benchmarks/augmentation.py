"""Do a trained backbone and generated images help a classifier that has few labelled images?

    python benchmarks/augmentation.py [--seeds 5] [--set per_class=10]

The task: the digits 5 to 9 of `digits`, with `per_class` labelled images of each, scored on a fifth of those digits
that nothing here is trained on. Four ways, each over the same steps:

- from scratch;
- a backbone that was first trained on the other digits, 0 to 4, with a new head: frozen, and then unfrozen;
- from scratch, with as many images of `cdcgan-mini`, trained on the same few images, as `generated` says.

Each seed draws other images, other weights, another backbone and another generator.
"""

import statistics
import time

import torch
from machine import machine
from scoring import arguments, labelled
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
Part = tuple[Tensor, Tensor]


def main() -> None:
    chosen = arguments(__doc__)
    settings = {"per_class": 10, "generated": 50} | {
        key: int(value) for key, _, value in (text.partition("=") for text in chosen.set)
    }
    images, labels = labelled("digits", "cdcgan-mini")
    trained, kept = validation_indices(len(images), labels, 0.2, 0)
    source = _of(images, labels, trained, range(5))
    pool, test = _of(images, labels, trained, range(5, 10)), _of(images, labels, kept, range(5, 10))
    print(machine())
    print(
        f"\n{settings['per_class']} labelled images for each of 5 classes, {settings['generated']} generated ones; "
        f"accuracy on {len(test[0])} held-out images, per cent\n"
    )
    print(
        "| seed | scratch | backbone frozen | backbone unfrozen | scratch and generated | seconds |"
    )
    print("|---|---|---|---|---|---|", flush=True)
    rows = []
    for seed in range(chosen.seeds):
        start = time.perf_counter()
        few = _few(pool, settings["per_class"], seed)
        trunk = _classifier(source, seed, **FULL)
        rows.append(
            [
                _accuracy(_classifier(few, seed, **FULL), test),
                _accuracy(_classifier(few, seed, trunk, steps=200, unfreeze_at=(1.0,)), test),
                _accuracy(
                    _classifier(
                        few, seed, trunk, steps=200, unfreeze_at=(0.1, 0.2), backbone_lr=1e-3
                    ),
                    test,
                ),
                _accuracy(
                    _classifier(
                        few, seed, None, _generated(few, seed, settings["generated"]), **FULL
                    ),
                    test,
                ),
            ]
        )
        cells = " | ".join(f"{value:.1f}" for value in rows[-1])
        print(f"| {seed} | {cells} | {time.perf_counter() - start:.0f} |", flush=True)
    columns = list(zip(*rows, strict=True))
    print("| mean | " + " | ".join(f"{statistics.mean(column):.1f}" for column in columns) + " | |")
    if len(rows) > 1:
        print(
            "| standard deviation | "
            + " | ".join(f"{statistics.stdev(column):.1f}" for column in columns)
            + " | |"
        )


def _of(images: Tensor, labels: Tensor, indices: Tensor, classes: range) -> Part:
    """The images of these indices that are of these classes, which are numbered from 0."""
    chosen = indices[torch.isin(labels[indices], torch.tensor(list(classes)))]
    return images[chosen], labels[chosen] - classes.start


def _few(part: Part, per_class: int, seed: int) -> Part:
    order = torch.randperm(len(part[0]), generator=torch.Generator().manual_seed(seed))
    chosen = torch.cat([order[part[1][order] == label][:per_class] for label in range(5)])
    return part[0][chosen], part[1][chosen]


def _classifier(
    part: Part,
    seed: int,
    trunk: ganzoo.Model | None = None,
    more: Dataset[tuple[Tensor, Tensor]] | None = None,
    **settings: object,
) -> ganzoo.Model:
    model = ganzoo.create("finetune", **BACKBONE, **settings, classes=5, seed=seed)
    if trunk:
        model.get_submodule("classifier.backbone").load_state_dict(
            trunk.get_submodule("classifier.backbone").state_dict()
        )
    data: Dataset[tuple[Tensor, Tensor]] = TensorDataset(*part)
    _train(model, ConcatDataset([data, more]) if more else data)
    return model


def _generated(part: Part, seed: int, per_class: int) -> Dataset[tuple[Tensor, Tensor]]:
    model = ganzoo.create("cdcgan-mini", classes=5, steps=2000, batch_size=32, seed=seed)
    trainer = _train(model, TensorDataset(*part))
    asked = torch.arange(5 * per_class) % 5
    with trainer.averaged_model() as published:
        return TensorDataset(published.sample(len(asked), seed, asked), asked)


def _train(model: ganzoo.Model, data: Dataset[tuple[Tensor, Tensor]]) -> ganzoo.Trainer:
    trainer = ganzoo.Trainer(model, data, device="cpu")
    for _ in trainer:
        pass
    return trainer


def _accuracy(model: ganzoo.Model, part: Part) -> float:
    return (model.classify(part[0]).argmax(1) == part[1]).float().mean().item() * 100


if __name__ == "__main__":
    main()
