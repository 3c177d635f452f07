"""Does unpaired translation keep the content of a picture? `cyclegan-mini` on `digits-photo`.

    python benchmarks/translation.py [--set steps=1000 ...] [--seeds 1] [--grid grid.png]

A classifier learns the labelled digits of domain A (digits on black) and nothing else. Its accuracy
on held-out digits of domain B (digits on photographs, `digits-photo:test`) is measured before and
after `translate(..., "b2a")`. CycleGAN sees no label and no pair.
"""

import time

import torch
from machine import machine
from scoring import PHOTOS, accuracy, arguments, classifier, labelled
from table import head, row

import ganzoo
from ganzoo.images import enlarged, grid, save_png


def main() -> None:
    options = arguments(__doc__)
    kind = ganzoo.models["cyclegan-mini"].load()
    print(machine(), flush=True)
    head(
        "seed",
        "classifier on held-out A",
        "on held-out B",
        "on B after b2a",
        "lift, points",
        "training, s",
    )
    a, a_labels = labelled("digits-photo:a-test")
    b, b_labels = labelled("digits-photo:b-test")
    for seed in range(options.seeds):
        network = classifier(*labelled("digits-photo:a"), seed)
        settings = PHOTOS | dict(map(kind.Hparams.parse, options.set))
        model = ganzoo.create("cyclegan-mini", **settings, seed=seed)
        start = time.perf_counter()
        for _ in ganzoo.Trainer(model, "digits-photo"):
            pass
        seconds = time.perf_counter() - start
        translated = model.translate(b, "b2a")
        before, after = accuracy(network, b, b_labels), accuracy(network, translated, b_labels)
        own = accuracy(network, a, a_labels)
        scores = (f"{own:.1f}", f"{before:.1f}", f"{after:.1f}", f"{after - before:+.1f}")
        row(seed, *scores, f"{seconds:.0f}")
        if options.grid:
            rows = [b[:8], translated[:8], a[:8], model.translate(a[:8], "a2b")]
            save_png(enlarged(grid(torch.cat(rows))), options.grid)


if __name__ == "__main__":
    main()
