"""Exported files give the model's outputs, in batches of any size; a bad one replaces none."""

import functools
import json
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from support import SMALL, TRANSLATOR

import ganzoo
from ganzoo.cli import main
from ganzoo.model.construct import initialised
from ganzoo.state.config import Config
from ganzoo.state.weights import write_weights
from ganzoo.use import export as exporting

NEEDED = "an .onnx needs the extra onnx"
slow = functools.partial(pytest.param, marks=pytest.mark.slow)
SETTINGS = {
    "dcgan-mini": {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8},
    "cdcgan-mini": {"image_size": 8, "width": 4, "batch_size": 8, "classes": 10},
    "cyclegan-mini": {**TRANSLATOR, "blocks": 1, "pool": 3},
    "pix2pix": {**TRANSLATOR, "load_size": 18, "direction": "b2a"},
    "finetune": {**SMALL["finetune"], "classes": 10},
    **{name: SMALL[name] for name in ("cut", "r3gan", "sngan", "wgan-gp")},
}


def run_of(name, folder):
    """A run as training leaves it: weights that nobody would draw first, and what they are."""
    plugin = ganzoo.models[name]
    kind = plugin.load()
    model = initialised(kind, kind.Hparams().replaced(SETTINGS[name]), plugin=plugin)
    model.classes = tuple("0123456789")[: model.hp.classes or 0]
    for i, (place, tensor) in enumerate(model.state_dict().items()):
        if tensor.is_floating_point() and not place.endswith("running_var"):
            tensor += ganzoo.noise(1, *tensor.shape, seed=i)[0] / 10
    folder.mkdir()
    config = Config.of(model, trainer="alternating", precision="fp32", data={})
    write_weights(folder, model, config)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Name -> a run of that model."""
    folder = tmp_path_factory.mktemp("runs")
    return {name: run_of(name, folder / name) for name in SETTINGS}


def inputs_of(model, n, height=16, width=16):
    if model.directions:
        return {"images": ganzoo.noise(n, 3, height, width, seed=7).clamp(-1, 1)}
    if model.classifies:
        return {"images": ganzoo.noise(n, 1, 32, 32, seed=7).clamp(-1, 1)}
    latents = {"latents": model.latents(n, 7)}
    return (
        {**latents, "labels": torch.arange(n).flip(0) % 10}
        if model.view is ganzoo.Labelled
        else latents
    )


def outputs_of(model, direction, inputs):
    with torch.no_grad():
        if direction:
            return model.translated(inputs["images"], direction)
        return model(*inputs.values())


def opened(path):
    """A file as somebody without ganzoo opens it: inputs by name -> the output."""
    if path.suffix == ".pt2":
        module = torch.export.load(path).module()
        return lambda **inputs: module(**inputs).detach()
    runtime = pytest.importorskip("onnxruntime", reason=NEEDED)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda **inputs: torch.from_numpy(
        session.run(None, {k: v.numpy() for k, v in inputs.items()})[0]
    )


@pytest.fixture(scope="module")
def exported(runs, tmp_path_factory):
    """Exports a model, once, by the command line: the file, and what the command said."""
    folder = tmp_path_factory.mktemp("exported")

    @functools.cache
    def make_file(name, ending, *words):
        out = folder / "-".join([name, *words]) / f"model.{ending}"
        done = CliRunner().invoke(main, ["export", str(runs[name]), str(out), *words])
        assert done.exit_code == 0, done.output
        assert done.stderr == ""
        assert out in out.parent.iterdir()
        return out, done.output

    return make_file


@pytest.mark.parametrize(
    ("name", "ending", "words", "said"),
    [
        ("dcgan-mini", "onnx", [], "latents (batch, 32, 1, 1) -> images"),
        slow("dcgan-mini", "pt2", [], "latents (batch, 32, 1, 1) -> images"),
        slow("cdcgan-mini", "onnx", [], "latents (batch, 32, 1, 1), labels (batch) -> images"),
        slow("cdcgan-mini", "pt2", [], "latents (batch, 32, 1, 1), labels (batch) -> images"),
        slow("cyclegan-mini", "onnx", [], "images (batch, 3, height, width) -> translated"),
        slow(
            "cyclegan-mini",
            "pt2",
            ["--direction", "b2a"],
            "images (batch, 3, height, width) -> translated",
        ),
        slow("pix2pix", "onnx", [], "images (batch, 3, height, width) -> translated"),
        slow("finetune", "onnx", ["--opset", "21"], "images (batch, 1, 32, 32) -> logits"),
        ("finetune", "pt2", [], "images (batch, 1, 32, 32) -> logits"),
        slow("cut", "onnx", [], "images (batch, 3, height, width) -> translated"),
        slow("r3gan", "onnx", [], "latents (batch, 64) -> images"),
        slow("sngan", "onnx", [], "latents (batch, 128) -> images"),
        slow("wgan-gp", "pt2", [], "latents (batch, 128) -> images"),
    ],
)
def test_what_the_file_says_is_what_the_model_says(runs, exported, name, ending, words, said):
    if ending == "onnx":
        pytest.importorskip("onnxscript", reason=NEEDED)
    file, output = exported(name, ending, *words)
    assert output.startswith(f"{file}: {said}\n")
    assert [path.name for path in file.parent.iterdir() if path.suffix == file.suffix] == [
        file.name
    ]
    model, saved = ganzoo.load(runs[name]), opened(file)
    direction = model.directions and (words[-1] if words else model.directions[0])
    for size in [(1,), (5,), *([(1, 5, 9), (3, 33, 48), (2, 64, 64)] if direction else [])]:
        inputs = inputs_of(model, *size)
        expected = outputs_of(model, direction, inputs)
        assert expected.std() > 0.01
        torch.testing.assert_close(saved(**inputs), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "words", "network"),
    [
        ("dcgan-mini", [], "generator"),
        slow("cyclegan-mini", ["--direction", "b2a"], "generators.b2a"),
    ],
)
def test_a_file_holds_no_more_than_the_network_it_needs_by_the_names_of_the_run(
    runs, exported, name, words, network
):
    weights = ganzoo.load(runs[name]).get_submodule(network).state_dict()
    tensors = torch.export.load(exported(name, "pt2", *words)[0]).state_dict
    assert tensors.keys() == {f"model.{network}.{place}" for place in weights}
    assert all(
        torch.equal(tensors[f"model.{network}.{place}"], tensor)
        for place, tensor in weights.items()
    )


@pytest.mark.slow
def test_a_file_knows_which_weights_it_has(runs, exported):
    config = json.loads((runs["finetune"] / "config.json").read_text())
    files = {"ganzoo.json": ""}
    torch.export.load(exported("finetune", "pt2")[0], extra_files=files)
    facts = json.loads(files["ganzoo.json"])
    assert (facts["model"], facts["sha256"]) == ("finetune", config["weights"]["sha256"])
    assert json.loads(facts["classes"]) == list("0123456789")
    onnx = pytest.importorskip("onnx", reason=NEEDED)
    pytest.importorskip("onnxscript", reason=NEEDED)
    file, _ = exported("finetune", "onnx", "--opset", "21")
    program = onnx.load(file)
    onnx.checker.check_model(program, full_check=True)
    assert {prop.key: prop.value for prop in program.metadata_props} == facts
    assert program.opset_import[0].version == 21
    assert (
        str(Path(exporting.__file__).parent).encode() not in file.read_bytes()
    )  # whoever made it keeps that private


def test_a_file_that_differs_is_refused_and_the_one_before_it_stays(
    runs, ganzoo_command, monkeypatch
):
    Path("model.pt2").write_text("before")
    write = exporting._pt2

    def wrong(*args):
        saved = write(*args)
        return lambda **inputs: saved(**inputs) + 0.01

    monkeypatch.setattr(exporting, "_pt2", wrong)
    done = ganzoo_command("export", runs["dcgan-mini"], "model.pt2")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert "1.0e-02" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in Path().iterdir()] == ["model.pt2"]
    assert Path("model.pt2").read_text() == "before"


def test_a_translator_of_one_size_only_is_exported_for_that(runs, monkeypatch):
    kind = type(ganzoo.load(runs["cyclegan-mini"]))
    translated = kind.translated

    def only_16(self, images, direction):
        assert images.shape[2:] == (16, 16)
        return translated(self, images, direction)

    monkeypatch.setattr(kind, "translated", only_16)
    fixed, said, _ = exporting.export(runs["cyclegan-mini"], Path("model.pt2"))
    assert "height" in fixed
    assert "cyclegan-mini" in fixed
    assert said == "model.pt2: images (batch, 3, 16, 16) -> translated"
    assert opened(Path("model.pt2"))(images=torch.zeros(4, 3, 16, 16)).shape == (4, 3, 16, 16)


@pytest.mark.parametrize(
    ("name", "words", "code", "error"),
    [
        ("dcgan-mini", ["a.pth"], 2, ".onnx"),
        ("dcgan-mini", ["folder.pt2"], 2, "folder.pt2"),
        ("dcgan-mini", ["file/a.pt2"], 1, "file/a.pt2"),
        ("dcgan-mini", ["a.pt2", "--opset", "18"], 2, "--opset"),
        ("dcgan-mini", ["a.pt2", "--direction", "a2b"], 1, "dcgan-mini"),
        ("cyclegan-mini", ["a.pt2", "--direction", "b2c"], 2, "a2b, b2a"),
        ("pix2pix", ["a.pt2", "--direction", "a2b"], 2, "b2a"),
        ("nothing", ["a.pt2"], 1, "nothing"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(runs, ganzoo_command, name, words, code, error):
    Path("folder.pt2").mkdir()
    Path("file").touch()
    done = ganzoo_command("export", runs.get(name, name), *words)
    assert done.exit_code == code
    assert done.stderr.startswith("Error: ")
    assert error in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name for path in Path().iterdir()} == {"folder.pt2", "file"}


@pytest.mark.parametrize("package", exporting.OPTIONAL)
def test_without_the_extra_the_line_says_which(runs, ganzoo_command, monkeypatch, package):
    for other in exporting.OPTIONAL:
        monkeypatch.setitem(sys.modules, other, None if other == package else sys)
    done = ganzoo_command("export", runs["dcgan-mini"], "model.onnx")
    assert done.exit_code == 2
    assert "'ganzoo[onnx]'" in done.stderr
    assert package in done.stderr.replace("'ganzoo[onnx]'", "").replace(".onnx", "")
    assert done.stderr.count("\n") == 1


def test_an_error_of_the_exporter_is_one_line_with_its_cause(runs, ganzoo_command, monkeypatch):
    def failing(*_, **__):
        try:
            raise LookupError("no function for bessel_j0\nand more")
        except LookupError as cause:
            raise torch.onnx.OnnxExporterError("step 3/3 failed. Next steps:\n") from cause

    for package in exporting.OPTIONAL:
        monkeypatch.setitem(sys.modules, package, sys)
    monkeypatch.setattr(exporting, "find_spec", lambda _: sys)
    monkeypatch.setattr(torch.onnx, "export", failing)
    done = ganzoo_command("export", runs["dcgan-mini"], "model.onnx")
    assert done.exit_code == 1
    assert done.stderr.endswith("LookupError: no function for bessel_j0\n")
    assert done.stderr.count("\n") == 1


def test_a_model_that_can_do_none_of_it_is_unsupported(runs, ganzoo_command, monkeypatch):
    kind = type(ganzoo.load(runs["dcgan-mini"]))
    monkeypatch.setattr(kind, "generate", ganzoo.Model.generate)
    for base in kind.__mro__:
        if "generate" in vars(base) and base.__module__.startswith("ganzoo_"):
            monkeypatch.delattr(base, "generate")
    done = ganzoo_command("export", runs["dcgan-mini"], "model.pt2")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert "dcgan-mini" in done.stderr
