"""Does `cdcgan-mini` draw the digit that it is asked for? A classifier of real digits decides.

    python benchmarks/conditional.py [--set steps=2000 ...] [--seeds 1] [--grid grid.png]

The classifier learns four fifths of `digits`. The table has its accuracy on the held-out fifth, and
the share of 1,000 samples, 100 of each digit, that it assigns to the requested label.
"""

import time

import torch
from machine import machine
from scoring import DIGITS, accuracy, arguments, classifier, labelled
from table import head, row

import ganzoo
from ganzoo.images import enlarged, grid, save_png


def main() -> None:
    options = arguments(__doc__)
    kind = ganzoo.models["cdcgan-mini"].load()
    images, labels = labelled("digits")
    held_out = torch.arange(len(images)) % 5 == 4
    print(machine(), flush=True)
    head(
        "seed",
        "classifier on held-out digits",
        "samples with the requested label",
        "rarest digit",
        "training, s",
    )
    for seed in range(options.seeds):
        network = classifier(images[~held_out], labels[~held_out], seed)
        settings = DIGITS | dict(map(kind.Hparams.parse, options.set))
        model = ganzoo.create("cdcgan-mini", **settings, classes=10, seed=seed)
        start = time.perf_counter()
        trainer = ganzoo.Trainer(model, "digits")
        for _ in trainer:
            pass
        seconds = time.perf_counter() - start
        requested = torch.arange(1000) % 10
        with trainer.averaged_model() as averaged:
            samples = averaged.sample(1000, seed=1, labels=requested)
        shares = []
        for digit in range(10):
            rows = requested == digit
            shares.append(accuracy(network, samples[rows], requested[rows]))
        own = accuracy(network, images[held_out], labels[held_out])
        mean = sum(shares) / 10
        row(seed, f"{own:.1f}", f"{mean:.1f}", f"{min(shares):.1f}", f"{seconds:.0f}")
        if options.grid:
            save_png(enlarged(grid(samples[:80], columns=10)), options.grid)


if __name__ == "__main__":
    main()
