"""The contract kit catches what a plugin can get wrong: each mistake by the check that is named after it."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.discovery.registry import datasets, models, trainers
from ganzoo.testing.cases import ModelCase, case_of, checks_of, run_check

ZOO = (Path(__file__).parent / "broken_zoo.py").read_text(encoding="utf-8")
MISTAKES = {
    "NoDocstring": ("is_listed_without_being_imported", None),
    "TaskOfAFunction": ("is_listed_without_being_imported", "task"),
    "NoPaper": ("names_its_paper", None),
    "OddTask": ("has_a_task_that_the_hub_knows", None),
    "NoDirections": ("has_a_task_that_the_hub_knows", "directions"),
    "BadDefault": ("is_created_from_its_defaults", None),
    "NoType": ("is_created_from_its_defaults", "width: int = 3"),
    "NumpyWeights": ("has_first_weights_that_follow_from_the_seed", None),
    "SeedsItself": ("has_first_weights_that_follow_from_the_seed", "__init__"),
    "DoubleForAll": ("has_first_weights_that_follow_from_the_seed", "dtype"),
    "MovesAnother": ("changes_the_mover_and_nobody_else", None),
    "MovesEarly": ("changes_the_mover_and_nobody_else", None),
    "ForgetsOne": ("trains_every_network", None),
    "LooseParameter": ("trains_every_network", r"\bgain\b"),
    "YieldsNothing": ("trains_every_network", "yield"),
    "WrongPlayer": ("trains_every_network", None),
    "Detached": ("trains_every_network", None),
    "LogOfZero": ("stays_finite", None),
    "ChangesTheBatch": ("leaves_the_batch_as_it_is", None),
    "Waits": ("neither_waits_for_the_device_nor_leaves_it", None),
    "Lists": ("neither_waits_for_the_device_nor_leaves_it", None),
    "OnTheCPU": ("neither_waits_for_the_device_nor_leaves_it", "CPU"),
    "NumpyNoise": ("trains_the_same_again", None),
    "Counts": ("is_saved_and_resumed_bit_for_bit", None),
    "KeepsATensor": ("is_saved_and_resumed_bit_for_bit", None),
    "BuiltFromData": ("is_loaded_as_it_was_saved", "scale"),
    "OutOfRange": ("makes_what_its_task_says", None),
    "OfAnotherSize": ("makes_what_its_task_says", r"\(5, 1, 16, 16\)"),
    "Dropping": ("makes_what_its_task_says", "twice"),
    "DeafToSeeds": ("makes_what_its_task_says", "seeds"),
    "TogetherOnly": ("makes_what_its_task_says", "batch"),
    "DeafToLabels": ("makes_what_its_task_says", "labels"),
    "LeavesEvalMode": ("makes_what_its_task_says", r"\bmode\b"),
    "Shrinks": ("makes_what_its_task_says", "size"),
    "OneClassShort": ("makes_what_its_task_says", "3 classes"),
    "LazyCounter": ("is_saved_and_resumed_bit_for_bit", None),
    "Scheduled": ("has_schedules_that_are_pure", "learning rate"),
    "OfItsStep": ("has_schedules_that_are_pure", None),
    "DrawsUnpublished": ("is_loaded_as_it_was_saved", None),
    "SeedsNumpy": ("has_first_weights_that_follow_from_the_seed", "NumPy"),
    "WaitsToDraw": ("neither_waits_for_the_device_nor_leaves_it", r"latents\.mean"),
    "ScoresInADict": ("gives_scores_that_are_numbers", None),
    "ScoresOfTensors": ("gives_scores_that_are_numbers", "Tensor"),
    "PoolOfHalves": ("trains_in_bf16_too", None),
    "NeverBlack": ("makes_what_its_task_says", "black"),
    "SeedsToDraw": ("makes_what_its_task_says", "random state"),
    "OnlyTrains": ("has_a_task_that_the_hub_knows", "latents"),
    "NoPreview": ("shows_a_preview", None),
    "FadesIn": ("is_loaded_as_it_was_saved", None),
    "Unbounded": ("makes_what_its_task_says", "weights"),
    "PoolInAList": ("is_saved_and_resumed_bit_for_bit", None),
    "CountsInItsClass": ("is_saved_and_resumed_bit_for_bit", None),
    "Prints": ("neither_waits_for_the_device_nor_leaves_it", r'f"\{sum'),
    "NormalisesTheBatch": ("makes_what_its_task_says", "classify"),
    "PhaseOfItsOwn": ("has_schedules_that_are_pure", "phase"),
    "ThreadsInAStep": ("changes_the_mover_and_nobody_else", "threads"),
    "OfItsSteps": ("is_saved_and_resumed_bit_for_bit", "progress"),
    "PenaltyCompiled": ("is_compiled_where_it_can_be", None),
    "ScoresNaN": ("gives_scores_that_are_numbers", r"\bnan\b"),
    "NeedsMore": ("stays_finite", "steps=4"),
    "BadPreview": ("shows_a_preview", r"\(64, 4\)"),
    "Impure": ("has_schedules_that_are_pure", None),
}


@pytest.fixture
def zoo(distribution):
    """All of them as one installed distribution, `broken-zoo`."""
    names = re.findall(r"^class (\w+)", ZOO, re.MULTILINE)
    return distribution(
        "broken-zoo", {name.lower(): f"broken_zoo:{name}" for name in names}, broken_zoo=ZOO
    )


def test_every_model_of_the_zoo_is_looked_for():
    assert set(re.findall(r"^class (\w+)", ZOO, re.MULTILINE)) == {"Good", *MISTAKES}
    checks = {check.__name__ for check in checks_of("model")}
    assert {check for check, _ in MISTAKES.values()} == checks


def test_the_good_one_keeps_every_promise(zoo, tmp_path):
    case = ModelCase(models["good"])
    for check in checks_of("model"):
        run_check(check, case, tmp_path / check.__name__)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught_by_its_name(zoo, tmp_path, name):
    named, words = MISTAKES[name]
    (check,) = (check for check in checks_of("model") if check.__name__ == named)
    with pytest.raises((AssertionError, ganzoo.GanzooError), match=words):
        run_check(check, ModelCase(models[name.lower()]), tmp_path)


def test_pytest_says_which_check_which_model_and_what_to_do(zoo, tmp_path, inner_pytest):
    done = inner_pytest(
        "--ganzoo", "broken-zoo", "--rootdir", tmp_path, "-k", "oddtask and (paper or hub_knows)"
    )
    assert done.returncode == 1
    assert "_ TestContract.test_has_a_task_that_the_hub_knows[oddtask] _" in done.stdout
    assert "\noddtask: " in done.stdout
    assert "'gan'" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "Traceback" not in done.stdout
    assert "of_models.py" not in done.stdout


NEAR = """
from dataclasses import dataclass

