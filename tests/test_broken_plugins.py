"""The contract kit catches the mistakes of plugins: each by the check that is named for it."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.discovery.registry import datasets, models, trainers
from ganzoo.testing import checks_of
from ganzoo.testing.cases import ContractNote, ModelCase, case_of, run_check

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
    "PenaltyWithoutAGraph": ("takes_gradients_of_all_terms", "create_graph"),
    "WatchesInALoss": ("takes_gradients_of_all_terms", "watched"),
    "ForgetsABias": ("has_an_optimizer_for_every_parameter", "bias|weight"),
    "DeafLosses": ("uses_the_labels_of_every_batch", "labels"),
    "LabelsOfTheFirst": ("uses_the_labels_of_every_batch", "batch 1"),
    "TurnedSign": ("has_players_that_oppose_each_other", "sign"),
    "AveragesHalf": ("averages_all_that_draws", "gain"),
    "OneWay": ("follows_its_direction", "b2a"),
    "PublishesItsPool": ("publishes_what_its_use_needs", "pool"),
    "CountsImages": ("can_be_exported", "exported"),
    "CountsInAGenerator": ("is_saved_and_resumed_bit_for_bit", None),
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
    "OfItsSteps": ("is_saved_and_resumed_bit_for_bit", "depends_on_steps"),
    "ReadsProgress": ("has_schedules_that_are_pure", "depends_on_steps"),
    "FreezesInOptimizers": ("makes_optimizers_without_side_effects", "enter_phase"),
    "InitialisesInOptimizers": ("makes_optimizers_without_side_effects", "generator"),
    "BetasOfItsOwn": ("has_schedules_that_are_pure", "betas"),
    "DecayOfItsOwn": ("has_schedules_that_are_pure", "ema_decay"),
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
    assert set(re.findall(r"^class (\w+)", ZOO, re.MULTILINE)) == {
        "Good",
        "LabelledGood",
        *MISTAKES,
    }
    checks = {check.__name__ for check in checks_of("model")}
    assert {check for check, _ in MISTAKES.values()} == checks


@pytest.mark.parametrize("name", ["good", "labelledgood"])
def test_the_good_ones_keep_every_promise(zoo, name):
    case = ModelCase(models[name])
    for check in checks_of("model"):
        run_check(check, case)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught_by_its_name(zoo, name):
    named, words = MISTAKES[name]
    (check,) = (check for check in checks_of("model") if check.__name__ == named)
    errors = (AssertionError, ganzoo.GanzooError, ContractNote)  # warnings are errors here
    with pytest.raises(errors, match=words):
        run_check(check, ModelCase(models[name.lower()]))


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
    assert "model_checks.py" not in done.stdout


NEAR = """
import ganzoo
import torch
from broken_zoo import Good


class OwnGenerator(Good):
    \"\"\"Draws with a generator of its own, seeded by the step, on the model's device.\"\"\"

    def losses(self, real):
        own = torch.Generator(real.device).manual_seed(self.step)
        torch.rand(1, generator=own, device=real.device)
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
    \"\"\"Has a teacher that follows the discriminator; its generator moves every other time.\"\"\"

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

    class Hparams(Good.Hparams):
        classes: int | None = None

    def losses(self, batch):
        yield from super().losses(batch.images)
        logits = self.logits(batch.images)
        yield self.discriminator, torch.nn.functional.cross_entropy(logits, batch.labels)

    def logits(self, images):
        numbers = torch.arange(self.hp.classes, device=images.device)
        return self.discriminator(images)[:, None] * numbers


class Declared(Good):
    \"\"\"Depends on the number of steps, and says so; thaws a bias in a later phase.\"\"\"

    depends_on_steps = True

    def phase(self, step):
        return step >= 2

    def enter_phase(self, phase):
        self.generator[0].bias.requires_grad_(phase)

    def losses(self, real):
        yield from super().losses(real * (1 - self.progress))


class FixedSize(Good):
    \"\"\"Has its size in its networks alone.\"\"\"

    Hparams = ganzoo.Hparams


class SetsBenchmark(Good):
    \"\"\"Decides for everybody how cuDNN chooses.\"\"\"

    def __init__(self, hp):
        super().__init__(hp)
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark


