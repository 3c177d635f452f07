"""The plugins of the guide, as a package: they keep the contract, and its tables are complete."""

import re
import tomllib

import pytest
import torch
from pages import ROOT, blocks_of

import ganzoo
from ganzoo import augment, losses
from ganzoo.discovery.registry import KINDS
from ganzoo.testing import checks_of, contract
from ganzoo.testing.cases import case_of, run_check

PLUGINS = ROOT / "docs/plugins"
PAGES = [PLUGINS / f"{name}.md" for name in ("model", "trainer", "data-source", "augmentation")]
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
MODULES = {block.file.removesuffix(".py"): block.code for block in BLOCKS if ".py" in block.file}
PACKAGES = [tomllib.loads(block.code) for block in BLOCKS if block.file == "pyproject.toml"]
CHECKS = (PLUGINS / "contract-tests.md").read_text("utf-8")
PUBLIC = (ROOT / "docs/plugins.md").read_text("utf-8")
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
    """The packages of the guide, installed."""
    for project in PACKAGES:
        for group, entries in project["project"]["entry-points"].items():
            code = {}
            for target in entries.values():
                module = target.partition(":")[0]
                code[module] = MODULES[module]
            distribution(project["project"]["name"], entries, group=group, **code)


@pytest.mark.parametrize("name", ["smallest", "tiny-wgan", "clipped", "discs", "adaptive"])
@pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quickly", "whole"]
)
def test_its_plugins_keep_the_contract(package, name, whole):
    (plugin,) = (p for registry in KINDS.values() for p in registry.plugins() if p.name == name)
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
    (block,) = blocks_of(PLUGINS / "contract-tests.md")
    _, _, code = block.code.partition("\n\n")
    exec(code, names)  # noqa: S102  (our own guide)
    assert names["TestContract"] == ("ganzoo-wgan", {"tiny-wgan": SMALL["tiny-wgan"]})


def test_the_penalty_of_the_example_moves_the_critic_five_times_and_the_generator_once(package):
    model = ganzoo.create("tiny-wgan", image_size=8, channels=1, width=8)
    batches = torch.zeros(5, 4, 1, 8, 8).unbind()
    moves = list(model.losses(batches))
    assert [player for player, _ in moves] == [model.critic] * 5 + [model.generator]
    assert set(moves[0][1]) == {"real", "fake", "penalty"}


def test_what_is_public_is_listed_in_it():
    rows = dict(re.findall(r"^\| `(ganzoo[.\w]*)` \| (.*) \|$", PUBLIC, re.MULTILINE))
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


@pytest.mark.parametrize(
    ("title", "kind"), [("check", "model"), ("check of a data source", "data source")]
)
def test_every_check_of_a_model_and_of_a_source_is_in_its_table(title, kind):
    table = CHECKS.partition(f"| {title} |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \| ", table, re.MULTILINE) == [
        check.__name__ for check in checks_of(kind)
    ]
