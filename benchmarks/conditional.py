"""Does `cdcgan-mini` draw the digit that it is asked for? A classifier that learned real digits looks at 1,000 of them.

    python benchmarks/conditional.py [--set steps=2000 ...] [--seeds 1] [--grid grid.png]

The classifier learns four fifths of `digits`; its accuracy on the held-out fifth is given beside the share of samples
that it takes for the label that was asked for, 100 of each.
"""

import time

import torch
from machine import machine
from scoring import accuracy, arguments, classifier, labelled

import ganzoo
from ganzoo.images import enlarged, grid, save_png


def main() -> None:
    chosen = arguments(__doc__)
    kind = ganzoo.models["cdcgan-mini"].load()
    images, labels = labelled("digits", "cdcgan-mini")
    held = torch.arange(len(images)) % 5 == 4
    print(machine(), flush=True)
    print(
        "\n| seed | classifier on held-out digits | samples as asked for | rarest digit | training, s |"
    )
    print("|---|---|---|---|---|", flush=True)
    for seed in range(chosen.seeds):
        network = classifier(images[~held], labels[~held], seed)
        settings = dict(map(kind.Hparams.parse, chosen.set))
        model = ganzoo.create("cdcgan-mini", **settings, classes=10, seed=seed)
        start = time.perf_counter()
        trainer = ganzoo.Trainer(model, "digits")
        for _ in trainer:
            pass
        seconds = time.perf_counter() - start
        asked = torch.arange(1000) % 10
        with trainer.averaged_model() as published:
            drawn = published.sample(1000, seed=1, labels=asked)
        shares = [
            accuracy(network, drawn[asked == digit], asked[asked == digit]) for digit in range(10)
        ]
        own = accuracy(network, images[held], labels[held])
        print(
            f"| {seed} | {own:.1f} | {sum(shares) / 10:.1f} | {min(shares):.1f} | {seconds:.0f} |",
            flush=True,
        )
        if chosen.grid:
            save_png(enlarged(grid(drawn[:80], columns=10)), chosen.grid)


if __name__ == "__main__":
    main()
