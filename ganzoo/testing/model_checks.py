"""The checks of a model, in order. Each fails with one line that says what to do."""

from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from math import isfinite
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.views import Conditioned
from ganzoo.discovery.registry import models
from ganzoo.discovery.summaries import read_summary
from ganzoo.errors import HparamError, Unsupported
from ganzoo.hparams.size import sides
from ganzoo.model.construct import construct, on_meta
from ganzoo.model.contract import Model
from ganzoo.model.inference import Inference
from ganzoo.model.scores import Evaluation
from ganzoo.state.card import paper
from ganzoo.testing import loss_checks, use_checks
from ganzoo.testing.cases import CLASSES, ModelCase, broken, finished, plain_use
from ganzoo.testing.meta_device import fault_in_losses, fault_in_use
from ganzoo.testing.recording import (
    changed_since,
    described,
    difference,
    global_state,
    in_range,
    names_of,
    other_random_states,
)
from ganzoo.training.optimizers import lr_scale_of
from ganzoo.zoo import load

TASKS = (
    "unconditional-image-generation",
    "text-to-image",
    "image-to-image",
    "image-classification",
    "image-segmentation",
    "image-feature-extraction",
    "image-to-video",
    "text-to-video",
    "image-to-3d",
    "text-to-3d",
    "depth-estimation",
    "object-detection",
    "mask-generation",
    "keypoint-detection",
    "text-to-audio",
    "text-to-speech",
    "audio-to-audio",
    "tabular-classification",
    "tabular-regression",
    "time-series-forecasting",
)
"""Pipeline tags of the Hub that a generative model may have."""

# Before training


def is_listed_without_being_imported(case: ModelCase) -> None:
    """The summary and the task can be read from the source."""
    kind, plugin = case.kind, case.plugin
    if case.changed_by_import:
        broken(
            f"importing it changes {case.changed_by_import} for the whole process",
            "only define things in a module",
        )
    for other in models.plugins():
        if other.name == plugin.name and other.distribution != plugin.distribution:
            broken(
                f"{other.distribution} has a model of this name too",
                "choose another name",
            )
    summary = read_summary(plugin.target)
    if not summary.summary:
        broken(
            f"{kind.__name__} has no docstring of its own",
            "write one, `ganzoo list` shows its first line",
        )
    if summary.task != kind.task:
        broken(
            f"`ganzoo list` shows the task {summary.task!r}",
            f"write task = {kind.task!r} in the class",
        )


def names_its_paper(case: ModelCase) -> None:
    """The docstring, or that of a base class, names a paper."""
    for ancestor in case.kind.__mro__:
        if paper(ancestor.__doc__ or ""):
            return
    broken(
        f"the docstring of {case.kind.__name__} names no paper",
        "add arXiv:1406.2661, or a URL",
    )


def has_a_task_that_the_hub_knows(case: ModelCase) -> None:
    """`task` is a pipeline tag, and the methods for it exist."""
    task, model = case.kind.task, case.model()
    if task not in TASKS:
        examples = ", ".join(TASKS[:4])
        broken(
            f"task = {task!r} is no pipeline tag of the Hub",
            f"choose from {examples}, ...",
        )
    if task == "image-to-image" and not model.directions:
        broken(
            f"a model for {task} needs directions",
            'name them, directions = ("a2b",)',
        )
    if task == "image-classification" and not model.classifies:
        broken(f"a model for {task} needs logits", "add logits(images)")
    plain = case.kind.generate is Inference.generate and case.kind.sample is Inference.sample
    if case.draws_images and plain:
        broken(
            f"a model for {task} needs latents and generate",
            "add latents(n, seed) and generate(latents, labels=None)",
        )


def is_created_from_its_defaults(case: ModelCase) -> None:
    """The default hyperparameters are valid, survive JSON, and make networks."""
    hp = case.kind.Hparams()
    # "auto" is saved as the number that it means
    hp = hp.replaced({"load_size": hp.to_json()["load_size"]})
    if hp.replaced(hp.to_json()) != hp:
        broken(
            "the default hyperparameters change when they are saved as JSON",
            "use plain types (int, float, str, tuple)",
        )
    with suppress(HparamError):  # it waits for the data
        if on_meta(case.kind, hp) is None:
            construct(case.kind, hp, plugin=None)


