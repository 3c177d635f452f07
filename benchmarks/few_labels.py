"""Few labelled faces: do a pretrained backbone and generated faces help a classifier?

    python benchmarks/few_labels.py [--seeds 5] [--counts 20 50 100 500] [--results FILE]

The task: whether the hair of a drawn face is long, and whether it wears glasses, which half of them
do: two attributes, learned as four classes. Each score is the share of 2,000 other persons whose
attribute is right; 50 per cent is chance. Four ways from the same labelled faces, each over the
same steps of `finetune` with EfficientNet-Lite0 at 64x64:

- from nothing: all of it learns from random weights;
- from Lite0: ImageNet weights of the extra `ganzoo[lite0]`; first the head learns, then all of it;
- with generated faces: from nothing, on the labelled faces and on as many faces of a `cdcgan`
  again, at least 500, so that half of what it sees is generated;
- both: from Lite0, with generated faces.

The `cdcgan` is trained on these labelled faces alone, with DiffAugment. Each seed has labelled
faces, weights and a generator of its own. Scores are added to `--results` as they come (a seed
takes ten minutes to half an hour on one core), and a second call does what is missing; those that
are stated in README.md are in results/, so that a call without options goes on with them.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from machine import machine
from results import append, mean_and_range, read, stated
from table import head, row
from torch import Tensor
from torch.utils.data import TensorDataset

import ganzoo
from ganzoo.data.source import open_source
from ganzoo.images import enlarged, grid, save_png

SIZE = 64
TEST = "faces:first=1000000,n=2000,glasses=no/yes"
GENERATED = 500
CLASSES = ("short", "short, glasses", "long", "long, glasses")
CLASSIFIER: dict[str, Any] = {
    "backbone": "tf_efficientnet_lite0",
    "image_size": SIZE,
    "channels": 3,
    "classes": 4,
    "validation": 0.0,
    "batch_size": 16,
    "steps": 200,
    "backbone_lr": 1e-3,
}
NOTHING: dict[str, Any] = {"pretrained": False, "unfreeze_at": (0.0,)}
LITE0: dict[str, Any] = {"pretrained": True, "unfreeze_at": (0.2, 0.3)}
GENERATOR: dict[str, Any] = {
    "image_size": SIZE,
    "channels": 3,
    "classes": 4,
    "width": 24,
    "latent_dim": 32,
    "batch_size": 16,
    "steps": 1000,
    "lr": 5e-4,
    "ema": 0.998,
    "colour": 0.0,  # colours of hair and skin are what differs
    "translation": 0.125,
    "cutout": 0.5,
}
WAYS = {
    "from nothing": (NOTHING, False),
    "from Lite0": (LITE0, False),
    "with generated faces": (NOTHING, True),
    "both": (LITE0, True),
}
Part = tuple[Tensor, Tensor]
"""Images in [-1, 1], and the numbers of their classes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--counts", type=int, nargs="+", default=[20, 50, 100, 500])
    parser.add_argument("--results", type=Path, default=stated("few_labels"))
    parser.add_argument("--out", type=Path, default=Path("runs/few-labels"))
    options = parser.parse_args()
    print(machine(), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    results = options.results
    test = faces(TEST)
    for seed in range(options.seeds):
        for count in options.counts:
            if any((r["seed"], r["count"]) == (seed, count) for r in read(results)):
                continue
            start = time.process_time()
            part = faces(f"faces:first={seed * 1000},n={count},glasses=no/yes")
            more, samples = generated(part, seed)
            save_png(enlarged(grid(samples)), options.out / f"generated-{count}-{seed}.png")
            scores = {}
            for name, (settings, augments) in WAYS.items():
                training = joined(part, more) if augments else part
                scores[name] = accuracies(training, settings, seed, test)
                print(seed, count, name, scores[name], flush=True)
            seconds = round(time.process_time() - start)
            record = {
                "seed": seed,
                "count": count,
                "cpu_seconds": seconds,
                "machine": machine(),
                "scores": scores,
            }
            append(results, record)
    _table(read(results), options.counts)


def faces(source: str) -> Part:
    """The faces of a source, and the number of the class in CLASSES."""
    images, labels = [], []
    for item in open_source(source).at_size(SIZE).items():  # type: ignore[attr-defined]
        images.append(ganzoo.from_pil(item.read()))
        is_long = item.attributes["length"] == "long"
        labels.append(2 * is_long + (item.attributes["glasses"] == "yes"))
    return torch.stack(images), torch.tensor(labels)


def generated(part: Part, seed: int) -> tuple[Part, Tensor]:
    """Faces of a `cdcgan` that learned from these alone, as many of each class; and some to see."""
    images, labels = part
    model = ganzoo.create("cdcgan", **GENERATOR, seed=seed)
    trainer = ganzoo.Trainer(model, (images, labels), device="cpu")
    for _ in trainer:
        pass
    count = max(GENERATED, len(images))
    requested = torch.arange(count) % len(CLASSES)
    with trainer.averaged_model() as averaged:
        samples = averaged.sample(count, seed=1, labels=requested)
    return (samples, requested), samples[:64]


def joined(real: Part, more: Part) -> Part:
    """Real faces repeated until they are as many as the generated ones, and these."""
    count = len(more[1])
    rows = torch.arange(count) % len(real[1])
    return torch.cat([real[0][rows], more[0]]), torch.cat([real[1][rows], more[1]])


def accuracies(part: Part, settings: dict[str, Any], seed: int, test: Part) -> dict[str, float]:
    """The share of test persons whose length and glasses are right, in per cent."""
    model = ganzoo.create("finetune", **CLASSIFIER | settings, seed=seed)
    trainer = ganzoo.Trainer(model, TensorDataset(*part), device="cpu")
    for _ in trainer:
        pass
    images, labels = test
    guesses = []
    with trainer.averaged_model() as averaged:
        for batch in images.split(250):
            guesses.append(averaged.classify(batch).argmax(1))
    guess = torch.cat(guesses)
    length, glasses = guess // 2 == labels // 2, guess % 2 == labels % 2
    return {
        "length": round(100 * length.float().mean().item(), 2),
        "glasses": round(100 * glasses.float().mean().item(), 2),
    }


def _table(records: list[dict[str, Any]], counts: list[int]) -> None:
    for attribute in ("length", "glasses"):
        head(f"{attribute}, per cent right", *(f"{count} labelled" for count in counts))
        for way in WAYS:
            cells = []
            for count in counts:
                of_it = [r["scores"][way][attribute] for r in records if r["count"] == count]
                cells.append(mean_and_range(of_it, 1))
            row(way, *cells)


if __name__ == "__main__":
    main()