import ganzoo
import torch
from broken_zoo import Good


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


class Taught(Good):
    \"\"\"Has a teacher that follows the discriminator, and moves its generator every other time.\"\"\"

    def __init__(self, hp):
        super().__init__(hp)
        self.teacher = torch.nn.Linear(64, 1).requires_grad_(False)

    def losses(self, real):
        for player, loss in super().losses(real):
            if player is not self.generator or self.step % 2 == 0:
                yield player, loss
        with torch.no_grad():
            self.teacher.weight.lerp_(self.discriminator[1].weight, 0.01)


class SemiSupervised(Good):
    \"\"\"Learns classes, and draws without them.\"\"\"

    view = ganzoo.Labelled

    @dataclass(frozen=True, kw_only=True)
    class Hparams(Good.Hparams):
        classes: int | None = None

    def losses(self, batch):
        yield from super().losses(batch.images)

    def logits(self, images):
        return self.discriminator(images)[:, None] * torch.arange(self.hp.classes, device=images.device)


class FixedSize(Good):
    \"\"\"Has its size in its networks alone.\"\"\"

    Hparams = ganzoo.Hparams


class SetsBenchmark(Good):
    \"\"\"Decides for everybody how cuDNN chooses.\"\"\"

    def __init__(self, hp):
        super().__init__(hp)
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark


class ZeroAtFirst(Good):
    \"\"\"Draws the same grey for every seed before it is trained, and remembers how large a batch is.\"\"\"

    def initialise(self):
        torch.nn.init.zeros_(self.generator[0].weight)

    def losses(self, real):
        self.seen = len(real)
        yield from super().losses(real)
"""


@pytest.mark.parametrize(
    ("name", "check", "told"),
    [
        ("OwnGenerator", "neither_waits_for_the_device_nor_leaves_it", None),
        ("Counted", "neither_waits_for_the_device_nor_leaves_it", None),
        ("Copies", "neither_waits_for_the_device_nor_leaves_it", "CPU"),
        ("TwoLoose", "trains_every_network", "idle"),
        ("SetsBenchmark", "has_first_weights_that_follow_from_the_seed", "cuDNN"),
        ("Taught", "*", None),
        ("SemiSupervised", "*", None),
        ("FixedSize", "*", None),
        ("ZeroAtFirst", "makes_what_its_task_says", None),
        ("ZeroAtFirst", "is_saved_and_resumed_bit_for_bit", None),
    ],
)
def test_what_torch_cannot_follow_is_not_judged_and_what_is_near_it_is(
    distribution, tmp_path, name, check, told
):
    distribution("odd-zoo", {"odd": f"odd_zoo:{name}"}, odd_zoo=NEAR, broken_zoo=ZOO)
    found = [one for one in checks_of("model") if check in (one.__name__, "*")]
    case = ModelCase(models["odd"])
    for one in found:
        with pytest.raises(AssertionError, match=told) if told else nullcontext():
            run_check(one, case, tmp_path / one.__name__)
    assert found


ODD_OTHERS = """
import ganzoo
import numpy as np
import torch
from PIL import Image


