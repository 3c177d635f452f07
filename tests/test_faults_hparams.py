"""Hyperparameters and discovery: faults that were found once, and must not come back."""

import copy
import dataclasses
import json
import logging
import pickle
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import SMALL
from torch import nn

import ganzoo
from ganzoo.discovery import pretrained
from ganzoo.files import sha256
from ganzoo.state.config import Config
from ganzoo.state.weights import write_weights


class Plain(ganzoo.Hparams):
    renamed = {"size": "width"}  # noqa: RUF012  (as people write it)
    LIMIT: ClassVar[int]

    width: Annotated[int, ganzoo.Range(1, 64), "channels next to the image"] = 8
    colours: Literal[1, 3] = 3


class Redeclared(Plain):
    width: int = 16
    image_size: int = 64
    lr: Annotated[float, "another text"] = 0.1


def test_a_class_without_a_decorator_is_a_frozen_dataclass():
    hp = Redeclared(width=4)
    assert dataclasses.replace(hp, width=5) == Redeclared(width=5)
    assert hash(hp) == hash(Redeclared(width=4))
    assert hp != Redeclared()
    with pytest.raises(dataclasses.FrozenInstanceError):
        hp.width = 5
    assert copy.deepcopy(hp) == hp
    assert pickle.loads(pickle.dumps(hp)) == hp  # noqa: S301  (what we pickled ourselves)
    with pytest.raises(TypeError):
        Redeclared(4)


def test_decorated_and_plain_classes_inherit_from_each_other():
    class First(ganzoo.Hparams):
        one: int = 1

    @dataclass(frozen=True, kw_only=True)
    class Second(First):
        two: int = 2

    class Third(Second):
        three: int = 3

    hp = Third(one=4)
    assert (hp.one, hp.two, hp.three) == (4, 2, 3)
    assert list(Second.annotations())[-2:] == ["one", "two"]


def test_classes_are_ready_in_every_thread_that_uses_them_first():
    class Shared(ganzoo.Hparams):
        one: int = 1

    results = []
    start = threading.Barrier(8)

    def use():
        start.wait()
        results.append(Shared(one=2).one)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [2] * 8


def test_a_new_declaration_keeps_range_and_help():
    assert Redeclared.annotations()["width"].help == "channels next to the image"
    with pytest.raises(ganzoo.HparamError, match="width=65"):
        Redeclared(width=65)
    with pytest.raises(ganzoo.HparamError, match="image_size=0"):
        Redeclared(image_size=0)
    assert Redeclared.annotations()["lr"].help == "another text"
    with pytest.raises(ganzoo.HparamError, match=r"lr=-1"):
        Redeclared(lr=-1)
    assert all(field.help for field in ganzoo.Hparams.annotations().values())
    assert all(field.help for field in ganzoo.augment.Hparams.annotations().values())


def test_an_old_name_is_read_and_the_new_one_is_logged(caplog, tmp_path):
    with caplog.at_level(logging.WARNING, "ganzoo"):
        assert Redeclared.from_json({"size": 3, "fit": "pad"}).width == 3
        assert not caplog.messages
        hp = Redeclared.from_options(None, ["size=4", "fit=stretch"])
    assert (hp.width, hp.resize) == (4, "stretch")
    assert sorted(caplog.messages) == [
        "hyperparameter 'fit' is now called 'resize'",
        "hyperparameter 'size' is now called 'width'",
    ]
    with pytest.raises(ganzoo.HparamError, match="width"):
        Redeclared().replaced({"size": 3, "width": 4})
    file = tmp_path / "old.toml"
    file.write_text("size = 3\n")
    assert Redeclared.from_options(file, ["width=5"]).width == 5
    file.write_text("size = 'three'\n")
    with pytest.raises(ganzoo.HparamError, match=r"old\.toml.*width"):
        Redeclared.from_options(file, [])


@pytest.mark.parametrize("value", [1.0, True, "1", None])
def test_a_choice_compares_types_too(value):
    with pytest.raises(ganzoo.HparamError, match=r"colours.*1 or 3"):
        Plain(colours=value)


def test_a_choice_is_read_from_text():
    class Open(ganzoo.Hparams):
        colours: Literal[1, 3] | None = 3
        mode: Literal["1", "none"] = "1"

    hp = Open.from_options(None, ["colours=none", "mode=none"])
    assert (hp.colours, hp.mode) == (None, "none")
    assert Open.from_options(None, ["colours=1", "mode=1"]) == Open(colours=1)


class Needs(ganzoo.Model):
    task = "unconditional-image-generation"
    Hparams = Redeclared

    def __init__(self, hp):
        super().__init__(hp)
        self.net = nn.Linear(hp.channels, 1)


class Ignores(Needs):
    def __init__(self, hp):
        ganzoo.Model.__init__(self, hp)
        self.net = nn.Linear(1, 1)


class Asserts(Needs):
    def __init__(self, hp):
        assert hp.channels
        super().__init__(hp)