def has_first_weights_that_follow_from_the_seed(case: ModelCase) -> None:
    """Equal seeds give equal weights, other seeds others; global states stay the same."""
    before = global_state()
    first = case.model()
    with other_random_states():
        again = case.model()
    other = case.model(seed=case.hp.seed + 1)
    if name := changed_since(before):
        broken(
            f"making it changes {name} for the whole process",
            "draw with torch, seed nothing, and leave torch's settings alone",
        )
    if name := difference(first.state_dict(), again.state_dict()):
        broken(
            f"two models of one seed differ in {name}",
            "draw first weights with torch only",
        )
    if list(first.parameters()) and not difference(first.state_dict(), other.state_dict()):
        broken(
            "models of two seeds have the same weights",
            "do not seed in __init__ or initialise()",
        )


# In training


def changes_the_mover_and_nobody_else(case: ModelCase) -> None:
    """A move changes only the player's parameters; so does code after the yield (clipping)."""
    recording = case.recorded
    if recording.foreign_changes:
        broken(
            recording.foreign_changes[0],
            "change parameters by yielding their player, or use buffers",
        )
    if recording.setting_changed:
        broken(
            f"a step changes {recording.setting_changed} for the whole process",
            "leave torch's settings alone",
        )


def trains_every_network(case: ModelCase) -> None:
    """Every network with parameters to train changes in a few steps."""
    recording = case.recorded
    if not recording.players:
        broken(
            "losses(batch) yields nothing",
            "yield (player, loss) for each move",
        )
    for part, names in trained_parts(recording.model).items():
        if names and names <= recording.unchanged:
            broken(
                f"{part} is not trained in {case.hp.steps} steps",
                "yield a player that owns it, or call requires_grad_(False); "
                f"if it moves later, {case.settings_hint({'steps': 10})}",
            )


def trained_parts(model: Model) -> dict[str, set[str]]:
    """Each network, and each parameter outside of all -> the names of its trained parameters."""
    trained, parts = _trained_names(model), {}
    networks = [*model.children(), *model.compiled()]
    for name, module in model.named_modules():
        if module in networks:
            parts[name] = trained & names_of(model, set(module.parameters()))
    for name in trained:
        if "." not in name:
            parts[f"the model's own parameter {name}"] = {name}
    return parts


def stays_finite(case: ModelCase) -> None:
    """Losses and weights are finite after a few steps."""
    recording = case.recorded
    for number, losses in enumerate(recording.losses, start=1):
        for name, value in losses.items():
            if not isfinite(value):
                broken(
                    f"the loss {name} is {value} in step {number}",
                    "compute it from logits (softplus), not from log(p)",
                )
    for name, tensor in recording.after.items():
        if not tensor.isfinite().all():
            broken(
                f"{name} is not finite after training",
                "lower lr, or bound the loss",
            )


def trains_in_bf16_too(case: ModelCase) -> None:
    """Two steps in the default precision of a GPU, where convolutions give bfloat16."""
    precision = "with --precision bf16, the default on a GPU"
    losses: dict[str, float] = {}
    try:
        for step in islice(case.trainer(precision="bf16"), 2):
            losses = step.read()
    except RuntimeError as cause:
        reason = str(cause).partition("\n")[0]
        broken(
            f"{precision}: {reason}",
            "keep outputs as fp32, fake.detach().float()",
        )
    for name, value in losses.items():
        if not isfinite(value):
            broken(
                f"{precision}, the loss {name} is {value}",
                "compute it from x.float()",
            )


def leaves_the_batch_as_it_is(case: ModelCase) -> None:
    """Later steps use the same data."""
    if case.recorded.batch_changed:
        broken(
            "losses(batch) changes the batch in place",
            "write x * 2, not x.mul_(2)",
        )


def neither_waits_for_the_device_nor_leaves_it(case: ModelCase) -> None:
    """A step reads no value of a tensor, and has all its tensors on one device."""
    model = case.model()
    batch = case.trainer(model).batch(0)
    if fault := fault_in_losses(model, batch, steps=case.hp.steps):
        broken(
            f"losses(batch) would wait for a GPU, or fail on it: {fault}",
            "use torch.where instead of if, and make tensors with device=self.device",
        )
    if fault := fault_in_use(case.model(), case.inputs(2)):
        broken(
            f"its use would wait for a GPU, or fail on it: {fault}",
            "use torch.where instead of if, and make tensors with device=self.device",
        )


def is_compiled_where_it_can_be(case: ModelCase) -> None:
    """`compiled()` leaves out networks with second derivatives: torch.compile has none."""
    recording = case.recorded
    for network in recording.model.compiled():
        names = names_of(recording.model, set(network.parameters()))
        twice = sorted(names & recording.twice_differentiated)
        if twice:
            name = twice[0].partition(".")[0]
            broken(
                f"a penalty takes second derivatives of {name}, which torch.compile refuses",
                "leave it out of compiled()",
            )