class Leaky(ganzoo.Trainer):
    \"\"\"Gives every player the gradients of every move.\"\"\"

    def step(self, batch):
        losses = {}
        for player, loss in self.moves(batch):
            terms = self.terms(player, loss)
            for optimizer in self.optimizers.values():
                optimizer.zero_grad()
            sum(terms.values()).backward(retain_graph=True)
            for optimizer in self.optimizers.values():
                optimizer.step()
            losses |= {name: term.detach() for name, term in terms.items()}
        return losses


class Numbers(ganzoo.Trainer):
    \"\"\"Reads its losses.\"\"\"

    def step(self, batch):
        return {name: loss.item() for name, loss in super().step(batch).items()}


class Graphs(ganzoo.Trainer):
    \"\"\"Keeps what its losses were computed of.\"\"\"

    def step(self, batch):
        losses = {}
        for player, loss in self.moves(batch):
            terms = self.terms(player, loss)
            self.backward(player, terms)
            self.optimizers[player].step()
            losses |= terms
        return losses


class Silent(ganzoo.Trainer):
    \"\"\"Reports the generator alone.\"\"\"

    def step(self, batch):
        return {name: loss for name, loss in super().step(batch).items() if name.startswith("generator")}


class Counting(ganzoo.Trainer):
    \"\"\"Skips every tenth step, by its own count.\"\"\"

    count = 0

    def step(self, batch):
        self.count += 1
        return super().step(batch)


class Publishing(ganzoo.Trainer):
    \"\"\"Adds to the weights that are published.\"\"\"

    def __init__(self, model, data, **options):
        super().__init__(model, data, **options)
        model.register_buffer("mean", torch.zeros(()))


class LeavesEarly(ganzoo.Trainer):
    \"\"\"Drives losses only as far as there are players.\"\"\"

    def step(self, batch):
        losses = {}
        for _, (player, loss) in zip(range(2), self.moves(batch)):
            terms = self.terms(player, loss)
            self.backward(player, terms)
            self.optimizers[player].step()
            losses |= {name: term.detach() for name, term in terms.items()}
        return losses


class Squares:
    licence = None
    info = ganzoo.DataInfo(size=8, channels=1, classes=("0", "1"))

    def __init__(self, argument=""):
        pass

    def items(self):
        return [ganzoo.Item(f"{i}", lambda: Image.new("L", (8, 8)), label=str(i % 2)) for i in range(4)]


class Unsorted(Squares):
    def items(self):
        return [ganzoo.Item(name, lambda: Image.new("L", (8, 8))) for name in {f"picture {i}" for i in range(50)}]


class IntLabels(Squares):
    def items(self):
        return [ganzoo.Item(item.name, item.read, label=int(item.label)) for item in super().items()]


class OddDomains(Squares):
    def domains(self):
        return self.items()


class OddPairs(Squares):
    def pairs(self):
        return [(item, "target") for item in self.items()]


class Changing(Squares):
    count = 0

    def items(self):
        def read():
            self.count += 1
            return Image.new("L", (8, 8), self.count)

        return [ganzoo.Item(f"{i}", read) for i in range(4)]


class Arrays(Squares):
    def items(self):
        return [ganzoo.Item(f"{i}", lambda: np.zeros((8, 8), np.uint8)) for i in range(4)]


class Raising(Squares):
    def items(self):
        return [ganzoo.Item(f"{i}", lambda: 1 / 0) for i in range(4)]


class InfoOfAMethod(Squares):
    def info(self):
        return super().info


class Generated(Squares):
    def items(self):
        yield from super().items()


class Hashed(Squares):
    def items(self):
        return [ganzoo.Item(f"{i}", lambda i=i: Image.new("L", (8, 8), hash(f"{i}") % 256)) for i in range(4)]


class NoArgument(Squares):
    def __init__(self):
        pass