class PreviewsItsBatch(Good):
    \"\"\"Learns from two batches a step, and shows pictures of one.\"\"\"

    batches_per_step = 2

    def losses(self, batches):
        yield from super().losses(batches[0])

    def preview(self, batch):
        return batch.clone()


class ZeroAtFirst(Good):
    \"\"\"Draws the same grey for all seeds before training, and keeps the size of a batch.\"\"\"

    def initialise(self):
        torch.nn.init.zeros_(self.generator[0].weight)

    def losses(self, real):
        self.seen = len(real)
        yield from super().losses(real)
"""


@pytest.mark.parametrize(
    ("name", "check", "message"),
    [
        ("OwnGenerator", "neither_waits_for_the_device_nor_leaves_it", None),
        ("Counted", "neither_waits_for_the_device_nor_leaves_it", None),
        ("Copies", "neither_waits_for_the_device_nor_leaves_it", "CPU"),
        ("TwoLoose", "trains_every_network", "idle"),
        ("SetsBenchmark", "has_first_weights_that_follow_from_the_seed", "cuDNN"),
        ("Taught", "*", None),
        ("SemiSupervised", "*", None),
        ("Declared", "*", None),
        ("FixedSize", "*", None),
        ("PreviewsItsBatch", "shows_a_preview", None),
        ("ZeroAtFirst", "makes_what_its_task_says", None),
        ("ZeroAtFirst", "is_saved_and_resumed_bit_for_bit", None),
    ],
)
def test_what_torch_cannot_follow_is_not_judged_and_what_is_near_it_is(
    distribution, name, check, message
):
    distribution("odd-zoo", {"odd": f"odd_zoo:{name}"}, odd_zoo=NEAR, broken_zoo=ZOO)
    found = [one for one in checks_of("model") if check in (one.__name__, "*")]
    case = ModelCase(models["odd"])
    for one in found:
        with pytest.raises(AssertionError, match=message) if message else nullcontext():
            run_check(one, case)
    assert found


ODD_OTHERS = """
from dataclasses import replace
from functools import partial

import ganzoo
import numpy as np
import torch
from PIL import Image


class Leaky(ganzoo.Trainer):
    \"\"\"Gives every player the gradients of every move.\"\"\"

    def step(self, batch):
        losses = {}
        for turn in self.turns(batch):
            for optimizer in self.optimizers.values():
                optimizer.zero_grad()
            sum(turn.losses.values()).backward(retain_graph=True)
            for player in self.optimizers:
                self.update(player)
            losses |= {name: loss.detach() for name, loss in turn.losses.items()}
        return losses


class Numbers(ganzoo.Trainer):
    \"\"\"Reads its losses.\"\"\"

    def step(self, batch):
        return {name: loss.item() for name, loss in super().step(batch).items()}


class Graphs(ganzoo.Trainer):
    \"\"\"Keeps what its losses were computed of.\"\"\"

    def step(self, batch):
        losses = {}
        for turn in self.turns(batch):
            self.backward(turn)
            self.update(turn.player)
            losses |= turn.losses
        return losses


class Silent(ganzoo.Trainer):
    \"\"\"Reports the generator alone.\"\"\"

    def step(self, batch):
        losses = super().step(batch)
        return {name: loss for name, loss in losses.items() if name.startswith("generator")}


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
        for _, turn in zip(range(2), self.turns(batch)):
            losses |= self.backward(turn)
            self.update(turn.player)
        return losses


def black():
    return Image.new("L", (8, 8))


class Squares:
    licence = None
    info = ganzoo.DataInfo(size=8, channels=1, classes=("0", "1"))

    def __init__(self, argument=""):
        pass

    def items(self):
        return [ganzoo.Item(f"{i}", black, label=str(i % 2)) for i in range(4)]


class Unsorted(Squares):
    def items(self):
        return [ganzoo.Item(name, black) for name in {f"picture {i}" for i in range(50)}]


class IntLabels(Squares):
    def items(self):
        return [ganzoo.Item(one.name, one.read, label=int(one.label)) for one in super().items()]


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
        def draw(i):
            return Image.new("L", (8, 8), hash(f"{i}") % 256)

        return [ganzoo.Item(f"{i}", partial(draw, i)) for i in range(4)]


