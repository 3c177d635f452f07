"""What every registered model promises before it is trained. Each check fails with a line that says what to do."""

import random
from pathlib import Path

import numpy as np
import torch

from ganzoo.discovery.registry import models
from ganzoo.discovery.summaries import read_summaries
from ganzoo.model.construct import construct, on_meta
from ganzoo.model.inference import Inference
from ganzoo.state.card import paper
from ganzoo.testing.broken import broken
from ganzoo.testing.cases import ModelCase
from ganzoo.testing.compared import changed_since, difference, disturbed, settings_of_torch

TASKS = (
    "unconditional-image-generation", "text-to-image", "image-to-image", "image-classification", "image-segmentation",
    "image-feature-extraction", "image-to-video", "text-to-video", "image-to-3d", "text-to-3d", "depth-estimation",
    "object-detection", "mask-generation", "keypoint-detection", "text-to-audio", "text-to-speech", "audio-to-audio",
    "tabular-classification", "tabular-regression", "time-series-forecasting",
)  # fmt: skip
"""Pipeline tags of the Hub that a generative model may have."""


def is_listed_without_being_imported(case: ModelCase, folder: Path) -> None:
    """Its summary and its task can be read from its source."""
    found, kind = read_summaries([case.plugin.target])[case.plugin.target], case.kind
    if case.changed_by_import:
        broken(
            f"importing it changes {case.changed_by_import} for everybody: a module does nothing but define"
        )
    owners = {plugin.distribution for plugin in models.plugins() if plugin.name == case.plugin.name}
    if others := owners - {case.plugin.distribution}:
        broken(
            f"{min(others)} has a model of that name too, and neither can be used by it: choose another name"
        )
    if not found.summary:
        broken(
            f"{kind.__name__} has no docstring of its own: its first line is what `ganzoo list` shows"
        )
    if found.task != kind.task:
        broken(
            f"ganzoo list shows the task {found.task!r}, not {kind.task!r}: write task = {kind.task!r} in the class"
        )


def names_its_paper(case: ModelCase, folder: Path) -> None:
    """Its docstring, or that of a class that it varies, names a paper."""
    if not any(paper(ancestor.__doc__ or "") for ancestor in case.kind.__mro__):
        broken(
            f"the docstring of {case.kind.__name__} names no paper: add arXiv:1406.2661, or an address"
        )


def has_a_task_that_the_hub_knows(case: ModelCase, folder: Path) -> None:
    """`task` is a pipeline tag, and what it promises is there."""
    if case.kind.task not in TASKS:
        broken(
            f"task = {case.kind.task!r} is no pipeline tag of the Hub: {', '.join(TASKS[:4])}, ..."
        )
    model = case.model()
    if case.kind.task == "image-to-image" and not model.directions:
        broken('task = "image-to-image", but directions is empty: name them, directions = ("a2b",)')
    if case.kind.task == "image-classification" and not model.classifies:
        broken('task = "image-classification", but it has no logits(images)')
    draws = {type(model).generate, type(model).sample} != {Inference.generate, Inference.sample}
    if case.kind.task == "unconditional-image-generation" and not draws:
        broken(
            f"task = {case.kind.task!r}, but it has no latents(n, seed) and generate(latents, labels=None)"
        )


def is_created_from_its_defaults(case: ModelCase, folder: Path) -> None:
    """Its default hyperparameters are valid, JSON and back, and make networks."""
    hp = case.kind.Hparams()
    if hp.replaced(hp.to_json()) != hp:
        broken(
            "its hyperparameters are not the same after JSON: give each field a plain type (int, float, str, tuple)"
        )
    if not hp.unfilled():
        on_meta(case.kind, hp) or construct(case.kind, hp, plugin=None)


def has_first_weights_that_follow_from_the_seed(case: ModelCase, folder: Path) -> None:
    """Equal seeds give equal weights, other seeds others; torch's random state and its settings stay as they were."""
    state, settings = torch.get_rng_state(), settings_of_torch()
    others = random.getstate(), str(np.random.get_state())
    first, again, other = case.model(), disturbed(case.model), case.model(seed=case.hp.seed + 1)
    if changed := changed_since(settings):
        broken(
            f"making it changes {changed} for everybody: leave torch's settings to whoever runs it"
        )
    if not torch.equal(torch.get_rng_state(), state):
        broken("making it changes torch's random state: do not call torch.manual_seed")
    if name := difference(first.state_dict(), again.state_dict()):
        broken(
            f"two models of one seed differ in {name}: draw first weights with torch alone, not numpy or random"
        )
    if difference(first.state_dict(), other.state_dict()) is None and list(first.parameters()):
        broken("models of two seeds have the same weights: do not seed in __init__ or initialise()")
    if others != (random.getstate(), str(np.random.get_state())):
        broken(
            "making it changes the random state of Python or NumPy: do not seed them, and draw with torch"
        )
