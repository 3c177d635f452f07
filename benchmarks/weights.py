"""Makes weights/ again: trains each model by its command, scores it, and lays it out for the Hub.

    python benchmarks/weights.py [FOLDER ...] [--runs runs/weights]

It writes everything in weights/ except __init__.py; the scores in config.json, on the card and in
the README are those that it measured. A run that was stopped goes on, and a finished one is only
scored. `dcgan-faces` takes about an hour on one core, all others together half an hour on two.
"""

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
import truth
from scoring import (
    DIGITS,
    PHOTOS,
    accuracy,
    classifier,
    frechet_distance,
    labelled,
    open_pictures,
    pixels,
)

import ganzoo
from ganzoo.hparams.fields import text_of
from ganzoo.state.card import write_card
from ganzoo.state.config import Config
from ganzoo.state.run import Run

WEIGHTS = Path(__file__).resolve().parents[1] / "weights/ganzoo_weights"
LICENCE = "cc-by-4.0"
"""The licence of the faces (Lisa Wischofsky) and of the digits (Alpaydin & Kaynak), which the cards
name, and of the photographs."""
UNSEEN = "faces:first=1000000,n=2000"
Scores = tuple[dict[str, float], int, str]
"""Scores by name, the number of images, and the protocol in words."""


class Entry(NamedTuple):
    model: str
    name: str
    folder: str
    data: str
    settings: dict[str, Any]
    score: Callable[[ganzoo.Model], Scores]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", metavar="FOLDER")
    parser.add_argument("--runs", type=Path, default=Path("runs/weights"))
    options = parser.parse_args()
    for entry in ENTRIES:
        if options.folders and entry.folder not in options.folders:
            continue
        run = Run(options.runs / entry.folder)
        command = ["ganzoo", "train", entry.model, "--data", entry.data]
        for name, value in entry.settings.items():
            command += ["--set", f"{name}={text_of(value)}"]
        command += ["--device", "cpu", "--out", str(run)]
        subprocess.run([sys.executable, "-m", *command], check=True)
        _publish(entry, run)
    index = [_row(entry) for entry in ENTRIES if (WEIGHTS / entry.folder).is_dir()]
    (WEIGHTS / "weights.json").write_text(json.dumps({"weights": index}, indent=2) + "\n")


def _row(entry: Entry) -> dict[str, str | None]:
    """What weights.json has of these weights."""
    return {
        "model": entry.model,
        "name": entry.name,
        "licence": LICENCE,
        "sha256": Config.read(Run(WEIGHTS / entry.folder).config).sha256,
        "folder": entry.folder,
    }


def _publish(entry: Entry, run: Run) -> None:
    """Scores a run and copies its public part to weights/."""
    model = ganzoo.load(run.folder)
    scores, images, protocol = entry.score(model)
    target = WEIGHTS / entry.folder
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for file in run.uploaded_files():
        if file != run.film:  # films would make the package a third larger
            (target / file.name).write_bytes(file.read_bytes())
    config = dataclasses.replace(
        Config.read(run.config),
        metrics={**scores, "images": images, "measured on": protocol},
        licence=LICENCE,
    )
    (target / run.config.name).write_text(config.to_json())
    write_card(target, model)
    size = sum(file.stat().st_size for file in target.iterdir())
    print(f"{entry.folder}: {size:,} bytes, trained in {_minutes(run):.0f} minutes", flush=True)
    print(scores, protocol, flush=True)


def _minutes(run: Run) -> float:
    """How long the steps took, by the rates in the journal."""
    seconds, before = 0.0, 0
    for line in run.metrics:
        if line["kind"] == "report":
            seconds += (line["step"] - before) / line["steps_per_second"]
            before = line["step"]
    return seconds / 60


def _faces(model: ganzoo.Model) -> Scores:
    real = pixels(open_pictures(UNSEEN, 64))
    ours = pixels(model.sample(len(real), seed=1))
    other = pixels(open_pictures(UNSEEN.replace("first=1", "first=2"), 64))
    scores = {
        "frechet_distance_of_8x8_pixels": frechet_distance(ours, real),
        "the_same_of_other_real_faces": frechet_distance(other, real),
    }
    return scores, len(real), f"samples of seed 1 and {UNSEEN}, at 8x8 pixels"