class IntAttributes(Squares):
    def items(self):
        return [replace(one, attributes={"level": 0}) for one in super().items()]


class Coloured(Squares):
    def items(self):
        return [ganzoo.Item(f"{i}", lambda: Image.new("RGB", (8, 8))) for i in range(4)]


class OneSize(Squares):
    def at_size(self, size):
        return self


class OtherNames(Squares):
    size = 8

    @property
    def info(self):
        return ganzoo.DataInfo(size=self.size, channels=1)

    def at_size(self, size):
        result = OtherNames()
        result.size = size
        return result

    def items(self):
        def draw():
            return Image.new("L", (self.size, self.size))

        return [ganzoo.Item(f"{i} of {self.size}", draw) for i in range(4)]


class NoArgument(Squares):
    def __init__(self):
        pass
"""


@pytest.mark.parametrize(
    ("name", "check", "message"),
    [
        ("Squares", None, None),
        ("Leaky", "lets_gradients_reach_the_mover_alone", r"self\.backward"),
        ("Numbers", "trains_every_player", r"Numbers\.step"),
        ("Graphs", "trains_every_player", "detach"),
        ("Silent", "trains_every_player", r"losses.*discriminator"),
        ("Counting", "is_saved_and_resumed_bit_for_bit", r"trainer\.count"),
        ("Publishing", "is_loaded_as_it_was_saved", "persistent=False"),
        ("LeavesEarly", "lets_gradients_reach_the_mover_alone", r"self\.turns"),
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
        ("IntAttributes", "has_attributes_that_are_text", "level"),
        ("Coloured", "draws_what_its_info_says", "RGB"),
        ("OneSize", "draws_any_size", "size"),
        ("OtherNames", "draws_any_size", "names"),
        ("NoArgument", "is_trained_on_whole", "odd-others"),
    ],
)
@pytest.mark.filterwarnings("ignore::ganzoo.testing.cases.ContractNote")
def test_mistakes_of_trainers_and_sources_are_caught_too(distribution, name, check, message):
    group = (
        "ganzoo.trainers" if f"class {name}(ganzoo.Trainer)" in ODD_OTHERS else "ganzoo.datasets"
    )
    distribution("odd-others", {"odd": f"odd_others:{name}"}, group=group, odd_others=ODD_OTHERS)
    (plugin,) = (
        p for registry in (trainers, datasets) for p in registry.plugins() if p.name == "odd"
    )
    case = case_of(plugin, {}, "dcgan-mini")
    for one in checks_of(plugin.kind) if check is None else []:
        run_check(one, case)
    for one in checks_of(plugin.kind):
        if one.__name__ == check:
            with pytest.raises((AssertionError, ganzoo.GanzooError), match=message):
                run_check(one, case)


NEEDY = """

class Needy(Squares):
    def __init__(self, argument=""):
        if not argument:
            raise ganzoo.DataError("needy: say how many")
"""
RETURNING = """
from broken_zoo import Good


class Returning(Good):
    '''Returns its losses (arXiv:1406.2661).'''

    def losses(self, real):
        return self.discriminator, self.discriminator(real).mean()
"""


def test_a_clear_error_is_one_line_and_what_needs_an_argument_says_how_to_give_one(
    distribution, tmp_path, inner_pytest
):
    needy = ODD_OTHERS + NEEDY
    distribution("needy-zoo", {"needy": "needy:Needy"}, group="ganzoo.datasets", needy=needy)
    distribution(
        "returning-zoo",
        {"returning": "returning:Returning"},
        broken_zoo=ZOO,
        returning=RETURNING,
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
    assert "model_checks.py" not in done.stdout


def test_what_an_import_changes_for_everybody_is_caught(distribution):
    source = "import torch\nfrom broken_zoo import Good\ntorch.set_default_dtype(torch.float64)\n"
    distribution("far-zoo", {"far": "far_zoo:Good"}, far_zoo=source, broken_zoo=ZOO)
    (check,) = (
        one for one in checks_of("model") if one.__name__ == "is_listed_without_being_imported"
    )
    with pytest.raises(AssertionError, match="dtype"):
        run_check(check, ModelCase(models["far"]))
    assert torch.get_default_dtype() == torch.float32


def test_a_name_that_another_package_has_is_caught(zoo, distribution):
    distribution("other-zoo", {"good": "broken_zoo:Good"})
    (check,) = (
        one for one in checks_of("model") if one.__name__ == "is_listed_without_being_imported"
    )
    mine = next(p for p in models.plugins() if (p.name, p.distribution) == ("good", "broken-zoo"))
    with pytest.raises(AssertionError, match="other-zoo"):
        run_check(check, ModelCase(mine))


TRAINERS = """
import torch
import ganzoo


