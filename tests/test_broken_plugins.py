"""The contract kit catches what a plugin can get wrong: each mistake by the check that is named after it."""

import re
from pathlib import Path

import pytest

import ganzoo
from ganzoo.registry import models
from ganzoo.testing.cases import ModelCase, checks_of, tried

ZOO = (Path(__file__).parent / "broken_zoo.py").read_text(encoding="utf-8")
MISTAKES = {
    "NoDocstring": ("is_listed_without_being_imported", "no docstring of its own"),
    "TaskOfAFunction": ("is_listed_without_being_imported", "write task = 'unconditional-image-generation'"),
    "NoPaper": ("names_its_paper", "names no paper"),
    "OddTask": ("has_a_task_that_the_hub_knows", "'gan' is no pipeline tag"),
    "NoDirections": ("has_a_task_that_the_hub_knows", "directions is empty"),
    "BadDefault": ("is_created_from_its_defaults", "lr=-1.0: expected a number from 0 to 100"),
    "NoDataclass": ("is_created_from_its_defaults", "put @dataclass"),
    "NumpyWeights": ("has_first_weights_that_follow_from_the_seed", "with torch alone, not numpy or random"),
    "SeedsItself": ("has_first_weights_that_follow_from_the_seed", "do not seed in __init__"),
    "DoubleForAll": ("has_first_weights_that_follow_from_the_seed", "changes the default dtype for everybody"),
    "MovesAnother": ("changes_the_mover_and_nobody_else", "generator.0.weight after the move of discriminator"),
    "MovesEarly": ("changes_the_mover_and_nobody_else", "discriminator.1.weight after the move of nobody"),
    "ForgetsOne": ("trains_every_network", "encoder is never trained"),
    "LooseParameter": ("trains_every_network", "the model's own parameter gain is never trained"),
    "YieldsNothing": ("trains_every_network", "yields nothing"),
    "WrongPlayer": ("trains_every_network", "optimizers.. has none for it"),
    "Detached": ("trains_every_network", "generator depends on none of its player's trained parameters"),
    "LogOfZero": ("stays_finite", "the loss discriminator is inf in step 1: take it from logits"),
    "ChangesTheBatch": ("leaves_the_batch_as_it_is", "changes the batch in place"),
    "Waits": ("neither_waits_for_the_device_nor_leaves_it", r"_local_scalar_dense.*if self.discriminator\(real\)"),
    "Lists": ("neither_waits_for_the_device_nor_leaves_it", r"wait for a GPU.*tolist"),
    "OnTheCPU": ("neither_waits_for_the_device_nor_leaves_it", r"of the CPU.*fake = self.generator\(torch.randn"),
    "NumpyNoise": ("trains_the_same_again", "two trainings of one seed differ"),
    "Counts": ("is_saved_and_resumed_bit_for_bit", "continued from a checkpoint, it ends with another generator"),
    "KeepsATensor": ("is_saved_and_resumed_bit_for_bit", "what losses keeps between steps is a buffer"),
    "BuiltFromData": ("is_loaded_as_it_was_saved", "scale"),
    "OutOfRange": ("makes_what_its_task_says", "end the generator with tanh"),
    "OfAnotherSize": ("makes_what_its_task_says", r"\(5, 1, 16, 16\).*must be \(5, 1, 8, 8\)"),
    "Dropping": ("makes_what_its_task_says", "not the same twice: all its chance is in latents"),
    "DeafToSeeds": ("makes_what_its_task_says", "the same images for two seeds"),
    "TogetherOnly": ("makes_what_its_task_says", "depends on how many are drawn"),
    "DeafToLabels": ("makes_what_its_task_says", "draws the same for all labels"),
    "LeavesEvalMode": ("makes_what_its_task_says", "sample changes the model"),
    "Shrinks": ("makes_what_its_task_says", "of the same size, whatever that is"),
    "OneClassShort": ("makes_what_its_task_says", "one for each of the 3 classes"),
    "BadPreview": ("shows_a_preview", r"gives \(64, 4\)"),
    "Impure": ("has_schedules_that_are_pure", r"lr_scale\(0.0\) gives 0.9, then 0.81"),
}


