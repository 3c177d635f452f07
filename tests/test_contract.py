"""Our own models, trainers and data sources keep the contract that strangers check with."""

import shutil

import pytest
import torch
from PIL import Image
from support import SMALL

import ganzoo
from ganzoo.discovery.registry import datasets
from ganzoo.testing import checks_of, contract, registered
from ganzoo.testing.cases import ModelCase, SourceCase, case_of, run_check
from ganzoo.testing.recording import recorded

TestContract = contract(
    "ganzoo", {**SMALL, "faces": "n=24"}, without=("folder", "zip", "hf", "torchvision")
)  # which need files, or a network


@pytest.mark.parametrize("name", ["folder", "zip"])
def test_files_keep_the_contract_of_sources(tmp_path, name):
    files = tmp_path / "files"
    for label in ("ash", "elm"):
        (files / label).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (9, 8), (i, 40, 80)).save(files / label / f"{i}.png")
    argument = (
        str(files)
        if name == "folder"
        else shutil.make_archive(str(tmp_path / "files"), "zip", files)
    )
    for check in checks_of("data source"):
        check(SourceCase(datasets[name], argument))


@pytest.mark.filterwarnings("ignore::ganzoo.testing.cases.ContractNote")
def test_the_toy_is_held_to_it(toy):
    """A package with a test file, and without: tests/test_broken_plugins.py, tests/test_new.py."""
    small = {"toy": {"image_size": 8}, "toy-squares": "16"}
    tests = [
        (plugin, check) for plugin in registered("ganzoo_toy") for check in checks_of(plugin.kind)
    ]
    assert len(tests) == 76
    cases = {plugin: case_of(plugin, small, "dcgan-mini") for plugin, _ in tests}
    for plugin, check in tests:
        run_check(check, cases[plugin])


def test_pytest_refuses_what_is_not_installed(inner_pytest):
    unknown = inner_pytest("--ganzoo", "nobody")
    assert unknown.returncode == pytest.ExitCode.USAGE_ERROR
    assert "nobody" in unknown.stderr


def test_names_that_are_not_there_are_refused(toy):
    with pytest.raises(ganzoo.UnknownName, match="'tyo'"):
        contract("ganzoo-toy", {"tyo": {}})
    with pytest.raises(ganzoo.UnknownName, match="'dcgan'"):
        contract("ganzoo-toy", without=["dcgan"])
    with pytest.raises(ganzoo.UnknownName, match="ganzoo-tyo"):
        contract("ganzoo-tyo")


ADVERSARIAL = [plugin.name for plugin in registered("ganzoo") if plugin.kind == "model"]
ADVERSARIAL.remove("finetune")


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_every_adversarial_model_takes_diffaugment_and_is_trained_otherwise_with_it(name):
    plain = ModelCase(ganzoo.models[name], SMALL[name] | {"steps": 1})
    altered = {"colour": 1.0, "translation": 0.125, "cutout": 0.5}
    seen = [
        recorded(plain.trainer(plain.model(**{k: v * on for k, v in altered.items()})))
        for on in (0, 1)
    ]
    assert seen[0].losses[0].keys() == seen[1].losses[0].keys()
    assert seen[0].losses != seen[1].losses
    judges = {parameter for parameter in seen[0].after if "discriminator" in parameter}
    assert judges
    assert not all(
        torch.equal(seen[0].after[parameter], seen[1].after[parameter]) for parameter in judges
    )
