"""Verbs on trained runs: large samples, generated data sets, what `show` survives, messages."""

import json
import logging
import re
from pathlib import Path

import click
import pytest
import torch
from PIL import ExifTags, Image
from support import SMALL
from tqdm import tqdm

import ganzoo
from ganzoo.cli import VERBS, main
from ganzoo.hub import transfer
from ganzoo.model.construct import initialised
from ganzoo.model.inference import Inference
from ganzoo.state.config import Config
from ganzoo.state.weights import write_weights


def run_of(name, folder, **hyperparameters):
    """A run with first weights, whose classes have no names."""
    plugin = ganzoo.models[name]
    kind = plugin.load()
    model = initialised(kind, kind.Hparams().replaced(hyperparameters), plugin=plugin)
    config = Config.of(model, trainer="alternating", precision="fp32", data={})
    Path(folder).mkdir()
    write_weights(Path(folder), model, config)
    return folder


def generator(folder="run", **hyperparameters):
    small = {**SMALL["cdcgan-mini"], "classes": 2, **hyperparameters}
    return run_of("cdcgan-mini", folder, **small)


def classifier(folder="judge", **hyperparameters):
    return run_of("finetune", folder, **{**SMALL["finetune"], "classes": 2, **hyperparameters})


@pytest.mark.parametrize(
    "line",
    ["float(torch.ones(1).sum())", "(torch.ones(1) / 0).numpy()", "raise ValueError('no meta')"],
)
def test_show_survives_a_model_that_cannot_be_built_without_its_values(
    distribution, ganzoo_command, line
):
    source = f"""
        import ganzoo, torch
        class Odd(ganzoo.Model):
            "Computes with values."
            task = "unconditional-image-generation"
            def __init__(self, hp):
                super().__init__(hp)
                self.layer = torch.nn.Linear(2, 2)
                {line}
        """
    distribution("odd-zoo", {"odd": "odd_zoo:Odd"}, odd_zoo=re.sub(r"(?m)^ {8}", "", source))
    done = ganzoo_command("show", "odd")
    assert done.exit_code == 0, done.exception
    assert "depend on the data" in done.output
    assert json.loads(ganzoo_command("show", "odd", "--json").output)["networks"] == {}


def test_a_folder_of_samples_is_written_batch_by_batch(ganzoo_command, monkeypatch):
    run = generator()
    expected = ganzoo.to_pil(ganzoo.load(run).sample(70, seed=3))
    kind = ganzoo.models["cdcgan-mini"].load()
    generate = kind.generate
    written = []

    def counting(self, latents, labels=None):
        written.append(len(list(Path().glob(".tmp-many-*/*.png"))))
        return generate(self, latents, labels)

    monkeypatch.setattr(kind, "generate", counting)
    done = ganzoo_command("sample", run, "-n", 70, "--seed", 3, "--out", "many")
    assert done.exit_code == 0, done.output
    assert written == [0, 64]
    for i, picture in enumerate(expected):
        with Image.open(f"many/{i:06}.png") as file:
            assert file.tobytes() == picture.tobytes()


def test_batches_of_samples_are_the_samples():
    model = ganzoo.create("cdcgan-mini", image_size=8, width=2, classes=3)
    batches = list(model.sample_batches(70, seed=1))
    assert [len(batch) for batch in batches] == [64, 6]
    assert torch.equal(torch.cat(batches), model.sample(70, seed=1))
    assert model.training
    assert [len(batch) for batch in model.sample_batches(0)] == [0]
    with pytest.raises(ganzoo.UsageError, match="labels"):
        model.sample_batches(2, labels=torch.tensor([0, 3]))


def test_a_classifier_of_classes_without_names_filters(ganzoo_command):
    words = ["--per-class", 3, "--classifier", classifier(), "--confidence", 0, "--out", "more"]
    done = ganzoo_command("generate", generator(), *words)
    assert done.exit_code == 0, done.output
    rows = json.loads(Path("more/manifest.json").read_text())["images"]
    assert [row["class"] for row in rows] == ["0"] * 3 + ["1"] * 3
    assert all(0 <= row["confidence"] <= 1 for row in rows)


def test_channels_that_differ_are_refused_before_an_image_is_drawn(ganzoo_command, monkeypatch):
    colours, grey_classifier = generator(channels=3), classifier(channels=1)
    monkeypatch.setattr(Inference, "sample", lambda *_: pytest.fail("an image was drawn"))
    words = ["--per-class", 1, "--classifier", grey_classifier, "--out", "more"]
    done = ganzoo_command("generate", colours, *words)
    assert done.exit_code == 1
    assert "channels=3" in done.stderr
    assert "channels=1" in done.stderr
    assert not Path("more").exists()


def test_the_old_name_of_generate_still_works_and_no_help_shows_it(ganzoo_command):
    run = generator()
    for verb in ("augment", "generate"):
        words = ["--per-class", 2, "--seed", 4, "--out", verb]
        assert ganzoo_command(verb, run, *words).exit_code == 0
    files = sorted(path.relative_to("generate") for path in Path("generate").rglob("*.*"))
    assert len(files) == 5
    assert all(Path("augment", f).read_bytes() == Path("generate", f).read_bytes() for f in files)
    assert "\n  augment " not in ganzoo_command("--help").output
    assert "--config" not in ganzoo_command("train", "--help").output


