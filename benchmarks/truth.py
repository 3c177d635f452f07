"""Does unpaired translation find the truth? Blond to black and back, on drawn faces.

    python benchmarks/truth.py [--steps 4000] [--seeds 3] [--results FILE] [--grid truth.png]

The true other picture of a drawn person is known: the same person with the other hair. Each method
gets the CPU time that `cyclegan-mini` takes for `--steps`, for both directions together: what a
step costs is measured first, one method after the other, in three rounds. Then it translates 500
persons that it never saw. `cyclegan-mini` and `cut` learn from disjoint persons, blond ones and
black-haired ones; `pix2pix-mini` learns from pairs of the same persons, which is more than the
others know. Three need no training: the picture itself; the picture plus the difference of the two
domains' mean colours; and plus that of their mean pictures, pixel by pixel.

Columns, over persons and both directions: PSNR and SSIM against the truth (of 8 bits; Wang et al.
2004, a Gaussian window of 11 pixels); the mean distance to the truth, in levels of 255, of pixels
that must not change (source and truth agree: skin, background, eyes) and of those that must.

A run takes 6 to 20 minutes of one core; its scores are added to `--results` as they come, and a
second call does what is missing. Those that are stated in README.md are in results/, so that a call
without options goes on with them.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from machine import machine
from results import append, mean_and_range, read, stated
from safetensors.torch import load_file, save_file
from scoring import open_pictures
from table import head, row
from torch import Tensor
from torch.nn.functional import conv2d

import ganzoo
from ganzoo.images import enlarged, grid, save_png

SIZE = 32
PERSONS = 500
TRAINING = "faces:n=6000,hair=blond/black"
UNSEEN = "faces:first=1000000,n=600,hair=blond/black"
WARM_UP, ROUNDS = 20, 3
"""Steps that tell what one costs, and how often."""
NARROW: dict[str, Any] = {
    "image_size": SIZE,
    "load_size": None,
    "flip": False,
    "width": 16,
    "batch_size": 8,
    "lr": 5e-4,
}
CUT: dict[str, Any] = {
    **NARROW,
    "blocks": 2,
    "patch_layers": 2,
    "nce_layers": (0, 4, 7, 11),
    "nce_patches": 64,
    "nce_features": 64,
}
TRAINED: dict[str, tuple[str, dict[str, Any], int]] = {
    "cyclegan-mini": ("cyclegan-mini", {"image_size": SIZE}, 1),
    "cut": ("cut", CUT, 2),
    "pix2pix-mini": ("pix2pix-mini", {"image_size": SIZE}, 2),
}
"""Method -> model, its settings, and how many models both directions take."""
Translations = dict[str, Tensor]
"""For `a2b` and `b2a`, images `(PERSONS, 3, SIZE, SIZE)` in [-1, 1]."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=stated("truth"))
    parser.add_argument("--out", type=Path, default=Path("runs/truth"))
    parser.add_argument("--grid", type=Path)
    parser.add_argument("--only", choices=list(METHODS))
    options = parser.parse_args()
    print(machine(), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    results = options.results
    a, b = unseen(SIZE)
    shown = [a[:8], b[:8]]
    budgets = _budgets(results.with_suffix(".json"), options.steps)
    for name, method in METHODS.items():
        if options.only not in (None, name):
            continue
        steps = budgets.get(name, 0)
        for seed in range(options.seeds if steps else 1):
            file = options.out / f"{name}-{seed}.safetensors"
            if not any(_is(line, name, seed, steps) for line in read(results)):
                start = time.process_time()
                translations = method(a, b, seed, steps)
                record = {
                    "method": name,
                    "seed": seed,
                    "steps": steps,
                    "cpu_seconds": round(time.process_time() - start),
                    "machine": machine(),
                    "scores": scores(a, b, translations),
                }
                save_file({key: x.contiguous() for key, x in translations.items()}, file)
                append(results, record)
            if seed == 0 and file.exists():
                kept = load_file(file)
                shown += [kept["a2b"][:8], kept["b2a"][:8]]
    _table(read(results), budgets)
    if options.grid:
        save_png(enlarged(grid(torch.cat(shown))), options.grid)


def unseen(size: int) -> tuple[Tensor, Tensor]:
    """The persons whom nothing was trained on, with either hair."""
    pairs = open_pictures(UNSEEN, size, ganzoo.Pair)[:PERSONS]
    a, b = pairs.chunk(2, dim=1)
    return a, b


# The methods: pictures of both domains, a seed and steps -> translations


def identity(a: Tensor, b: Tensor, seed: int, steps: int) -> Translations:
    return {"a2b": a, "b2a": b}


def mean_colour(a: Tensor, b: Tensor, seed: int, steps: int) -> Translations:
    return _shifted(a, b, (0, 2, 3))


def mean_picture(a: Tensor, b: Tensor, seed: int, steps: int) -> Translations:
    return _shifted(a, b, (0,))


def _shifted(a: Tensor, b: Tensor, over: tuple[int, ...]) -> Translations:
    blond = open_pictures("faces:n=3000,hair=blond", SIZE).mean(over, keepdim=True)
    black = open_pictures("faces:first=3000,n=3000,hair=black", SIZE).mean(over, keepdim=True)
    shift = black - blond
    return {"a2b": (a + shift).clamp(-1, 1), "b2a": (b - shift).clamp(-1, 1)}


def cyclegan(a: Tensor, b: Tensor, seed: int, steps: int) -> Translations:
    model = trained("cyclegan-mini", steps, seed)
    return {"a2b": model.translate(a, "a2b"), "b2a": model.translate(b, "b2a")}


def cut(a: Tensor, b: Tensor, seed: int, steps: int) -> Translations:
    """One model each way; the domains change places for the way back."""
    reverse = TRAINING.replace("blond/black", "black/blond")
    there = trained("cut", steps, seed)
    back = trained("cut", steps, seed, data=reverse)
    return {"a2b": there.translate(a, "a2b"), "b2a": back.translate(b, "a2b")}


def pix2pix(a: Tensor, b: Tensor, seed: int, steps: int) -> Translations:
    result = {}
    for direction, images in (("a2b", a), ("b2a", b)):
        model = trained("pix2pix-mini", steps, seed, direction=direction)
        result[direction] = model.translate(images, direction)
    return result


METHODS: dict[str, Callable[[Tensor, Tensor, int, int], Translations]] = {
    "identity": identity,
    "mean colour": mean_colour,
    "mean picture": mean_picture,
    "cyclegan-mini": cyclegan,
    "cut": cut,
    "pix2pix-mini": pix2pix,
}


def trained(
    method: str, steps: int, seed: int, data: str = TRAINING, **settings: Any
) -> ganzoo.Model:
    """A model after so many steps, its schedule included."""
    name, own, _ = TRAINED[method]
    model = ganzoo.create(name, **own, **settings, seed=seed, steps=steps)
    trainer = ganzoo.Trainer(model, data, device="cpu")
    for step in trainer:
        if step.number % 250 == 0:
            print(f"{name} seed {seed}: step {step.number} of {steps}", step.read(), flush=True)
    with trainer.averaged_model() as averaged:
        return averaged


def _budgets(path: Path, steps: int) -> dict[str, int]:
    """Method -> the steps of each of its models in the CPU time of so many of `cyclegan-mini`."""
    if not path.exists():
        path.write_text(json.dumps(_costs()))
    costs = json.loads(path.read_text())
    seconds = steps * costs["cyclegan-mini"]
    print(f"{seconds / 60:.1f} minutes of CPU time for each run, by costs of a step {costs}")
    return {name: int(seconds / costs[name] / count) for name, (_, _, count) in TRAINED.items()}


def _costs() -> dict[str, float]:
    """The CPU seconds of a step of each method: the least of several rounds."""
    costs: dict[str, float] = {}
    for _ in range(ROUNDS):
        for method, (name, own, _) in TRAINED.items():
            model = ganzoo.create(name, **own, steps=WARM_UP)
            trainer = ganzoo.Trainer(model, TRAINING, device="cpu")
            next(trainer)
            start = time.process_time()
            for _ in trainer:
                pass
            cost = (time.process_time() - start) / (WARM_UP - 1)
            costs[method] = min(cost, costs.get(method, cost))
    return costs


# Scores


def scores(a: Tensor, b: Tensor, translations: Translations) -> dict[str, float]:
    """Means over persons, by direction and score."""
    result = {}
    for direction, source, truth in (("a2b", a, b), ("b2a", b, a)):
        ours, source, truth = map(levels, (translations[direction], source, truth))
        must_stay = (source == truth).all(dim=1, keepdim=True).expand_as(truth)
        error = (ours - truth).abs()
        squared = (ours - truth).square().mean((1, 2, 3)).clamp_min(1e-3)
        values = {
            "psnr": (10 * (255**2 / squared).log10()).mean(),
            "ssim": ssim(ours, truth),
            "stays": error[must_stay].mean(),
            "changes": error[~must_stay].mean(),
        }
        for name, value in values.items():
            result[f"{direction} {name}"] = float(value)
    return result


def levels(images: Tensor) -> Tensor:
    """[-1, 1] -> whole levels from 0 to 255, in float64."""
    return ((images.double() + 1) * 127.5).round().clamp(0, 255)


def ssim(one: Tensor, other: Tensor) -> float:
    """Structural similarity of levels of 255 (Wang et al. 2004, equation 13), mean of channels."""
    at = torch.arange(11, dtype=one.dtype) - 5
    weights = torch.exp(-(at**2) / (2 * 1.5**2))
    window = torch.outer(weights, weights)
    window = (window / window.sum())[None, None]

    def mean(x: Tensor) -> Tensor:
        return conv2d(x.flatten(0, 1)[:, None], window)

    m1, m2 = mean(one), mean(other)
    v1, v2 = mean(one * one) - m1**2, mean(other * other) - m2**2
    covariance = mean(one * other) - m1 * m2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * m1 * m2 + c1) / (m1**2 + m2**2 + c1)
    structure = (2 * covariance + c2) / (v1 + v2 + c2)
    return float((luminance * structure).mean())


# What is kept between calls


def _is(line: dict[str, Any], name: str, seed: int, steps: int) -> bool:
    return (line["method"], line["seed"], line["steps"]) == (name, seed, steps)


def _table(records: list[dict[str, Any]], budgets: dict[str, int]) -> None:
    titles = ["PSNR, dB", "SSIM", "must not change", "must change"]
    head("blond to black", *titles, "black to blond", *titles, "steps")
    for name in METHODS:
        steps = budgets.get(name, 0)
        of_it = [r for r in records if (r["method"], r["steps"]) == (name, steps)]
        if not of_it:
            continue
        cells = []
        for direction in ("a2b", "b2a"):
            for score in ("psnr", "ssim", "stays", "changes"):
                values = [record["scores"][f"{direction} {score}"] for record in of_it]
                cells.append(mean_and_range(values, 3 if score == "ssim" else 1))
        row(name, *cells[:4], "", *cells[4:], steps)


if __name__ == "__main__":
    main()