class Broken(Needs):
    def __init__(self, hp):
        super().__init__(hp.replaced({"channels": 1}))
        len(3)


def test_an_inherited_field_is_only_needed_by_a_model_that_uses_it():
    assert ganzoo.create(Ignores).hp.channels is None
    assert ganzoo.create(Needs, channels=3).hp.channels == 3
    for kind in (Needs, Asserts):
        with pytest.raises(ganzoo.HparamError, match="channels is filled from the data"):
            ganzoo.create(kind)
    with pytest.raises(TypeError, match="len"):
        ganzoo.create(Broken)


def test_only_models_of_labelled_images_are_filled_with_classes(ganzoo_command):
    words = ["--data", "digits", "--set", "image_size=8", "--set", "width=2", "--set", "steps=1"]
    done = ganzoo_command("train", "dcgan-mini", *words, "--out", "run")
    assert done.exit_code == 0, done.output
    assert Config.read(Path("run/config.json")).hyperparameters["classes"] is None


def test_a_run_of_an_older_ganzoo_goes_on(ganzoo_command):
    """It lacks the shared fields, and calls a hyperparameter by its old name."""
    words = ["train", "dcgan-mini", "--data", "digits", "--set", "image_size=8", "--set", "width=2"]
    words += ["--set", "steps=2"]
    assert ganzoo_command(*words, "--set", "steps=1", "--out", "run").exit_code == 0
    for path in Path("run").rglob("config.json"):
        document = json.loads(path.read_text())
        for name in ("classes", "validation"):
            del document["hyperparameters"][name]
        document["hyperparameters"]["fit"] = document["hyperparameters"].pop("resize")
        path.write_text(json.dumps(document))
    digests = Path("run/train/step-000001/training.json")
    document = json.loads(digests.read_text())
    document["sha256"]["config.json"] = sha256(digests.with_name("config.json"))
    digests.write_text(json.dumps(document))
    assert ganzoo.load("run").hp.resize == "crop"
    done = ganzoo_command(*words, "--out", "run")
    assert done.exit_code == 0, done.output
    refused = ganzoo_command(*words, "--set", "resize=pad", "--out", "run")
    assert refused.exit_code == 1
    assert "resize: crop here, pad asked for" in refused.stderr


@pytest.fixture(scope="module")
def pix2pix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("choices")
    model = ganzoo.create("pix2pix", **SMALL["pix2pix"])
    data = {"source": None, "images": None, "fingerprint": None, "licence": None}
    config = Config.of(model, trainer="alternating", precision="fp32", data=data)
    write_weights(folder, model, config)
    return folder, json.loads((folder / "config.json").read_text())


values = st.none() | st.booleans() | st.floats() | st.integers(-1, 300)
values |= st.sampled_from(["", "a", "resnet", "1"])


def test_any_hyperparameters_of_a_model_with_choices_load_or_are_refused(pix2pix):
    folder, config = pix2pix

    @settings(max_examples=30, derandomize=True, deadline=None)
    @given(st.dictionaries(st.sampled_from(sorted(config["hyperparameters"])), values, max_size=2))
    def holds(changes):
        document = {**config, "hyperparameters": {**config["hyperparameters"], **changes}}
        (folder / "config.json").write_text(json.dumps(document))
        try:
            ganzoo.load(folder)
        except ganzoo.GanzooError as error:
            assert str(error)  # noqa: PT017  (either outcome is right)

    holds()


@pytest.mark.parametrize("value", [3.0, True])
def test_channels_of_another_type_are_refused_on_loading(pix2pix, value):
    folder, config = pix2pix
    document = {**config, "hyperparameters": {**config["hyperparameters"], "channels": value}}
    (folder / "config.json").write_text(json.dumps(document))
    with pytest.raises(ganzoo.StateError, match="channels"):
        ganzoo.load(folder)


def test_damaged_metadata_hide_no_pretrained_weights(tmp_path, distribution, ganzoo_command):
    distribution("zoo-garbled", {"garbled": "nowhere:Gone"})
    entries = tmp_path / "site" / "zoo_garbled-1.0.dist-info" / "entry_points.txt"
    entries.write_bytes(b"[ganzoo.models]\nfa\xe7ade = a:B\n")
    assert pretrained.find("dcgan-mini", None).model == "dcgan-mini"
    assert ganzoo_command("list", "--pretrained").exit_code == 0


def test_a_distribution_without_metadata_is_listed_and_looked_up(tmp_path, distribution):
    distribution("zoo-bare", {"bare": "bare_module:Model"}, bare_module="Model = 1\n")
    (tmp_path / "site" / "zoo_bare-1.0.dist-info" / "METADATA").unlink()
    plugin = ganzoo.models["bare"]
    assert (plugin.distribution, plugin.version) == ("unknown", "unknown")
    with pytest.raises(ganzoo.UnknownName):
        ganzoo.models["x/bare"]
