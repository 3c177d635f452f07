"""The contract kit catches what a plugin can get wrong: each mistake by the check that is named after it."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.registry import datasets, models, trainers
from ganzoo.testing.cases import ModelCase, case_of, checks_of, tried

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
    "Counts": ("is_saved_and_resumed_bit_for_bit", "it ends with another self."),
    "KeepsATensor": (
        "is_saved_and_resumed_bit_for_bit",
        "ends with another self.mean than in one go: what is kept between steps is a buffer",
    ),
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
    "LazyCounter": ("is_saved_and_resumed_bit_for_bit", "it ends with another self.count than in one go"),
    "Scheduled": ("has_schedules_that_are_pure", "the learning rate of an optimizer changes in a step.*use lr_scale"),
    "OfItsStep": ("has_schedules_that_are_pure", "a pure function"),
    "DrawsUnpublished": (
        "is_loaded_as_it_was_saved",
        "the same weights in a model of another seed, or before its first step, make something else",
    ),
    "SeedsNumpy": ("has_first_weights_that_follow_from_the_seed", "the random state of Python or NumPy"),
    "WaitsToDraw": ("neither_waits_for_the_device_nor_leaves_it", r"could not be exported.*if latents.mean\(\) > 0"),
    "ScoresInADict": ("gives_scores_that_are_numbers", "gives dict: it must give ganzoo.Evaluation"),
    "ScoresOfTensors": ("gives_scores_that_are_numbers", "the score nearness is Tensor: it must be a number"),
    "PoolOfHalves": ("trains_in_bf16_too", r"with --precision bf16, .*Index put requires .*.float\(\)"),
    "NeverBlack": ("makes_what_its_task_says", "none of it below 0: black is -1"),
    "SeedsToDraw": ("makes_what_its_task_says", "sample changes torch's random state: draw with ganzoo.noise"),
    "OnlyTrains": (
        "has_a_task_that_the_hub_knows",
        r"it has no latents\(n, seed\) and generate\(latents, labels=None\)",
    ),
    "NoPreview": ("shows_a_preview", r"draws no images: .*: say what samples.png shows, def preview\(self, batch\)"),
    "FadesIn": ("is_loaded_as_it_was_saved", "or before its first step, make something else"),
    "Unbounded": ("makes_what_its_task_says", r"sample leaves \[-1, 1\] as weights grow: end the generator with tanh"),
    "PoolInAList": ("is_saved_and_resumed_bit_for_bit", "continued from a checkpoint, it ends with another self.pool"),
    "CountsInItsClass": (
        "is_saved_and_resumed_bit_for_bit",
        "continued from a checkpoint, it ends with another self.count",
    ),
    "Prints": ("neither_waits_for_the_device_nor_leaves_it", 'a tensor is printed, which needs its values .*f"{sum'),
    "NormalisesTheBatch": ("makes_what_its_task_says", "what classify says of an image depends on those beside it"),
    "PhaseOfItsOwn": ("has_schedules_that_are_pure", r"phase\(0\) is not the same twice"),
    "ThreadsInAStep": ("changes_the_mover_and_nobody_else", "a step changes the number of threads for everybody"),
    "OfItsSteps": ("is_saved_and_resumed_bit_for_bit", "planned for 3 steps and continued to 4, .* read self.progress"),
    "PenaltyCompiled": ("is_compiled_where_it_can_be", r"discriminator is in compiled\(\), and a penalty"),
    "ScoresNaN": ("gives_scores_that_are_numbers", "the score nearness is nan after no step: it must be finite"),
    "NeedsMore": ("stays_finite", "steps=4: at least 50; for its tests, give settings, contract"),
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


def test_pytest_says_which_check_which_model_and_what_to_do(zoo, tmp_path, inner_pytest):
    done = inner_pytest("--ganzoo", "broken-zoo", "--rootdir", tmp_path, "-k", "oddtask and (paper or hub_knows)")
    assert done.returncode == 1
    assert "_ TestContract.test_has_a_task_that_the_hub_knows[oddtask] _" in done.stdout
    assert "\noddtask: task = 'gan' is no pipeline tag of the Hub: unconditional-image-generation, " in done.stdout
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
        ("Copies", "neither_waits_for_the_device_nor_leaves_it", "copied from the CPU to the model's device, or back"),
        ("TwoLoose", "trains_every_network", "the model's own parameter idle is never trained"),
        (
            "SetsBenchmark",
            "has_first_weights_that_follow_from_the_seed",
            "changes the benchmarking of cuDNN for everybod",
        ),
        ("Taught", "*", None),
        ("SemiSupervised", "*", None),
        ("FixedSize", "*", None),
        ("ZeroAtFirst", "makes_what_its_task_says", None),
        ("ZeroAtFirst", "is_saved_and_resumed_bit_for_bit", None),
    ],
)
def test_what_torch_cannot_follow_is_not_judged_and_what_is_near_it_is(distribution, tmp_path, name, check, told):
    distribution("odd-zoo", {"odd": f"odd_zoo:{name}"}, odd_zoo=NEAR, broken_zoo=ZOO)
    found = [one for one in checks_of("model") if check in (one.__name__, "*")]
    case = ModelCase(models["odd"])
    for one in found:
        with pytest.raises(AssertionError, match=told) if told else nullcontext():
            tried(one, case, tmp_path / one.__name__)
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
        ("Leaky", "lets_gradients_reach_the_mover_alone", r"in the move of .*self.backward\(player, terms\)"),
        ("Numbers", "trains_every_player", r"Numbers.step\(batch\) gives .*, not tensors by the losses' names"),
        ("Graphs", "trains_every_player", "with its graph: return loss.detach"),
        ("Silent", "lets_gradients_reach_the_mover_alone", "does not return the losses of the discriminator"),
        ("Counting", "is_saved_and_resumed_bit_for_bit", "it ends with another trainer.count"),
        ("Publishing", "is_loaded_as_it_was_saved", "mean is new since the model was made.*persistent=False"),
        ("LeavesEarly", "lets_gradients_reach_the_mover_alone", "step.batch. leaves losses before its end"),
        ("Arrays", "reads_images_that_are_the_same_again", r"0: read\(\) gives ndarray; it must give bytes or a PIL"),
        ("Raising", "is_trained_on_whole", "0 cannot be read: ZeroDivisionError: division by zero"),
        ("InfoOfAMethod", "is_trained_on_whole", "the data source odd: its info is <bound method .*, not a property"),
        ("Generated", "has_the_same_items_in_the_same_order", "must be a sequence of ganzoo.Item"),
        ("Hashed", "reads_images_that_are_the_same_again", "0 is another in another process: draw it from its number"),
        ("Unsorted", "has_the_same_items_in_the_same_order", "in another process .* sort what comes of a set"),
        ("IntLabels", "has_labels_that_are_its_classes", "the label 0 is none of info.classes"),
        ("OddDomains", "has_domains_and_pairs_of_items", r"two sequences of ganzoo.Item"),
        ("OddPairs", "has_domains_and_pairs_of_items", r"\(source, target\) items for each pair"),
        ("Changing", "reads_images_that_are_the_same_again", "not the same when it is read again"),
        (
            "NoArgument",
            "is_trained_on_whole",
            "the data source 'odd' of the package odd-others 1.0 cannot be made of ''",
        ),
    ],
)
def test_mistakes_of_trainers_and_sources_are_caught_too(distribution, tmp_path, monkeypatch, name, check, told):
    group = "ganzoo.trainers" if f"class {name}(ganzoo.Trainer)" in ODD_OTHERS else "ganzoo.datasets"
    distribution("odd-others", {"odd": f"odd_others:{name}"}, group=group, odd_others=ODD_OTHERS)
    (plugin,) = (p for registry in (trainers, datasets) for p in registry.plugins() if p.name == "odd")
    case = case_of(plugin, {}, "dcgan-mini")
    for one in checks_of(plugin.kind) if check is None else []:
        tried(one, case, tmp_path / one.__name__)
    for one in checks_of(plugin.kind):
        if one.__name__ == check:
            with pytest.raises((AssertionError, ganzoo.GanzooError), match=told):
                tried(one, case, tmp_path)


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
    done = inner_pytest("--rootdir", tmp_path, "-k", "says_what or trains_every", tmp_path / "test_both.py")
    advice = "needy: say how many; for its tests, say what stands after the colon, contract(..., {'needy': '...'}), or"
    assert advice in done.stdout
    assert "\nreturning: returning: losses(batch) must yield (player, loss) for each move\n" in done.stdout
    assert "2 failed" in done.stdout
    assert "Traceback" not in done.stdout
    assert "of_models.py" not in done.stdout


def test_what_an_import_changes_for_everybody_is_caught(distribution, tmp_path):
    source = "import torch\nfrom broken_zoo import Good\ntorch.set_default_dtype(torch.float64)\n"
    distribution("far-zoo", {"far": "far_zoo:Good"}, far_zoo=source, broken_zoo=ZOO)
    (check,) = (one for one in checks_of("model") if one.__name__ == "is_listed_without_being_imported")
    with pytest.raises(AssertionError, match="importing it changes the default dtype for everybody"):
        tried(check, ModelCase(models["far"]), tmp_path)
    assert torch.get_default_dtype() == torch.float32


def test_a_name_that_another_package_has_is_caught(zoo, distribution, tmp_path):
    distribution("other-zoo", {"good": "broken_zoo:Good"})
    (check,) = (one for one in checks_of("model") if one.__name__ == "is_listed_without_being_imported")
    mine = next(p for p in models.plugins() if (p.name, p.distribution) == ("good", "broken-zoo"))
    with pytest.raises(AssertionError, match="other-zoo has a model of that name too"):
        tried(check, ModelCase(mine), tmp_path)