class Accumulates(ganzoo.Trainer):
    \"\"\"In two parts, as it should be.\"\"\"

    retains_graphs = True

    def step(self, batch):
        losses = {}
        for turn in self.turns(batch):
            losses |= self.backward(turn)
            self.update(turn.player)
        return losses


class DropsAPart(ganzoo.Trainer):
    def step(self, batch):
        return super().step(batch[: len(batch) // 2])


class ClipsEverybody(ganzoo.Trainer):
    def step(self, batch):
        losses = {}
        for turn in self.turns(batch):
            losses |= self.backward(turn)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.update(turn.player)
        return losses


class LeavesARate(ganzoo.Trainer):
    def step(self, batch):
        losses = super().step(batch)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] *= 0.5
        return losses


class CountsInPython(ganzoo.Trainer):
    count = 0

    def step(self, batch):
        self.count += 1
        return super().step(batch * (1 - 0.1 * self.count))


class ReturnsNothing(ganzoo.Trainer):
    def step(self, batch):
        super().step(batch)


class ReturnsFloats(ganzoo.Trainer):
    def step(self, batch):
        return {name: loss.item() for name, loss in super().step(batch).items()}


class StopsEarly(ganzoo.Trainer):
    def step(self, batch):
        for turn in self.turns(batch):
            losses = self.backward(turn)
            self.update(turn.player)
            return losses


class Sums(ganzoo.Trainer):
    def step(self, batch):
        losses = {}
        for turn in self.turns(batch):
            losses |= self.backward(turn)
            for parameter in self.optimizers.trained(turn.player):
                parameter.grad *= 2
            self.update(turn.player)
        return losses
"""
OF_TRAINERS = {
    "DropsAPart": ("uses_every_image", "image"),
    "ClipsEverybody": ("leaves_other_gradients_out", "gradients"),
    "LeavesARate": ("leaves_rates_as_they_are", "rate"),
    "CountsInPython": ("is_saved_and_resumed_bit_for_bit", "buffer"),
    "ReturnsNothing": ("trains_every_player", "must return"),
    "ReturnsFloats": ("trains_every_player", "must return"),
    "StopsEarly": ("lets_gradients_reach_the_mover_alone", "end"),
    "Sums": ("steps_as_far_as_the_plain_trainer", "2"),
}


@pytest.fixture
def trainer_zoo(distribution):
    names = re.findall(r"^class (\w+)", TRAINERS, re.MULTILINE)
    entries = {name.lower(): f"trainer_zoo:{name}" for name in names}
    return distribution("trainer-zoo", entries, "ganzoo.trainers", trainer_zoo=TRAINERS)


@pytest.mark.parametrize("name", OF_TRAINERS)
def test_a_mistake_of_a_trainer_is_caught_by_its_name(trainer_zoo, name):
    named, words = OF_TRAINERS[name]
    (check,) = (check for check in checks_of("trainer") if check.__name__ == named)
    small = {"dcgan-mini": {"image_size": 8, "width": 4}}
    case = case_of(trainers[name.lower()], small, "dcgan-mini")
    with pytest.raises((AssertionError, ganzoo.GanzooError), match=words):
        run_check(check, case)


def test_a_good_trainer_keeps_every_promise(trainer_zoo):
    small = {"dcgan-mini": {"image_size": 8, "width": 4}}
    for check in checks_of("trainer"):
        run_check(check, case_of(trainers["accumulates"], small, "dcgan-mini"))