def _hair_asked_for(model: ganzoo.Model) -> Scores:
    images, labels = labelled("faces:first=100000,n=6000,label=hair", 64)
    network = classifier(images, labels, 0, epochs=8)
    held_out = labelled("faces:first=200000,n=2000,label=hair", 64)
    own = accuracy(network, *held_out)
    requested = torch.arange(1100) % 11
    samples = model.sample(len(requested), seed=1, labels=requested)
    scores = {"taken_for_the_hair_asked_for": accuracy(network, samples, requested) / 100}
    words = f"by a classifier that is right about {own:.1f} per cent of real faces"
    return scores, len(requested), f"samples of seed 1, 100 of each colour, {words}"


def _hair(model: ganzoo.Model) -> Scores:
    a, b = truth.unseen(model.hp.image_size)
    translations = {"a2b": model.translate(a, "a2b"), "b2a": model.translate(b, "b2a")}
    values = truth.scores(a, b, translations)
    scores = {}
    for direction in ("a2b", "b2a"):
        scores[f"psnr_{direction}"] = values[f"{direction} psnr"]
    protocol = f"{truth.UNSEEN}, against the same persons with the other hair; decibels of 8 bits"
    return scores, len(a), protocol


def _digit_classifier() -> tuple[torch.nn.Module, str]:
    """A classifier of four fifths of the digits, and its accuracy on the others, in words."""
    images, labels = labelled("digits")
    held_out = torch.arange(len(images)) % 5 == 4
    network = classifier(images[~held_out], labels[~held_out], 0)
    own = accuracy(network, images[held_out], labels[held_out])
    return network, f"by a classifier that is right about {own:.1f} per cent of held-out digits"


def _unconditional(model: ganzoo.Model) -> Scores:
    network, protocol = _digit_classifier()
    images = model.sample(1797, seed=1)
    with torch.no_grad():
        confidence, digit = network(images).softmax(1).max(1)
    shares = torch.bincount(digit, minlength=10) / len(images)
    scores = {
        "taken_for_a_digit_with_90_per_cent": (confidence > 0.9).float().mean().item(),
        "share_of_the_rarest_digit": shares.min().item(),
    }
    return scores, len(images), f"samples of seed 1, {protocol}"


def _conditional(model: ganzoo.Model) -> Scores:
    network, protocol = _digit_classifier()
    requested = torch.arange(1000) % 10
    samples = model.sample(1000, seed=1, labels=requested)
    scores = {"taken_for_the_label_asked_for": accuracy(network, samples, requested) / 100}
    return scores, 1000, f"samples of seed 1, {protocol}"


def _translated(model: ganzoo.Model) -> Scores:
    network = classifier(*labelled("digits-photo:a"), 0)
    images, labels = labelled("digits-photo:b-test")
    before = accuracy(network, images, labels)
    after = accuracy(network, model.translate(images, "b2a"), labels)
    scores = {"accuracy_after_b2a": after / 100, "accuracy_before": before / 100}
    protocol = "the held-out part of domain B, by a classifier that learned domain A only"
    return scores, len(images), protocol


FACES: dict[str, Any] = {
    "width": 32,
    "latent_dim": 64,
    "batch_size": 32,
    "translation": 0.125,
    "ema": 0.999,
    "lr": 2e-4,
    "steps": 16_000,
}
ENTRIES = [  # the first of a model is its default
    Entry(
        model="dcgan",
        name="faces",
        folder="dcgan-faces",
        data="faces:n=20000",
        settings=FACES,
        score=_faces,
    ),
    Entry(
        model="dcgan-mini",
        name="faces",
        folder="dcgan-mini-faces",
        data="faces",
        settings={},
        score=_faces,
    ),
    Entry(
        model="cdcgan-mini",
        name="hair",
        folder="cdcgan-mini-hair",
        data="faces:label=hair",
        settings={},
        score=_hair_asked_for,
    ),
    Entry(
        model="cyclegan-mini",
        name="hair",
        folder="cyclegan-mini-hair",
        data="faces:hair=blond/black",
        settings={},
        score=_hair,
    ),
    Entry(
        model="dcgan-mini",
        name="digits",
        folder="dcgan-mini-digits",
        data="digits",
        settings=DIGITS,
        score=_unconditional,
    ),
    Entry(
        model="cdcgan-mini",
        name="digits",
        folder="cdcgan-digits",
        data="digits",
        settings=DIGITS,
        score=_conditional,
    ),
    Entry(
        model="cyclegan-mini",
        name="digits-photo",
        folder="cyclegan-mini-digits-photo",
        data="digits-photo",
        settings=PHOTOS,
        score=_translated,
    ),
]

if __name__ == "__main__":
    main()
