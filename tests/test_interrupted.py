"""Training that is killed or stopped, and continued, ends with the bytes of one go."""

import os
import pty
import signal
import subprocess
import sys
import termios

import pytest
from support import TINY, kill_after

import ganzoo

COMMAND = [
    "train",
    "dcgan-mini",
    *TINY,
    "--set",
    "steps=24",
    "--save-every",
    "4",
    "--report-every",
    "2",
    "--device",
    "cpu",
]

KILLED_AT_FLUSH = """
import os, signal, sys
moment, flush, count = int(sys.argv.pop(1)), os.fsync, 0
def fsync(handle):
    global count
    count += 1
    if count == moment:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(handle)
os.fsync = fsync
from ganzoo.cli import main
main(prog_name="ganzoo")
"""

PUBLISHED = (
    "model.safetensors",
    "config.json",
    "README.md",
    "samples.png",
    "samples/step-000004.webp",
    "training.webp",
    "train/step-000024/training.safetensors",
)


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory):
    """What a run that nobody disturbed leaves behind, by a process like those that are killed."""
    folder = tmp_path_factory.mktemp("whole")
    words = [sys.executable, "-m", "ganzoo", *COMMAND]
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=120)
    return left_behind(folder)


def left_behind(folder):
    return {name: (folder / "runs/dcgan-mini" / name).read_bytes() for name in PUBLISHED}


def start(*words, **kwargs):
    return subprocess.Popen(
        [sys.executable, *words, *COMMAND], stdout=subprocess.PIPE, text=True, **kwargs
    )


@pytest.mark.slow
def test_killed_at_many_moments_of_a_checkpoint(tmp_path, in_one_go):
    """Moments are calls of fsync: at config.json, at a picture, in and after a checkpoint."""
    run = tmp_path / "work/runs/dcgan-mini"
    states = []
    for moment in (1, 6, 12, 14, 12, 30):
        killed = start("-c", KILLED_AT_FLUSH, str(moment))
        killed.communicate(timeout=120)
        assert killed.returncode == -signal.SIGKILL
        names = sorted(path.name for path in run.glob("train/*"))
        states.append((any(name.startswith(".tmp-step") for name in names), "step-000004" in names))
        if "step-000004" in names:
            assert ganzoo.load(run).sample(1).isfinite().all()
    assert (True, False) in states  # inside the write of the first checkpoint
    assert (True, True) in states  # inside the write of a later one
    assert start("-m", "ganzoo").communicate(timeout=120)
    assert left_behind(tmp_path / "work") == in_one_go
    litter = list(run.rglob(".tmp-*"))
    assert not litter


@pytest.mark.slow
@pytest.mark.parametrize("lines", [[1, 3], [6, 2]])
def test_killed_between_steps(tmp_path, in_one_go, lines):
    """Killed as soon as the n-th report is read, twice: wherever the steps have got to by then."""
    for count in lines:
        killed = start("-m", "ganzoo")
        kill_after(count, killed)
    start("-m", "ganzoo").communicate(timeout=120)
    assert left_behind(tmp_path / "work") == in_one_go


@pytest.mark.slow
def test_a_cyclegan_that_is_killed_goes_on_with_its_pool_and_its_schedule(tmp_path, process):
    settings = [
        "image_size=16",
        "load_size=20",
        "flip=true",
        "width=2",
        "blocks=1",
        "patch_layers=1",
    ]
    settings += ["batch_size=2", "pool=5", "steps=24"]
    words = [
        "-m",
        "ganzoo",
        "train",
        "cyclegan-mini",
        *(word for one in settings for word in ("--set", one)),
    ]
    words += ["--save-every", "4", "--report-every", "2", "--device", "cpu"]
    process(*words, "--out", "whole")
    for count in (4, 3):
        killed = subprocess.Popen(
            [sys.executable, *words, "--out", "parts"], stdout=subprocess.PIPE, text=True
        )
        kill_after(count, killed)
    assert "from step" in process(*words, "--out", "parts").stdout
    for name in PUBLISHED:
        assert (tmp_path / "work/parts" / name).read_bytes() == (
            tmp_path / "work/whole" / name
        ).read_bytes(), name


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_finishes_the_step_saves_and_says_how_to_go_on(
    tmp_path, in_one_go, ganzoo_command, number
):
    stopped = start("-m", "ganzoo")
    output = ""
    for line in stopped.stdout:
        output += line
        if line.startswith("step 2/"):
            stopped.send_signal(number)
    stopped.communicate(timeout=120)
    assert stopped.returncode == 128 + number
    assert "after step " in output
    assert "ganzoo train dcgan-mini --data digits --set image_size=8" in output
    made = int(output.rpartition("after step ")[2].split()[0])
    assert (tmp_path / f"work/runs/dcgan-mini/train/step-{made:06}").is_dir()
    assert made < 24
    output = ganzoo_command(*COMMAND).output
    assert f"from step {made} " in output
    assert left_behind(tmp_path / "work") == in_one_go


def test_on_a_terminal_there_is_a_progress_bar():
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (40, 150))
    command = [sys.executable, "-m", "ganzoo", *COMMAND]
    running = subprocess.Popen(command, stdout=follower, stderr=follower)
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 65536):
            shown += part
    except OSError:  # what Linux says when the last writer has gone
        pass
    finally:
        os.close(leader)
    assert running.wait(timeout=120) == 0
    bar = shown.decode()
    assert "24/24" in bar
    assert "step/s" in bar
    assert "generator" in bar
    assert "\nstep 2/24" not in bar
