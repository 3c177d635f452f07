"""Input that is odd: one line each, in the command and in Python."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from support import SMALL
from torch import nn

import ganzoo
from ganzoo.data import files
from ganzoo.data.check import check
from ganzoo.data.open import open_data
from ganzoo.data.sampler import SequentialSampler
from ganzoo.zoo import model_class


def folder_of(name, count=8, size=8, label=""):
    folder = Path(name, label)
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("L", (size, size), number * 20).save(folder / f"{number}.png")
    return name


# The command


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("list --pretrained --kind trainer", "a trainer has none"),
        ("list none-* --pretrained", "no package declares"),
        ("data check pictures --set lr=1", "--set requires --model"),
        ("data check pictures --sheet sheet.jpg", "a contact sheet is a .png"),
        ("data check ''", "the data source is empty"),
        ("train dcgan-mini --data zoo/digit:1", "no folder or zip"),
    ],
)
def test_a_mistake_is_one_line(ganzoo_command, words, part):
    folder_of("pictures")
    done = ganzoo_command(*(word.strip("'") for word in words.split()))
    assert part in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_sources_are_checked_as_two_domains(ganzoo_command):
    folder_of("one"), folder_of("two")
    done = ganzoo_command("data", "check", "one", "two")
    assert "one and two: 16 files" in done.output
    assert "in both domains" in done.output


def test_a_page_counts_the_most_frequent_sizes_alone(ganzoo_command):
    Path("sizes").mkdir()
    for size in range(8, 24):
        Image.new("L", (size, size)).save(f"sizes/{size}.png")
    assert "and 4 more" in ganzoo_command("data", "check", "sizes").output


def test_nothing_to_classify_is_said(ganzoo_command):
    settings = [word for name in ("classes=2",) for word in ("--set", name)]
    words = [f"{name}={value}" for name, value in SMALL["finetune"].items() if name != "classes"]
    words = [word.replace("(0.5,)", "0.5") for word in words]
    settings += [part for word in words for part in ("--set", word)]
    folder_of("data", label="a"), folder_of("data", label="b")
    done = ganzoo_command(
        "train",
        "finetune",
        "--data",
        "data",
        *settings,
        "--set",
        "steps=1",
        "--set",
        "batch_size=4",
    )
    assert done.exit_code == 0, done.output
    Path("texts").mkdir()
    Path("texts/a.txt").write_text("no picture")
    done = ganzoo_command("classify", "runs/finetune", "texts")
    assert "no pictures that can be classified" in done.stderr


def test_two_files_of_one_name_are_not_imported(ganzoo_command):
    for folder in ("a", "b"):
        Path(folder).mkdir()
        save_file({"x": torch.zeros(1)}, f"{folder}/net.safetensors")
    words = ["a/net.safetensors", "b/net.safetensors", "--out", "run"]
    done = ganzoo_command("import", "cyclegan", *words)
    assert "two of the files have the name net" in done.stderr
    assert not Path("run").exists()


# Data


def opened(data, view=torch.Tensor, **hyperparameters):
    return open_data(data, ganzoo.Hparams(batch_size=2, **hyperparameters), view)


def fetched(data):
    images = data.parts[0]
    numbers = torch.arange(len(images))
    return images.fetch(SequentialSampler(numbers, len(images), 0, "order"), 0)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (torch.zeros(4, 1, 8, 6), "8,6"),
        (np.zeros((4, 8, 8), np.int64), "uint8 or floats"),
        (np.array([["a"]]), "uint8 or floats"),
        ([(Image.new("L", (8, 8)), "cat")] * 4, "names.index"),
    ],
)
def test_images_of_another_kind_are_refused(data, part):
    with pytest.raises(ganzoo.DataError, match=part):
        opened(data, image_size=8)


def test_pairs_of_a_tensor_and_a_list_are_refused():
    pictures = [Image.new("L", (8, 8))] * 4
    with pytest.raises(ganzoo.DataError, match="two tensors"):
        opened((torch.zeros(4, 1, 8, 8), pictures), ganzoo.Pair)


def test_tensors_of_other_shapes_in_one_batch_are_refused():
    data = [torch.zeros(1, 8, 8), torch.zeros(1, 8, 8), torch.zeros(1, 6, 8)]
    with pytest.raises(ganzoo.DataError, match="differ in shape"):
        fetched(opened(data))


def test_a_picture_among_tensors_and_a_broken_picture_are_named():
    with pytest.raises(ganzoo.DataError, match=r"item 1.*the first is a tensor"):
        fetched(opened([torch.zeros(1, 8, 8), Image.new("L", (8, 8))]))
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(file, "PNG")
    torn = Image.open(io.BytesIO(file.getvalue()[:1500]))
    with pytest.raises(ganzoo.DataError, match=r"item 1.*cannot be decoded"):
        fetched(opened([Image.new("L", (64, 64)), torn]))


def test_labels_in_a_list_are_known_before_the_first_batch():
    pictures = [(Image.new("L", (8, 8)), number % 3) for number in range(6)]
    dicts = [{"image": picture, "label": label} for picture, label in pictures]
    for data in (pictures, dicts):
        assert opened(data, ganzoo.Labelled).info.classes == ("0", "1", "2")


def test_a_class_that_the_source_does_not_name_is_refused(distribution):
    distribution(
        "odd",
        {"odd": "odd:Odd"},
        "ganzoo.datasets",
        odd="import ganzoo\nfrom PIL import Image\nclass Odd:\n"
        "    licence, info = None, ganzoo.DataInfo(size=8, channels=1, classes=('a', 'b'))\n"
        "    def __init__(self, argument): pass\n"
        "    def items(self):\n"
        "        return [ganzoo.Item(f'{i}', lambda: Image.new('L', (8, 8)), 'c')"
        " for i in range(4)]\n",
    )
    with pytest.raises(ganzoo.DataError, match="unknown class 'c'"):
        opened("odd", ganzoo.Labelled)


def test_a_source_may_be_named_with_its_distribution():
    assert len(opened("ganzoo/digits:", ganzoo.Labelled)) == 1797


def test_a_file_that_is_too_large_and_a_folder_that_is_closed_are_named(monkeypatch):
    folder_of("open")
    folder_of("open", label="closed")
    monkeypatch.setattr(files, "LARGEST", 50)
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    kinds = {finding.kind for finding in check(["open"]).findings}
    assert kinds == {"too large", "unreadable"}
    folder_of("closed")
    with pytest.raises(ganzoo.DataError, match="cannot be read"):
        check(["closed"])


# Models


def test_what_a_model_does_not_do_is_said():
    model = ganzoo.create("dcgan-mini", **SMALL["dcgan-mini"])
    images = torch.zeros(1, 1, 16, 16)
    for call in (
        lambda: model.translated(images, "a2b"),
        lambda: model.logits(images),
        lambda: model.evaluate([]),
    ):
        with pytest.raises(ganzoo.Unsupported, match="dcgan-mini has no"):
            call()


class Nothing(ganzoo.Model):
    """No parameters, and hyperparameters that are none."""

    task = "unconditional-image-generation"


def test_a_model_without_parameters_is_on_the_cpu_in_fp32():
    model = Nothing(ganzoo.Hparams(ema=0.5))
    assert model.device == torch.device("cpu")
    assert model.dtype == torch.float32
    assert model.averaged() == []


@pytest.mark.parametrize("name", ["step", "classes", "rand", "device"])
def test_a_network_with_the_name_of_something_else_is_refused(name):
    class Odd(Nothing):
        def __init__(self, hp):
            super().__init__(hp)
            setattr(self, name, nn.Linear(1, 1))

    with pytest.raises(ganzoo.PluginError, match=name):
        ganzoo.create(Odd)


def test_a_class_without_an_entry_point_has_no_pretrained_weights():
    with pytest.raises(ganzoo.PluginError, match="registered under no name"):
        ganzoo.create(Nothing, pretrained=True)


def test_a_model_whose_hyperparameters_are_none_is_refused(distribution):
    code = (
        "import ganzoo\nclass Odd(ganzoo.Model):\n"
        "    task = 'unconditional-image-generation'\n    class Hparams: pass\n"
    )
    distribution("odd", {"odd": "odd:Odd"}, odd=code)
    with pytest.raises(ganzoo.PluginError, match=r"ganzoo\.Hparams as the base"):
        model_class(ganzoo.models["odd"])


# Runs


def test_a_folder_that_is_no_run_yet_shows_its_name():
    assert repr(ganzoo.Run("none")) == "Run('none')"
    assert "none" in ganzoo.Run("none")._repr_html_()


def test_a_folder_with_a_damaged_config_is_not_replaced_by_save():
    model = ganzoo.create("dcgan-mini", **SMALL["dcgan-mini"])
    Path("saved").mkdir()
    Path("saved/config.json").write_text(json.dumps({"library_name": "other"}))
    with pytest.raises(ganzoo.UsageError, match="saved"):
        model.save("saved")
    assert "other" in Path("saved/config.json").read_text()


class Counting(torch.optim.SGD):
    """Counts its steps in a number, as optimizers of other packages do."""

    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                state["count"] = state.get("count", 0) + 1
        return super().step(closure)


class Counted(ganzoo.Model):
    """One number that learns the mean, with an optimizer of its own."""

    task = "unconditional-image-generation"

    def __init__(self, hp):
        super().__init__(hp)
        self.mean = nn.Linear(1, 1)

    def optimizers(self):
        return {self.mean: Counting(self.mean.parameters(), lr=0.1)}

    def losses(self, real):
        yield self.mean, (self.mean(real.new_ones(1, 1)) - real.mean()).square().sum()


def test_numbers_of_an_optimizer_are_saved_with_its_tensors():
    data = torch.rand(16, 1, 4, 4) * 2 - 1
    model = Counted(ganzoo.Hparams(steps=4, batch_size=4))
    trainer = ganzoo.Trainer(model, data, device="cpu")
    next(trainer), next(trainer)
    trainer.save("run")
    resumed = ganzoo.Trainer.resume("run", data, model=Counted, device="cpu")
    list(resumed)
    states = resumed.optimizers[resumed.model.mean].state.values()
    assert {state["count"] for state in states} == {4}


def test_new_tensors_of_a_partial_start_are_named(caplog):
    caplog.set_level("INFO", "ganzoo")
    ganzoo.create("cdcgan-mini", classes=3, **SMALL["cdcgan-mini"]).save("saved")
    model = ganzoo.create("cdcgan-mini", classes=3, **{**SMALL["cdcgan-mini"], "image_size": 32})
    ganzoo.adapt(model, "saved", partial=True).log("saved")
    assert "new: " in caplog.text
