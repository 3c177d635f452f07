"""Mistakes on the command line and interruptions: one line each, with the way out."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from support import TINY

from ganzoo.cli import VERBS

OLD = Path(__file__).parent / "format-1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("trian dcgan-mini", "no command 'trian'; did you mean 'train'?"),
        ("resume runs/x", "no command 'resume'; choose from classify"),
        ("--vershion", "no option '--vershion'; did you mean '--version'?"),
        ("sample run --sed 3", "no option '--sed'; did you mean '--seed'?"),
        ("train dcgan --batch-size 3", "did you mean '--set batch_size=VALUE'?"),
        ("train dcgan --width=3", "a hyperparameter is set by '--set width=VALUE'"),
        ("train", "see ganzoo train --help"),
        ("sample run -n 0", "see ganzoo sample --help"),
        ("data chek", "'check'"),
        ("list --kind loss", "'trainer'"),
    ],
)
def test_a_wrong_word_gets_one_line_with_the_way_out(ganzoo_command, words, message):
    done = ganzoo_command(*words.split())
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "sample runs/dcgan-mni",
        "sample dcgan-min",
        "push runs/dcgan-min user/name",
        "train dcgan-mini --data digits --from runs/dcganmini --out new",
        "export runs/cdcgan-mini out.onnx",
    ],
)
def test_a_run_that_is_not_there_is_answered_with_the_closest(ganzoo_command, words):
    shutil.copytree(OLD, "runs/dcgan-mini")
    done = ganzoo_command(*words.split())
    assert done.exit_code == 1
    assert "did you mean runs/dcgan-mini?" in done.stderr


def test_help_shows_every_summary_uncut(ganzoo_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    done = ganzoo_command("--help")
    assert "..." not in done.output.partition("Commands:")[2]
    for verb in VERBS:
        assert f"\n  {verb} " in done.output
    assert "Usage: ganzoo" in ganzoo_command().output


@pytest.fixture
def signals_restored():
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_signal_before_the_training_says_how_to_go_on(
    ganzoo_command, monkeypatch, signals_restored, number, wrapped
):
    def interrupted(plan):
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            if wrapped:  # as imports of compiled modules do
                raise ImportError("half of it") from None
            raise

    monkeypatch.setattr("ganzoo.training.session.run_session", interrupted)
    monkeypatch.setattr(sys, "argv", ["ganzoo", "train", "dcgan-mini"])
    done = ganzoo_command("train", "dcgan-mini")
    assert done.exit_code == 128 + number
    assert done.output.startswith("stopped")
    assert done.output.endswith("to go on: ganzoo train dcgan-mini\n")
    assert wrapped or "nothing new was trained" in done.output
    assert done.output.count("\n") == 1


def test_a_second_signal_names_the_checkpoint_that_is_kept(
    ganzoo_command, monkeypatch, signals_restored
):
    words = ["train", "dcgan-mini", *TINY, "--set", "steps=1"]
    assert ganzoo_command(*words).exit_code == 0

    def interrupted(plan):
        raise KeyboardInterrupt

    monkeypatch.setattr("ganzoo.training.session.run_session", interrupted)
    done = ganzoo_command(*words)
    assert done.exit_code == 130
    assert "step-000001 is kept" in done.stderr


INTERRUPTED_AT_IMPORT = """
import os, signal, sys
from ganzoo.cli import main
class Finder:
    def find_spec(name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
moment = sys.argv.pop(1)
sys.meta_path.insert(0, Finder)
main(prog_name="ganzoo")
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["numpy", "torch.nn", "ganzoo.training.session"])
def test_ctrl_c_while_torch_is_imported_leaves_one_line(process, moment):
    command = ["-c", INTERRUPTED_AT_IMPORT, moment, "train", "dcgan-mini", *TINY]
    done = process(*command, check=False)
    assert done.returncode == 130
    assert done.stderr.startswith("stopped")
    assert done.stderr.count("\n") == 1
