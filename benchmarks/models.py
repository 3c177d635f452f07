"""What each adversarial model learns of the digits in a short training.

The score is the Frechet distance between 600 images that the model draws and 600 digits, at the 8x8 pixels at which
the digits were kept: |m1 - m2|^2 + |A|^2 + |B|^2 - 2 nuclear_norm(A B^T), A and B centred and over sqrt(n - 1).
"""

import argparse
import statistics
import time
from typing import Any

from machine import machine
from scoring import frechet_distance, pixels

import ganzoo
from ganzoo.data.open import open_data

SMALL = {"image_size": 16, "channels": 1, "width": 16, "latent_dim": 16, "batch_size": 32}
MINI = {"image_size": 32, "channels": 1, "width": 16, "latent_dim": 6, "lr": 5e-4, "ema": 0.98}
MODELS: list[tuple[str, str, dict[str, Any]]] = [
    ("dcgan", "250 steps, 32x32", {**MINI, "translation": 1 / 16, "steps": 250}),
    ("lsgan", "250 steps, 32x32", {**MINI, "translation": 1 / 16, "steps": 250}),
    ("wgan-gp", "150 steps, 16x16", {**SMALL, "lr": 1e-3, "steps": 150}),
    ("sngan", "200 steps, 16x16", {**SMALL, "lr": 1e-3, "steps": 200}),
    ("r3gan", "200 steps, 16x16", {**SMALL, "lr": 5e-3, "gamma": 10.0, "ema": 0.98, "steps": 200}),
]


def measured(name: str, settings: dict[str, Any], seed: int) -> tuple[float, float, float]:
    """The score untrained, the score trained, and the seconds that training took."""
    model = ganzoo.create(name, **settings, seed=seed)
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    real = pixels(open_data("digits", model.hp).parts[0].images[:600] / 127.5 - 1)
    before = frechet_distance(real, pixels(model.sample(600)))
    start = time.perf_counter()
    for _ in trainer:
        pass
    seconds = time.perf_counter() - start
    with trainer.averaged_model():
        return before, frechet_distance(real, pixels(model.sample(600))), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(machine())
    digits = pixels(
        open_data("digits", ganzoo.create("dcgan", **MINI).hp).parts[0].images[:1200] / 127.5 - 1
    )
    print(f"\n600 digits against 600 others: {frechet_distance(digits[:600], digits[600:]):.2f}\n")
    print(
        f"| model | settings | untrained | trained, {options.seeds} seeds | seconds |\n|---|---|---|---|---|"
    )
    for name, what, settings in MODELS:
        found = [measured(name, settings, seed) for seed in range(options.seeds)]
        before, after, seconds = (list(column) for column in zip(*found, strict=True))
        scores = f"{statistics.mean(after):.2f} ({min(after):.2f} to {max(after):.2f})"
        print(
            f"| `{name}` | {what} | {statistics.mean(before):.1f} | {scores} | {statistics.mean(seconds):.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
