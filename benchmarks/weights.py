"""Makes weights/ again: trains each model by its command, scores it, and lays it out for the Hub.

    python benchmarks/weights.py [NAME ...]

It writes everything in weights/ except __init__.py; the scores in config.json, on the card and in
the README are those that it measured. It takes about fifteen minutes on two cores.
"""

import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from scoring import DIGITS, PHOTOS, accuracy, classifier, labelled

import ganzoo
from ganzoo.hparams.fields import text_of
from ganzoo.state.card import write_card
from ganzoo.state.config import Config
from ganzoo.state.run import Run

WEIGHTS = Path(__file__).resolve().parents[1] / "weights/ganzoo_weights"
LICENCE = "cc-by-4.0"
"""The licence of the digits (Alpaydin & Kaynak), named on the card, and of the photographs."""
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
    entries = [entry for entry in ENTRIES if not sys.argv[1:] or entry.folder in sys.argv[1:]]
    for entry in entries:
        with tempfile.TemporaryDirectory() as temporary:
            run = Run(Path(temporary) / entry.folder)
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
    config = dataclasses.replace(
        Config.read(run.config),
        metrics={**scores, "images": images, "measured on": protocol},
        licence=LICENCE,
    )
    run.config.write_text(config.to_json())
    write_card(run.folder, model)
    target = WEIGHTS / entry.folder
    target.mkdir(exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    for file in run.uploaded_files():
        (target / file.name).write_bytes(file.read_bytes())
    print(entry.folder, scores, protocol, flush=True)


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


ENTRIES = [
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