"""


@pytest.mark.parametrize(
    ("name", "check", "told"),
    [
        ("Squares", None, None),
        ("Leaky", "lets_gradients_reach_the_mover_alone", r"self\.backward"),
        ("Numbers", "trains_every_player", r"Numbers\.step"),
        ("Graphs", "trains_every_player", "detach"),
        ("Silent", "lets_gradients_reach_the_mover_alone", r"losses.*discriminator"),
        ("Counting", "is_saved_and_resumed_bit_for_bit", r"trainer\.count"),
        ("Publishing", "is_loaded_as_it_was_saved", "persistent=False"),
        ("LeavesEarly", "lets_gradients_reach_the_mover_alone", r"self\.moves"),
        ("Arrays", "reads_images_that_are_the_same_again", "ndarray"),
        ("Raising", "is_trained_on_whole", "ZeroDivisionError"),
        ("InfoOfAMethod", "is_trained_on_whole", "DataInfo"),
        ("Generated", "has_the_same_items_in_the_same_order", r"ganzoo\.Item"),
        ("Hashed", "reads_images_that_are_the_same_again", "process"),
        ("Unsorted", "has_the_same_items_in_the_same_order", "process"),
        ("IntLabels", "has_labels_that_are_its_classes", r"info\.classes"),
        ("OddDomains", "has_domains_and_pairs_of_items", r"domains\(\)"),
        ("OddPairs", "has_domains_and_pairs_of_items", r"pairs\(\)"),
        ("Changing", "reads_images_that_are_the_same_again", "again"),
        ("NoArgument", "is_trained_on_whole", "odd-others"),
    ],
)
def test_mistakes_of_trainers_and_sources_are_caught_too(
    distribution, tmp_path, monkeypatch, name, check, told
):
    group = (
        "ganzoo.trainers" if f"class {name}(ganzoo.Trainer)" in ODD_OTHERS else "ganzoo.datasets"
    )
    distribution("odd-others", {"odd": f"odd_others:{name}"}, group=group, odd_others=ODD_OTHERS)
    (plugin,) = (
        p for registry in (trainers, datasets) for p in registry.plugins() if p.name == "odd"
    )
    case = case_of(plugin, {}, "dcgan-mini")
    for one in checks_of(plugin.kind) if check is None else []:
        run_check(one, case, tmp_path / one.__name__)
    for one in checks_of(plugin.kind):
        if one.__name__ == check:
            with pytest.raises((AssertionError, ganzoo.GanzooError), match=told):
                run_check(one, case, tmp_path)


def test_a_clear_error_is_one_line_and_what_needs_an_argument_says_how_to_give_one(
    distribution, tmp_path, inner_pytest
):
    source = ODD_OTHERS + (
        "\n\nclass Needy(Squares):\n    def __init__(self, argument=''):\n        if not argument:\n"
        "            raise ganzoo.DataError('needy: say how many')\n"
    )
    distribution("needy-zoo", {"needy": "needy:Needy"}, group="ganzoo.datasets", needy=source)
    distribution(
        "returning-zoo",
        {"returning": "returning:Returning"},
        broken_zoo=ZOO,
        returning=(
            "from broken_zoo import Good\nclass Returning(Good):\n    'Returns (arXiv:1406.2661).'\n"
            "    def losses(self, real):\n        return (self.discriminator, self.discriminator(real).mean())\n"
        ),
    )
    (tmp_path / "test_both.py").write_text(
        "from ganzoo.testing import contract\n"
        "TestNeedy, TestReturning = contract('needy-zoo'), contract('returning-zoo')\n"
    )
    done = inner_pytest(
        "--rootdir", tmp_path, "-k", "says_what or trains_every", tmp_path / "test_both.py"
    )
    assert "needy: say how many" in done.stdout
    assert "contract(..., {'needy': '...'})" in done.stdout
    assert "\nreturning: " in done.stdout
    assert "must yield" in done.stdout
    assert "2 failed" in done.stdout
    assert "Traceback" not in done.stdout
    assert "of_models.py" not in done.stdout


def test_what_an_import_changes_for_everybody_is_caught(distribution, tmp_path):
    source = "import torch\nfrom broken_zoo import Good\ntorch.set_default_dtype(torch.float64)\n"
    distribution("far-zoo", {"far": "far_zoo:Good"}, far_zoo=source, broken_zoo=ZOO)
    (check,) = (
        one for one in checks_of("model") if one.__name__ == "is_listed_without_being_imported"
    )
    with pytest.raises(AssertionError, match="dtype"):
        run_check(check, ModelCase(models["far"]), tmp_path)
    assert torch.get_default_dtype() == torch.float32


def test_a_name_that_another_package_has_is_caught(zoo, distribution, tmp_path):
    distribution("other-zoo", {"good": "broken_zoo:Good"})
    (check,) = (
        one for one in checks_of("model") if one.__name__ == "is_listed_without_being_imported"
    )
    mine = next(p for p in models.plugins() if (p.name, p.distribution) == ("good", "broken-zoo"))
    with pytest.raises(AssertionError, match="other-zoo"):
        run_check(check, ModelCase(mine), tmp_path)