def makes_optimizers_without_side_effects(case: ModelCase) -> None:
    """`optimizers()` changes nothing in the model: freezing belongs in `enter_phase(phase)`."""
    model, last = case.model(), None
    for step in range(case.hp.steps):
        phase = model.phase(step)
        if step and phase == last:
            continue
        last = phase
        model.begin(step)
        model.enter_phase(phase)
        trained, tensors = _trained_names(model), _copies(model)
        for _ in range(2):
            model.optimizers()
        switched = trained ^ _trained_names(model)
        if switched:
            broken(
                f"optimizers() freezes or unfreezes {min(switched)} in step {step}",
                "do that in enter_phase(phase)",
            )
        changed = difference(tensors, model.state_dict())
        if changed:
            broken(
                f"optimizers() changes {changed}",
                "it may only make optimizers",
            )


def _trained_names(model: Model) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def _copies(model: Model) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def has_schedules_that_are_pure(case: ModelCase) -> None:
    """`lr_scale`, `phase`, `betas` and `ema_decay` depend on their argument alone."""
    model, later = case.model(), case.model()
    later.begin(3)
    steps, shares = (0, 1, case.hp.steps), (0.0, 0.25, 0.5, 1.0)
    schedules: dict[str, tuple[float, ...]] = {
        "lr_scale": shares,
        "phase": steps,
        "betas": steps,
        "ema_decay": steps,
    }
    for name, arguments in schedules.items():
        for argument in arguments:
            results = [_scheduled(one, name, argument) for one in (model, later, model)]
            for other in results[1:]:
                if other != results[0]:
                    broken(
                        f"{name}({argument}) gives {results[0]}, then {other}",
                        "use only the argument and self.hp in it",
                    )
    for share in shares:
        for scale in _scheduled(model, "lr_scale", share):
            if isinstance(scale, Tensor) or not isfinite(scale) or scale < 0:
                broken(
                    f"lr_scale({share}) gives {scale}",
                    "return a number that is at least 0",
                )
    recording = case.recorded
    if recording.rates_changed:
        broken(
            "a step changes the learning rate of an optimizer, and the next one resets it",
            "use lr_scale",
        )
    if recording.progress_read and not recording.model.schedule_depends_on_steps:
        broken(
            "a step reads self.progress, so the result depends on the number of steps",
            "set depends_on_steps = True in the class",
        )


def _scheduled(model: Model, name: str, argument: float) -> Any:
    """The value of a schedule; of `lr_scale`, one for each player."""
    if name != "lr_scale":
        return getattr(model, name)(argument)
    scale = lr_scale_of(model)
    return [scale(argument, player) for player in model.optimizers()]


# Saved, resumed, loaded


def trains_the_same_again(case: ModelCase) -> None:
    """Two trainings of one seed end with the same weights, whatever else draws numbers."""
    with other_random_states():
        again = finished(case.trainer())
    if name := difference(case.finished.weights, again.weights):
        broken(
            f"two trainings of one seed differ in {name}",
            "draw with self.randn or self.rand",
        )


def is_saved_and_resumed_bit_for_bit(case: ModelCase) -> None:
    """Stopped after half of the steps, loaded and continued, it ends as in one go.

    Also if only half was planned, unless the model declares that it depends on the steps.
    """
    steps, half, grown = case.hp.steps, _half(case), None
    if not case.recorded.model.schedule_depends_on_steps:
        grown = _difference_after_resuming(case, planned=half)
        if not grown:
            return
    different = _difference_after_resuming(case, planned=steps)
    if different:
        broken(
            f"resumed from a checkpoint, it ends with another {different}",
            "keep state in a buffer, register_buffer(..., persistent=False), "
            "or compute it from self.step",
        )
    if grown:
        broken(
            f"planned for {half} steps and resumed for {steps}, it ends with another {grown}",
            "set depends_on_steps = True in the class",
        )


def _half(case: ModelCase) -> int:
    """An odd number: the two halves differ for what is done every other step."""
    return case.hp.steps // 2 | 1


def _difference_after_resuming(case: ModelCase, *, planned: int) -> str | None:
    """The first state or weight that differs from a training in one go."""
    trainer = case.trainer(case.model(steps=planned))
    for _ in islice(trainer, _half(case)):
        pass
    with TemporaryDirectory() as run:
        trainer.save(run)
        resumed = type(trainer).resume(run, case.data, steps=case.hp.steps, device="cpu")
    result = finished(resumed)
    for name, value in case.finished.unsaved.items():
        if result.unsaved.get(name) != value:
            return name
    return difference(case.finished.weights, result.weights)