@pytest.fixture
def zoo(distribution):
    """All of them as one installed distribution, `broken-zoo`."""
    names = re.findall(r"^class (\w+)", ZOO, re.MULTILINE)
    return distribution("broken-zoo", {name.lower(): f"broken_zoo:{name}" for name in names}, broken_zoo=ZOO)


def test_every_model_of_the_zoo_is_looked_for():
    assert set(re.findall(r"^class (\w+)", ZOO, re.MULTILINE)) == {"Good", *MISTAKES}
    checks = {check.__name__ for check in checks_of("model")}
    assert {check for check, _ in MISTAKES.values()} == checks


def test_the_good_one_keeps_every_promise(zoo, tmp_path):
    case = ModelCase(models["good"])
    for check in checks_of("model"):
        tried(check, case, tmp_path / check.__name__)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught_by_its_name(zoo, tmp_path, name):
    named, words = MISTAKES[name]
    (check,) = (check for check in checks_of("model") if check.__name__ == named)
    with pytest.raises((AssertionError, ganzoo.GanzooError), match=words):
        tried(check, ModelCase(models[name.lower()]), tmp_path)


def test_pytest_says_which_check_which_model_and_what_to_do(zoo, tmp_path, process, site_env):
    options = ["-p", "no:cacheprovider", "--rootdir", tmp_path, "-k", "oddtask and (paper or hub_knows)"]
    done = process("-m", "pytest", "--ganzoo", "broken-zoo", *options, env=site_env(zoo), check=False)
    assert done.returncode == 1
    assert "_ TestContract.test_has_a_task_that_the_hub_knows[oddtask] _" in done.stdout
    assert "\noddtask: task = 'gan' is no pipeline tag of the Hub: unconditional-image-generation, " in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "Traceback" not in done.stdout
    assert "of_models.py" not in done.stdout


NEAR = """
from broken_zoo import Good
import torch


class OwnGenerator(Good):
    \"\"\"Draws with a generator of its own, seeded by the step, on the model's device.\"\"\"

    def losses(self, real):
        torch.rand(1, generator=torch.Generator(real.device).manual_seed(self.step), device=real.device)
        yield from super().losses(real)


class Counted(Good):
    \"\"\"Uses an operation that torch cannot follow without data.\"\"\"

    def losses(self, real):
        torch.bincount((real > 0).flatten().long(), minlength=2)
        yield from super().losses(real)


class Copies(Good):
    \"\"\"Copies a constant to the device in each step.\"\"\"

    def losses(self, real):
        yield from super().losses(real * torch.tensor([1.0]).to(real.device))


class TwoLoose(Good):
    \"\"\"Has two parameters of its own, one of which is trained.\"\"\"

    def __init__(self, hp):
        super().__init__(hp)
        self.used, self.idle = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))

    def optimizers(self):
        players = super().optimizers()
        return {**players, self: torch.optim.Adam([self.used], 0.01)}

    def losses(self, real):
        yield from super().losses(real)
        yield self, self.used.square().sum()


class SetsBenchmark(Good):
    \"\"\"Decides for everybody how cuDNN chooses.\"\"\"

    def __init__(self, hp):
        super().__init__(hp)
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
"""


@pytest.mark.parametrize(
    ("name", "check", "told"),
    [
        ("OwnGenerator", "neither_waits_for_the_device_nor_leaves_it", None),
        ("Counted", "neither_waits_for_the_device_nor_leaves_it", None),
        ("Copies", "neither_waits_for_the_device_nor_leaves_it", "copied from the CPU to the model's device, or back"),
        ("TwoLoose", "trains_every_network", "the model's own parameter idle is never trained"),
        (
            "SetsBenchmark",
            "has_first_weights_that_follow_from_the_seed",
            "changes the benchmarking of cuDNN for everybod",
        ),
    ],
)
def test_what_torch_cannot_follow_is_not_judged_and_what_is_near_it_is(distribution, tmp_path, name, check, told):
    distribution("odd-zoo", {"odd": f"odd_zoo:{name}"}, odd_zoo=NEAR, broken_zoo=ZOO)
    (found,) = (one for one in checks_of("model") if one.__name__ == check)
    case = ModelCase(models["odd"])
    if told:
        with pytest.raises(AssertionError, match=told):
            tried(found, case, tmp_path)
    else:
        tried(found, case, tmp_path)
