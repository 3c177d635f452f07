"""What a RUN is, for every verb: a path, else pretrained weights, else an id of the Hub."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from click.shell_completion import BashComplete
from PIL import Image
from scoring import DIGITS

import ganzoo
from ganzoo.cli import main

OLD = Path(__file__).parent / "format-1"
"""A run of dcgan-mini."""


def same(one, other):
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def test_weights_that_come_along_are_drawn_from_by_their_model(ganzoo_command):
    done = ganzoo_command("sample", "dcgan-mini", "-n", 4)
    assert done.exit_code == 0, done.output
    said, _ = done.output.splitlines()
    assert (
        said == "dcgan-mini: the pretrained weights dcgan-mini:faces in ganzoo_weights, cc-by-4.0"
    )
    assert Path("samples.png").exists()
    Path("runs/dcgan-mini").mkdir(parents=True)
    assert "runs/dcgan-mini" in ganzoo_command("sample", "dcgan-mini", "-n", 4).output


def test_a_path_goes_first(ganzoo_command):
    shutil.copytree(OLD, "dcgan-mini")
    assert same(ganzoo.load("dcgan-mini"), ganzoo.load(OLD))
    done = ganzoo_command("sample", "dcgan-mini", "-n", 4)
    assert "pretrained" not in done.output
    assert not same(ganzoo.load("dcgan-mini:digits"), ganzoo.load(OLD))


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("generate cdcgan-mini --per-class 1 --out more", "cdcgan-mini:hair"),
        ("push dcgan-mini:digits me/digits --dry-run", "digits"),
        ("translate cyclegan-mini one.png two.png", "cyclegan-mini:hair"),
    ],
)
def test_every_verb_takes_pretrained_weights(ganzoo_command, words, name):
    Image.new("L", (8, 8)).save("one.png")
    done = ganzoo_command(*words.split())
    assert done.exit_code == 0, done.output
    assert name in done.output.splitlines()[0]


def test_python_takes_pretrained_weights_too():
    assert same(ganzoo.load(ganzoo.Run(OLD)), ganzoo.Run(OLD).model)
    assert same(ganzoo.load("dcgan"), ganzoo.create("dcgan", pretrained=True))
    expected = ganzoo.load("dcgan-mini:digits")
    assert same(ganzoo.create("dcgan-mini", pretrained="dcgan-mini:digits"), expected)
    model = ganzoo.create("dcgan-mini", **DIGITS, seed=9)
    ganzoo.adapt(model, "dcgan-mini:digits")
    assert same(model, expected)


def test_the_home_folder_is_a_tilde(monkeypatch, tmp_path, ganzoo_command):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(OLD, tmp_path / "mine")
    assert ganzoo.load("~/mine")
    done = ganzoo_command("sample", "~/mine", "-n", 1, "--out=~/one.png")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "one.png").exists()


def test_what_is_none_of_the_three_names_them(ganzoo_command):
    shutil.copytree(OLD, "runs/mine")
    Path("ada").mkdir()
    for name, way_out in {
        "mine": "did you mean runs/mine",
        "dcgan-mini:digit": "did you mean dcgan-mini:digits",
        "runs/none": "hf:runs/none",
        "ada/none": "hf:ada/none",
        "../none": "hf:user/name",
        "./dcgan-mini": "ganzoo list --pretrained",
    }.items():
        done = ganzoo_command("sample", name)
        assert done.exit_code == 1
        assert way_out in done.stderr
        assert "a folder, pretrained weights" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_declared_weights_are_those_of_their_sha256(distribution):
    site = distribution("their-weights", {"their": "their_weights"}, group="ganzoo.weights")
    package = site / "their_weights"
    shutil.copytree(OLD, package / "small")
    (package / "__init__.py").touch()
    row = {"model": "dcgan-mini", "name": "small", "licence": "cc0-1.0", "folder": "small"}
    text = json.dumps({"weights": [{**row, "sha256": "0" * 64}]})
    (package / "weights.json").write_text(text)
    with pytest.raises(ganzoo.StateError, match="sha256"):
        ganzoo.load("dcgan-mini:small")
    (package / "weights.json").write_text(json.dumps({"weights": [row]}))
    assert same(ganzoo.load("dcgan-mini:small"), ganzoo.load(OLD))
    del row["folder"]
    (package / "weights.json").write_text(json.dumps({"weights": [row]}))
    with pytest.raises(ganzoo.StateError, match="no run"):  # the declaration is not readable
        ganzoo.load("dcgan-mini:small")


@pytest.mark.parametrize("words", ["sample cdc", "train dcgan-mini --from cdc"])
def test_the_shell_completes_pretrained_weights(monkeypatch, words):
    monkeypatch.setenv("COMP_WORDS", f"ganzoo {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    completion = BashComplete(main, {}, "ganzoo", "_GANZOO_COMPLETE").complete()
    weights = ["plain,cdcgan-mini:digits", "plain,cdcgan-mini:hair"]
    assert sorted(completion.splitlines()) == ["dir,cdc", *weights]