def is_loaded_as_it_was_saved(case: ModelCase) -> None:
    """`ganzoo.load` needs no flags, and gives the weights that were published."""
    trainer = case.trainer()
    for _ in islice(trainer, 2):
        pass
    with TemporaryDirectory() as run:
        trainer.save(run)
        loaded = load(run)
    with trainer.averaged_model() as model:
        if name := difference(model.state_dict(), loaded.state_dict()):
            broken(
                f"{name} is not loaded as it was saved",
                "make networks from hp alone",
            )
        other = case.model(seed=case.hp.seed + 1)
        other.load_state_dict(model.state_dict())
        images, again = plain_use(model, case.images(2)), plain_use(other, case.images(2))
    if images is None or again is None or torch.equal(images, again):
        return
    broken(
        "the same weights make something else at step 0 or with another seed",
        "keep what is drawn in __init__, or depends on the step, in a published buffer",
    )


# In use


def makes_what_its_task_says(case: ModelCase) -> None:
    """Images of the declared shape in [-1, 1], translations of the same size, probabilities."""
    model = case.model()
    for direction in model.directions:
        _check_translations(case, direction)
    if model.classifies:
        _check_classes(case)
    if case.draws_images:
        _check_samples(case)


def _check_samples(case: ModelCase) -> None:
    model, states = case.trained_model(), global_state()
    before = _copies(model)
    images = model.sample(5, seed=1)
    changed = changed_since(states)
    channels, size = case.shape
    expected = (5, channels, *sides(size))
    if tuple(images.shape) != expected or not in_range(images):
        broken(
            f"sample(5) gives {described(images)}",
            f"it must be {expected} in [-1, 1]; end the generator with tanh",
        )
    if 0 <= images.min() < images.max():
        broken(
            f"sample(5) gives {described(images)}, but black is -1",
            "end the generator with tanh, or 2 * x - 1",
        )
    _check_use("sample(n, seed=1)", lambda n: model.sample(n, seed=1), 5, 1)
    if changed:
        broken(
            f"sample changes {changed}",
            "draw with ganzoo.noise(n, ..., seed=seed)",
        )
    if torch.equal(images, model.sample(5, seed=2)):
        broken(
            "sample gives the same images for two seeds",
            "use the seed in latents(n, seed)",
        )
    if not model.training or difference(before, model.state_dict()):
        broken(
            "sample changes weights, buffers or the train mode",
            "make generate(latents) pure",
        )
    _check_labels(case, model)
    _check_conditions(model)
    if _leaves_range(model, lambda: model.sample(2, seed=1)):
        broken(
            "sample leaves [-1, 1] as weights grow",
            "end with tanh, or clamp in generate",
        )


def _check_labels(case: ModelCase, model: Model) -> None:
    classes = case.hp.classes or 1
    if classes < 2 or model.classifies:
        return
    first = model.sample(2, seed=1, labels=torch.full((2,), 0))
    last = model.sample(2, seed=1, labels=torch.full((2,), classes - 1))
    if torch.equal(first, last):
        broken(
            "it has classes, but draws the same for all labels",
            "use them in generate(latents, labels), or rename the field",
        )


def _check_conditions(model: Model) -> None:
    if model.view is not Conditioned:
        return
    asked: list[dict[str, Any]] = [{"where": {"tree": tree}} for tree in CLASSES[:2]]
    if model.reads_text:
        asked = [{"prompt": "an old ash"}, {"prompt": "a bare oak"}]
    conditions = [model.conditions(2, seed=1, **one) for one in asked]
    if conditions[0].equal(conditions[1]) and model.reads_text:
        return  # it knows none of these words
    first, other = (model.sample(2, seed=1, **one) for one in asked)
    if torch.equal(first, other):
        broken(
            f"sample draws the same for {asked[0]} and {asked[1]}",
            "use the condition in generate(latents, condition)",
        )