TRUNCATED = """
from typing import Annotated
import ganzoo
from ganzoo_dcgan import CDCGANMini

class Truncated(CDCGANMini):
    "Draws near the mean (arXiv:1809.11096)."

    class Use(ganzoo.Use):
        truncation: Annotated[float, ganzoo.Range(0, 1), "how far from the mean"] = 1.0

    def generate(self, latents, labels=None, *, truncation):
        return super().generate(latents * truncation, labels)

    def sample_batches(self, n, *, seed=0, labels=None, truncation=1.0):
        yield self.sample(n, seed=seed, labels=labels, truncation=truncation)
"""


@pytest.fixture
def truncated(distribution):
    """A run of a model with a setting of use."""
    distribution("zoo-cut", {"truncated": "zoo_cut:Truncated"}, zoo_cut=TRUNCATED)
    return run_of("truncated", "run", **SMALL["cdcgan-mini"], classes=2)


def test_a_setting_of_use_is_shown_and_recorded_beside_what_is_drawn(truncated, ganzoo_command):
    for name in ("truncated", truncated):
        assert "how far from the mean" in " ".join(ganzoo_command("show", name).output.split())
    words = ["--use", "truncation=0.5", "--seed", 3]
    done = ganzoo_command("sample", truncated, "-n", 2, "--out", "two", "--label", 1, *words)
    assert done.exit_code == 0, done.output
    recorded = json.loads(Path("two/settings.json").read_text())
    assert recorded["use"] == {"truncation": 0.5}
    assert (recorded["seed"], recorded["labels"]) == (3, ["1"])
    ganzoo_command("sample", truncated, "-n", 2, "--out", "two.png", "--label", 1, *words)
    with Image.open("two.png") as picture:
        assert json.loads(picture.getexif()[ExifTags.Base.ImageDescription]) == recorded
    model = ganzoo.load(truncated)
    for options in ({}, {"truncation": 0.0}):
        still = model.sample(2, labels=1, **options)
        assert still[0].equal(still[1]) == bool(options)


def test_generated_data_say_which_settings_draw_them_again(truncated, ganzoo_command):
    words = ["--per-class", 2, "--out", "more", "--use", "truncation=0.25"]
    done = ganzoo_command("generate", truncated, *words)
    assert done.exit_code == 0, done.output
    manifest = json.loads(Path("more/manifest.json").read_text())
    assert manifest["use"] == {"truncation": 0.25}
    row = manifest["images"][-1]
    again = ganzoo.load(truncated).sample(
        row["index"] + 1, seed=row["seed"], labels=row["class"], **manifest["use"]
    )
    with Image.open(Path("more", row["file"])) as file:
        assert file.tobytes() == ganzoo.to_pil(again)[-1].tobytes()


@pytest.mark.parametrize(
    ("value", "words"),
    [("trunkation=1", "'truncation'"), ("truncation=2", "from 0 to 1"), ("truncation", "--use")],
)
@pytest.mark.parametrize("verb", [["sample"], ["generate", "--per-class", "1"]], ids="-".join)
def test_a_wrong_setting_of_use_is_one_line(truncated, ganzoo_command, verb, value, words):
    done = ganzoo_command(*verb, truncated, "--out", "out", "--use", value)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("out").exists()


def verbs():
    context = click.Context(main)
    for verb in VERBS:
        command = main.get_command(context, verb)
        subcommands = getattr(command, "commands", {"": command})
        yield from ((f"{verb} {name}".strip(), one) for name, one in subcommands.items())


@pytest.mark.parametrize(("verb", "command"), list(verbs()))
def test_every_option_has_a_help_and_every_summary_fits(verb, command):
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or parameter.help, parameter.name
    assert not command.get_short_help_str(60).endswith("...")


def log(*words, **_):
    logging.getLogger("ganzoo.hub").info("a message on %s", words[0])
    logging.getLogger("ganzoo.hub").debug("a detail")
    return "folder"


def test_the_command_prints_messages_and_puts_logging_back(ganzoo_command, monkeypatch):
    logger = logging.getLogger("ganzoo")
    before = logger.level, list(logger.handlers)
    monkeypatch.setattr(transfer, "pull", log)
    assert ganzoo_command("pull", "a/b").stdout == "a message on a/b\nfolder\n"
    with tqdm(total=2):
        assert ganzoo_command("pull", "a/b").stdout == "a message on a/b\nfolder\n"
    assert (logger.level, list(logger.handlers)) == before


def test_messages_leave_a_json_document_whole(ganzoo_command, monkeypatch):
    from ganzoo.use import show

    monkeypatch.setattr(show, "info", lambda name: log(name) and {})
    done = ganzoo_command("show", "dcgan", "--json")
    assert json.loads(done.stdout) == {}
    assert done.stderr == "a message on dcgan\n"
