"""Runs every block of docs/plugins.md, as the package that it describes."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo import augment, losses
from ganzoo.discovery.registry import datasets, models, trainers
from ganzoo.testing import checks_of, contract
from ganzoo.testing.cases import case_of, run_check

GUIDE = (Path(__file__).parent.parent / "docs/plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
MODULES = {
    Path(code[3:].partition('"""')[0]).stem: code for kind, code in BLOCKS if kind == "python"
}
(PACKAGE,) = (tomllib.loads(block) for kind, block in BLOCKS if kind == "toml")
COMMANDS = [
    line.partition("  #")[0] for kind, block in BLOCKS if not kind for line in block.splitlines()
]
QUICKLY = {
    "tiny-wgan": {
        "is_listed_without_being_imported",
        "names_its_paper",
        "trains_every_network",
        "is_saved_and_resumed_bit_for_bit",
        "makes_what_its_task_says",
    },
    "discs": {"says_what_it_is", "has_labels_that_are_its_classes", "is_trained_on_whole"},
}
"""Checks that are quick; all checks are a slow test."""
SMALL = {"tiny-wgan": {"image_size": 8, "width": 8}, "smallest": {"image_size": 8}, "discs": "8"}


@pytest.fixture
def package(distribution):
    """The package of the guide, installed."""
    code = {name: source for name, source in MODULES.items() if name != "test_contract"}
    registered = PACKAGE["project"]["entry-points"]
    for i, (group, entries) in enumerate(registered.items()):
        distribution(
            f"ganzoo-wgan{'-' * bool(i)}{i or ''}", entries, group=group, **(code if i == 0 else {})
        )


def test_no_block_is_left_out():
    assert sorted(PACKAGE["tool"]["setuptools"]["py-modules"]) == sorted(
        set(MODULES) - {"test_contract"}
    )
    assert {kind for kind, _ in BLOCKS} == {"python", "toml", ""}
    assert all(command.startswith(("ganzoo ", "pip install -e my-gan")) for command in COMMANDS)


def test_the_lines_are_counted():
    counts = [sum(bool(line.strip()) for line in code.splitlines()) for code in MODULES.values()]
    sentence = re.search(r"(\d+) lines\b[^.]*trainer\D*(\d+)[^.]*data source\D*(\d+)", GUIDE)
    assert [int(count) for count in sentence.groups()] == counts[1:4]


@pytest.mark.parametrize("name", ["smallest", "tiny-wgan", "clipped", "discs"])
@pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quickly", "whole"]
)
def test_its_plugins_keep_the_contract(package, name, whole):
    (plugin,) = (
        p for registry in (models, trainers, datasets) for p in registry.plugins() if p.name == name
    )
    case = case_of(plugin, SMALL, "dcgan-mini")
    checks = {check.__name__: check for check in checks_of(plugin.kind)}
    for check in checks if whole or name not in QUICKLY else QUICKLY[name]:
        run_check(checks[check], case)


def test_its_test_file_is_one_line(package):
    names = {
        "contract": lambda distribution, small: (
            contract("ganzoo", {}, without=["hf"]) and (distribution, small)
        )
    }
    line = MODULES["test_contract"].strip().splitlines()[-1]
    exec(line, names)  # noqa: S102  (our own guide)
    assert names["TestContract"] == (
        "ganzoo-wgan",
        {name: SMALL[name] for name in ("tiny-wgan", "discs")},
    )


def test_its_commands_work(package, ganzoo_command):
    for words in (command.replace('"', "").split() for command in COMMANDS):
        if words[0] == "pip" or words[2] == "my-gan":
            continue  # tests/test_new.py does that
        quickly = ["--set", "steps=2", "--set", "batch_size=8"] if words[1] == "train" else []
        done = ganzoo_command(*words[1:], *quickly)
        assert done.exit_code == 0, (words, done.output)
        assert words[:3] != ["ganzoo", "list", "*wgan*"] or "networks" in done.output
    assert ganzoo.load("runs/discs").hp.width == 256
    assert json.loads(Path("runs/discs/config.json").read_text())["options"]["trainer"] == "clipped"


def test_the_penalty_of_the_example_moves_the_critic_five_times_and_the_generator_once(package):
    model = ganzoo.create("tiny-wgan", image_size=8, channels=1, width=8)
    batches = torch.zeros(5, 4, 1, 8, 8).unbind()
    moves = list(model.losses(batches))
    assert [player for player, _ in moves] == [model.critic] * 5 + [model.generator]
    assert set(moves[0][1]) == {"real", "fake", "penalty"}


def test_what_is_public_is_listed_in_it():
    rows = dict(re.findall(r"^\| `(ganzoo[.\w]*)` \| (.*) \|$", GUIDE, re.MULTILINE))
    listed = {module: re.findall(r"`(\w+)`", names) for module, names in rows.items()}
    assert listed["ganzoo"] == sorted(ganzoo.__all__)
    for module in (losses, augment):
        own = [
            name
            for name, thing in vars(module).items()
            if getattr(thing, "__module__", None)
            in (module.__name__, "ganzoo.hparams.augmentation")
        ]
        assert listed[module.__name__] == sorted(name for name in own if not name.startswith("_"))
    assert listed["ganzoo.testing"] == ["contract"]


def test_every_check_of_a_model_is_in_its_table():
    table = GUIDE.partition("| check |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \| ", table, re.MULTILINE) == [
        check.__name__ for check in checks_of("model")
    ]
