"""How well each adversarial model draws digits after a short training.

The score is the Frechet distance between 600 samples of the model and 600 digits, at 8x8 pixels,
the size of the original digits (see `scoring.frechet_distance`).
"""

import argparse
import statistics
import time
from typing import Any

from machine import machine
from scoring import frechet_distance, pixels
from table import head, row
from torch import Tensor

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
    """The score before and after training, and the seconds that training took."""
    model = ganzoo.create(name, **settings, seed=seed)
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    real = digits(model, 600)
    before = frechet_distance(real, pixels(model.sample(600)))
    start = time.perf_counter()
    for _ in trainer:
        pass
    seconds = time.perf_counter() - start
    with trainer.averaged_model() as averaged:
        return before, frechet_distance(real, pixels(averaged.sample(600))), seconds


def digits(model: ganzoo.Model, count: int) -> Tensor:
    """The pixels of the first digits, prepared for the model."""
    images = open_data("digits", model.hp).parts[0].images[:count]
    return pixels(images / 127.5 - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(machine())
    real = digits(ganzoo.create("dcgan", **MINI), 1200)
    print(f"\n600 digits against 600 others: {frechet_distance(real[:600], real[600:]):.2f}")
    head("model", "settings", "untrained", f"trained, {options.seeds} seeds", "seconds")
    for name, summary, settings in MODELS:
        runs = [measured(name, settings, seed) for seed in range(options.seeds)]
        before, after, seconds = (list(column) for column in zip(*runs, strict=True))
        row(
            f"`{name}`",
            summary,
            f"{statistics.mean(before):.1f}",
            f"{statistics.mean(after):.2f} ({min(after):.2f} to {max(after):.2f})",
            f"{statistics.mean(seconds):.0f}",
        )


if __name__ == "__main__":
    main()