def _check_translations(case: ModelCase, direction: str) -> None:
    model, images = case.trained_model(), case.inputs(2)
    name = f"translate(images, {direction!r})"
    declared: Any = getattr(model, "scale", 1)
    scale = declared if isinstance(declared, int) else 1
    channels = model.out_channels or case.shape[0]
    height, width = images.shape[2] + 3, images.shape[3] - 1
    odd = torch.cat([images, images], dim=2)[..., :height, :width]
    for inputs in (images, odd):
        outputs = model.translate(inputs, direction=direction)
        rows, columns = inputs.shape[2:]
        expected = (len(inputs), channels, scale * rows, scale * columns)
        if outputs.shape != expected or not in_range(outputs):
            broken(
                f"{name} of {tuple(inputs.shape)} gives {described(outputs)}",
                f"it must be {expected} in [-1, 1]: keep any size (pad in translated(), then crop)",
            )
    _check_use(name, lambda some: model.translate(some, direction=direction), odd, odd[:1])
    if _leaves_range(model, lambda: model.translate(images, direction=direction)):
        broken(
            f"{name} leaves [-1, 1] as weights grow",
            "end with tanh, or clamp",
        )


def _check_classes(case: ModelCase) -> None:
    model, images = case.trained_model(), case.images(3)
    probabilities, classes = model.classify(images), case.hp.classes or len(CLASSES)
    sums = probabilities.sum(1)
    if probabilities.shape != (3, classes) or not torch.allclose(sums, torch.ones(3), atol=1e-4):
        broken(
            f"classify gives {described(probabilities)}",
            f"logits(images) must be (n, {classes}) for {classes} classes",
        )
    _check_use("classify(images)", model.classify, images, images[:1])


def _check_use(name: str, use: Callable[[Any], Tensor], inputs: Any, first: Any) -> None:
    """A use is pure, and the first output is that of the first input alone."""
    outputs = use(inputs)
    with other_random_states():
        again = use(inputs)
    if not torch.equal(outputs, again):
        broken(
            f"{name} is not the same twice",
            "draw random numbers only in latents(n, seed)",
        )
    if not torch.allclose(outputs[:1], use(first), atol=1e-4):
        broken(
            f"{name} gives images that depend on others in the batch",
            "use no norm over the batch in eval mode, and ganzoo.noise for latents",
        )


@torch.no_grad()
def _leaves_range(model: Model, make: Callable[[], Tensor]) -> bool:
    """Whether images leave [-1, 1] if weights are doubled up to six times. Spoils the model."""
    for _ in range(6):
        for parameter in model.parameters():
            parameter.mul_(2)
        images = make()
        if not images.isfinite().all():
            return False  # beyond what floats can hold
        if not in_range(images):
            return True
    return False


def gives_scores_that_are_numbers(case: ModelCase) -> None:
    """`evaluate(batches)`, if the model has it, gives named numbers."""
    model = case.model()
    if not model.scored:
        return
    trainer = case.trainer()
    with torch.no_grad():
        evaluation = model.evaluate([trainer.batch(0), trainer.batch(1)])
    if not isinstance(evaluation, Evaluation) or not evaluation.scores:
        kind = type(evaluation).__name__
        broken(
            f"evaluate(batches) gives {kind}: return ganzoo.Evaluation({{name",
            "number}})",
        )
    for name, score in evaluation.scores.items():
        if not isinstance(score, float | int) or not isfinite(score):
            broken(
                f"before training, the score {name} is {score!s:.40}, a {type(score).__name__}",
                "return a finite number, tensor.item()",
            )


def shows_a_preview(case: ModelCase) -> None:
    """`preview(batch)` gives images for samples.png; a classifier may have none."""
    if case.kind.task == "image-classification":
        return
    trainer = case.trainer()
    batch = trainer.batches.preview_batch()
    try:
        with trainer.averaged_model() as model:
            images = model.preview(batch)
    except Unsupported as error:
        broken(
            f"{error}",
            "add preview(self, batch), the images of samples.png",
        )
    if images.ndim != 4 or images.shape[1] not in (1, 3, 4) or not in_range(images):
        broken(
            f"preview(batch) gives {described(images)}",
            "it must be (n, 1 or 3, height, width) in [-1, 1]",
        )


CHECKS = [
    is_listed_without_being_imported,
    names_its_paper,
    has_a_task_that_the_hub_knows,
    is_created_from_its_defaults,
    has_first_weights_that_follow_from_the_seed,
    changes_the_mover_and_nobody_else,
    trains_every_network,
    stays_finite,
    trains_in_bf16_too,
    leaves_the_batch_as_it_is,
    neither_waits_for_the_device_nor_leaves_it,
    is_compiled_where_it_can_be,
    makes_optimizers_without_side_effects,
    has_schedules_that_are_pure,
    trains_the_same_again,
    is_saved_and_resumed_bit_for_bit,
    is_loaded_as_it_was_saved,
    makes_what_its_task_says,
    gives_scores_that_are_numbers,
    shows_a_preview,
    *loss_checks.CHECKS,
    *use_checks.CHECKS,
]
