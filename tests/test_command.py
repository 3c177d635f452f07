"""The command line for a person: what it prints, what it refuses, what it leaves behind."""

import json
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from PIL import Image
from support import TINY

import ganzoo
from ganzoo.images import enlarged, grid


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of dcgan-mini, at runs/dcgan-mini in a folder of its own."""
    from click.testing import CliRunner

    from ganzoo.cli import main

    folder = tmp_path_factory.mktemp("finished") / "dcgan-mini"
    words = [
        "train",
        "dcgan-mini",
        *TINY,
        "--set",
        "steps=6",
        "--report-every",
        "2",
        "--save-every",
        "3",
    ]
    done = CliRunner().invoke(main, [*words, "--out", str(folder), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    return folder, words, done.output


def test_training_leaves_a_run_folder_and_logs_lines(finished):
    run, _, output = finished
    assert [line.split()[1] for line in output.splitlines() if line.startswith("step ")] == [
        "2/6",
        "4/6",
        "6/6",
    ]
    assert "steps/s" in output
    assert "discriminator/real" in output
    assert str(run / "samples.png") in output
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert set(lines[0]) == {
        "step",
        "kind",
        "steps_per_second",
        "discriminator/real",
        "discriminator/fake",
        "generator",
    }
    assert list(run.glob("events.out.tfevents.*"))
    assert "](samples.png)" in (run / "README.md").read_text()
    with Image.open(run / "samples.png") as picture:
        assert min(picture.size) >= 512
        assert picture.tobytes() == enlarged(grid(ganzoo.load(run).sample(64))).tobytes()


def test_it_is_saved_before_the_first_report(ganzoo_command):
    done = ganzoo_command(
        "train", "dcgan-mini", *TINY, "--set", "steps=3", "--save-every", "1", "--report-every", "9"
    )
    assert done.exit_code == 0, done.output
    assert (
        sorted(path.name for path in Path("runs/dcgan-mini/train").iterdir())[-1] == "step-000003"
    )


def test_tensorboard_reads_the_losses(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished[0])).Reload()
    assert [event.step for event in events.Scalars("generator")] == [2, 4, 6]


def test_a_finished_run_says_so_and_grows_with_more_steps(finished, ganzoo_command, tmp_path):
    run, words, _ = finished
    before = (run / "model.safetensors").read_bytes()
    again = ganzoo_command(*words, "--out", run)
    assert again.exit_code == 0
    assert "the same command with --set steps=N" in again.output
    assert (run / "model.safetensors").read_bytes() == before
    out = tmp_path / "grown"
    assert ganzoo_command(*words, "--out", out).exit_code == 0
    grown = ganzoo_command(*words, "--out", out, "--set", "steps=9")
    assert "from step 6" in grown.output
    assert ganzoo_command(*words, "--set", "steps=9", "--out", tmp_path / "nine").exit_code == 0
    assert (out / "model.safetensors").read_bytes() == (
        tmp_path / "nine" / "model.safetensors"
    ).read_bytes()
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == [2, 4, 6, 8, 9]


def test_a_changed_setting_is_refused_with_the_differences(finished, ganzoo_command):
    run, words, _ = finished
    refused = ganzoo_command(
        *words, "--out", run, "--set", "lr=1e-3", "--set", "ema=0", "--precision", "bf16"
    )
    assert refused.exit_code == 1
    for difference in ("0.0005", "ema", "fp32"):
        assert difference in refused.stderr
    errors = [line for line in refused.stderr.splitlines() if line.startswith("Error")]
    assert len(errors) == 1


def test_a_config_file_and_set_over_it(tmp_path, ganzoo_command):
    Path("settings.toml").write_text(
        "lr = 1e-3\nbetas = [0, 0.9]\nimage_size = 8\nwidth = 2\nsteps = 4\n"
    )
    done = ganzoo_command(
        "train",
        "dcgan-mini",
        "--data",
        "digits",
        "--config",
        "settings.toml",
        "--set",
        "steps=1",
        "--set",
        "batch_size=4",
    )
    assert done.exit_code == 0, done.output
    hyperparameters = json.loads(Path("runs/dcgan-mini/config.json").read_text())["hyperparameters"]
    assert (hyperparameters["lr"], hyperparameters["betas"], hyperparameters["steps"]) == (
        0.001,
        [0.0, 0.9],
        1,
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("train dcgam", 2, "did you mean 'dcgan'"),
        ("train dcgan", 2, "--data SOURCE"),
        ("train dcgan-mini --data digit", 2, "did you mean 'digits'"),
        ("train dcgan-mini --trainer alternate", 2, "did you mean 'alternating'"),
        ("train dcgan-mini --set widht=3", 2, "did you mean 'width'"),
        ("train dcgan-mini --set lr=fast", 2, "lr=fast"),
        ("train dcgan-mini --set image_size=100", 2, "128"),
        ("train dcgan --data digits --set channels=2", 1, "channels=2"),
        ("train dcgan-mini --set lr", 2, "key=value"),
        ("train dcgan-mini --config no.toml", 2, "no.toml"),
        ("train dcgan-mini --config bad.toml", 2, "bad.toml"),
        ("train dcgan-mini --config odd.toml", 2, "speed"),
        ("train dcgan-mini --data digits --device cuda:7", 2, "cuda:7"),
        ("train dcgan-mini --data digits --device gpu", 2, "gpu"),
        ("train dcgan-mini --data digits --precision half", 2, "bf16"),
        ("train dcgan-mini --out a_file", 1, "a_file"),
        ("train dcgan-mini --data digits --out a_file/run", 1, "a_file/run"),
        ("train dcgan-mini --data digits --out /proc/run", 1, "/proc/run"),
        ("train dcgan-mini --out full", 1, "thesis.txt"),
        ("train dcgan-mini --out foreign", 1, "foreign/config.json"),
        ("sample nowhere", 1, "nowhere"),
        ("sample full", 1, "config.json"),
        ("sample foreign", 1, "foreign/config.json"),
        ("paint", 2, "paint"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(ganzoo_command, words, code, message):
    Path("a_file").touch()
    Path("bad.toml").write_text("= no")
    Path("odd.toml").write_text("speed = 3")
    for folder, file, content in (
        ("full", "thesis.txt", "years"),
        ("foreign", "config.json", '{"model_type": "bert"}'),
    ):
        Path(folder).mkdir()
        Path(folder, file).write_text(content)
    before = sorted(path for path in Path().rglob("*"))
    done = ganzoo_command(*words.split())
    assert done.exit_code == code
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert sorted(path for path in Path().rglob("*")) == before


def test_debug_shows_the_traceback(ganzoo_command):
    for words in (["--debug", "train", "dcgam"], ["train", "dcgam", "--debug"]):
        assert isinstance(ganzoo_command(*words).exception, ganzoo.UnknownName)


def test_a_loss_that_is_not_finite_stops_the_training_and_keeps_what_was_good(
    ganzoo_command, monkeypatch
):
    from ganzoo_dcgan import DCGAN

    from ganzoo.losses import LossPair

    whole = DCGAN.adversarial
    calls = []

    def breaks(fake):
        calls.append(1)
        return whole.generator(fake) * (float("nan") if len(calls) == 4 else 1)

    monkeypatch.setattr(DCGAN, "adversarial", LossPair(whole.discriminator, breaks))
    words = [
        "train",
        "dcgan-mini",
        *TINY,
        "--set",
        "steps=8",
        "--report-every",
        "1",
        "--save-every",
        "2",
    ]
    done = ganzoo_command(*words)
    assert done.exit_code == 1
    assert "step 4" in done.stderr
    assert sorted(path.name for path in Path("runs/dcgan-mini/train").glob("step-*")) == [
        "step-000002"
    ]


def test_a_preview_that_fails_costs_no_checkpoint(ganzoo_command, monkeypatch):
    def preview(self, batch):
        if self.step:
            raise RuntimeError("no paint")
        return self.sample(64)

    monkeypatch.setattr(ganzoo.Model, "preview", preview)
    done = ganzoo_command("train", "dcgan-mini", *TINY, "--set", "steps=9")
    assert done.exit_code == 1
    assert "no paint" in done.stderr
    run = ganzoo.Run("runs/dcgan-mini")
    assert run.step == 2
    assert run.model.sample(1).isfinite().all()


def test_sampling_to_a_grid_and_to_a_folder(finished, ganzoo_command):
    run, _, _ = finished
    assert ganzoo_command("sample", run).exit_code == 0
    assert (
        ganzoo_command("sample", run, "-n", "3", "--seed", "5", "--out", "new/grid.png").exit_code
        == 0
    )
    done = ganzoo_command("sample", run, "-n", "3", "--seed", "5", "--out", "folder/")
    assert "000002.png" in done.output
    model = ganzoo.load(run)
    expected = ganzoo.to_pil(model.sample(3, seed=5))
    for i, picture in enumerate(expected):
        with Image.open(f"folder/{i:06}.png") as written:
            assert written.tobytes() == picture.tobytes()
    with Image.open("new/grid.png") as grid:
        assert grid.size == (2 * 10 + 2, 2 * 10 + 2)
        assert grid.crop((2, 2, 10, 10)).tobytes() == expected[0].tobytes()
    with Image.open("samples.png") as default:
        assert default.size == (82, 82)
    assert ganzoo_command("sample", run, "--out", "grid.jpg").exit_code == 2
    assert ganzoo_command("sample", run, "-n", "0").exit_code == 2


def test_a_strangers_model_trainer_and_data_train_by_their_names(toy, ganzoo_command):
    words = [
        "train",
        "toy",
        "--trainer",
        "toy-trainer",
        "--data",
        "toy-squares:9",
        "--device",
        "cpu",
    ]
    done = ganzoo_command(*words)
    assert done.exit_code == 0, done.output
    config = json.loads(Path("runs/toy/config.json").read_text())
    assert config["model"] == {"name": "toy", "distribution": "ganzoo-toy", "version": "0.3"}
    assert config["options"] == {"trainer": "toy-trainer", "precision": "fp32"}
    assert config["data"]["images"] == 9
    assert (config["hyperparameters"]["image_size"], config["hyperparameters"]["channels"]) == (
        8,
        1,
    )
    assert ganzoo_command("sample", "runs/toy", "--out", "toy.png").exit_code == 0


def test_a_run_whose_package_is_gone_names_it(toy, ganzoo_command, monkeypatch):
    assert ganzoo_command("train", "toy", "--device", "cpu").exit_code == 0
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder != str(toy)])
    done = ganzoo_command("sample", "runs/toy")
    assert done.exit_code == 1
    assert "pip install ganzoo-toy" in done.stderr


def test_python_m_ganzoo_and_the_installed_command_are_the_same(process, ganzoo_command):
    by_module = process("-m", "ganzoo", "--help").stdout
    assert "Usage: ganzoo" in by_module
    assert process(Path(sys.executable).with_name("ganzoo"), "--help").stdout == by_module
    assert ganzoo.__version__ in ganzoo_command("--version").output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("show dcg", "dcgan-mini"),
        ("train dcgan --trainer al", "alternating"),
        ("train dcgan --data di", "digits"),
        ("train dcgan --set wid", "width="),
        ("data check digits --set ba", "batch_size="),
        ("sh", "show"),
    ],
)
def test_the_shell_completes_names(monkeypatch, words, expected):
    from ganzoo.cli import main

    monkeypatch.setenv("COMP_WORDS", f"ganzoo {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    completion = BashComplete(main, {}, "ganzoo", "_GANZOO_COMPLETE").complete()
    assert expected in completion
