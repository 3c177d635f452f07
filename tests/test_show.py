"""`ganzoo show`: a model before it is trained, and a run afterwards."""

import json
import shlex
import shutil
from pathlib import Path

import pytest

import ganzoo
from ganzoo.testing import registered
from ganzoo.zoo import model_class

OLD = Path(__file__).parent / "format-1"


def test_show_tells_what_the_design_promises(ganzoo_command):
    page = ganzoo_command("show", "dcgan").output
    for fact in (
        "https://arxiv.org/abs/1511.06434",
        "3,576,704",
        "2,765,568",
        "alternating",
        "ganzoo_dcgan:DCGAN",
        "0.5,0.999",
    ):
        assert fact in page
    known = json.loads(ganzoo_command("show", "dcgan-mini", "--json").output)
    assert known["data"] == "faces"
    assert known["paper"] == "https://arxiv.org/abs/1511.06434"
    (width,) = [field for field in known["hyperparameters"] if field["name"] == "width"]
    assert (width["type"], width["default"]) == ("int, from 1 to 1,024", 24)
    assert width["help"].startswith("channels")
    assert "digits" in [weights["name"] for weights in known["pretrained"]]


def test_show_of_a_model_whose_size_depends_on_the_data(toy, ganzoo_command):
    page = ganzoo_command("show", "toy").output
    assert "depend" in page
    assert "none" in page
    assert "ganzoo-toy 0.3" in page


def test_every_hyperparameter_of_every_model_has_a_help_text():
    for plugin in registered("ganzoo"):
        if plugin.kind == "model":
            for field, kind in model_class(plugin).Hparams.annotations().items():
                assert kind.help, f"{plugin.name}: {field}"


@pytest.mark.parametrize("columns", [60, 200])
def test_the_page_fits_the_terminal(ganzoo_command, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    page = ganzoo_command("show", "cdcgan-mini").output
    assert max(map(len, page.splitlines())) <= min(columns, 100) + 10
    assert "class-conditional-image-generation" in page
    assert "share of the data that is held out" in " ".join(page.split())
    assert "weights  cdcgan-mini:digits in ganzoo_weights" in page


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with a checkpoint and a score."""
    from click.testing import CliRunner

    from ganzoo.cli import main

    folder = tmp_path_factory.mktemp("trained") / "run"
    words = ["train", "finetune", "--data", "digits", "--set", "backbone=test_resnet"]
    words += ["--set", "pretrained=false", "--set", "image_size=32", "--set", "steps=1"]
    done = CliRunner().invoke(main, [*words, "--device", "cpu", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def test_a_run_says_what_it_is_and_how_to_go_on(trained, ganzoo_command):
    page = " ".join(ganzoo_command("show", trained).output.split())
    for fact in (
        "finetune (ganzoo",
        "1 of 1; checkpoints: 1",
        "accuracy 0.",
        "of 359 images: ",
        "digits, 1,797 images; CC-BY-4.0",
        "10: 0, 1,",
        "alternating, fp32",
        "first weights",
        "classifier",
    ):
        assert fact in page, fact
    known = json.loads(ganzoo_command("show", trained, "--json").output)
    assert known["weights_size"] == (trained / "model.safetensors").stat().st_size
    assert known["training_size"] > known["weights_size"]
    assert shlex.join(known["command"]) in page
    again = ganzoo_command(*known["command"][1:])
    assert "is finished" in again.output


def test_the_name_of_a_model_wins_over_a_folder(ganzoo_command):
    shutil.copytree(OLD, "dcgan")
    shutil.copytree(OLD, "runs/mine")
    assert "hyperparameters" in ganzoo_command("show", "dcgan").output
    for folder in ("./dcgan", "runs/mine"):
        page = ganzoo_command("show", folder).output
        assert "dcgan-mini (ganzoo 0.1.0)" in page
        assert "generator" in page
        assert f"ganzoo train dcgan-mini --from {Path(folder)} --out NEW" in page
    shutil.copytree("dcgan", "mine")
    assert "3 of 3" in ganzoo_command("show", "mine").output


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("dcgam", 2, "did you mean 'dcgan'"),
        ("runs/dcgan-mni", 1, "did you mean runs/dcgan-mini"),
        ("runs", 1, "config.json"),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest(ganzoo_command, name, code, message):
    shutil.copytree(OLD, "runs/dcgan-mini")
    done = ganzoo_command("show", name)
    assert done.exit_code == code
    assert message in done.stderr


def test_a_run_whose_model_is_gone_is_shown_too(ganzoo_command):
    shutil.copytree(OLD, "run")
    config = json.loads(Path("run/config.json").read_text())
    config["model"]["distribution"] = "zoo-gone"
    Path("run/config.json").write_text(json.dumps(config))
    page = ganzoo_command("show", "run").output
    assert "dcgan-mini (zoo-gone 0.1.0)" in page
    assert "unknown without" in page


@pytest.mark.parametrize("value", [None, 3, "x", [1], {"a": 1}])
def test_a_strangers_configuration_is_shown_or_refused(ganzoo_command, value):
    shutil.copytree(OLD, "run")
    config = json.loads(Path("run/config.json").read_text())
    for place in ("hyperparameters/steps", "data/images", "data/source", "licence", "metrics/x"):
        changed = json.loads(json.dumps(config | {"metrics": {"accuracy": 0.5}}))
        *group, key = place.split("/")
        inside = changed[group[0]] if group else changed
        inside[key] = value
        Path("run/config.json").write_text(json.dumps(changed))
        done = ganzoo_command("show", "run")
        assert done.exit_code in (0, 1), done.exception
        assert not isinstance(done.exception, TypeError | ValueError | AttributeError)


def test_a_run_that_was_trained_from_python_has_no_command(ganzoo_command):
    model = ganzoo.create("dcgan-mini", image_size=8, channels=1, width=4, batch_size=4, steps=1)
    trainer = ganzoo.Trainer(model, ganzoo.noise(8, 1, 8, 8, seed=0).clamp(-1, 1))
    list(trainer)
    trainer.save("mine")
    page = ganzoo_command("show", "mine").output
    assert "passed in from Python, 8 images" in page
    assert "ganzoo.Trainer.resume" in page
