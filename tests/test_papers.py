"""Eight packages after papers, as strangers write them: trained, killed, continued, checked."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support import kill_after

import ganzoo
from ganzoo.discovery.registry import KINDS
from ganzoo.testing import checks_of
from ganzoo.testing.cases import case_of, run_check

PAPERS = Path(__file__).parent / "papers"
PACKAGES = {
    "ac-gan": ("model", "ac_gan:ACGAN"),
    "small-style-gan": ("model", "style_gan:SmallStyleGAN"),
    "adaptive": ("augmentation", "adaptive:Adaptive"),
    "star-gan": ("model", "star_gan:StarGAN"),
    "accumulating": ("trainer", "trainers:Accumulating"),
    "clipping": ("trainer", "trainers:Clipping"),
    "captions": ("model", "captions:Captions"),
    "student": ("model", "distilled:Student"),
}
SMALL = {
    "ac-gan": {"image_size": 16, "width": 4},
    "small-style-gan": {"image_size": 16, "width": 4},
    "star-gan": {"image_size": 16, "width": 4},
    "captions": {"image_size": 8, "width": 4},
    "dcgan-mini": {"image_size": 16, "channels": 3, "width": 4},
}
QUICK = (
    "is_saved_and_resumed_bit_for_bit",
    "takes_gradients_of_all_terms",
    "is_resumed_bit_for_bit",
)
TRAINED = ["batch_size=4", "steps=6", "image_size=16"]
COMMANDS = {
    "ac-gan": ["ac-gan", "--data", "faces:n=24,label=hair", "--set", "width=4"],
    "small-style-gan": ["small-style-gan", "--data", "faces:n=24", "--set", "width=4"],
    "adaptive": ["dcgan-mini", "--data", "faces:n=24", "--set", "augment=adaptive"],
    "star-gan": ["star-gan", "--data", "faces:n=24,label=length", "--set", "width=4"],
    "accumulating": ["dcgan-mini", "--data", "faces:n=24", "--trainer", "accumulating"],
    "clipping": ["dcgan-mini", "--data", "faces:n=24", "--trainer", "clipping"],
    "captions": ["captions", "--data", "captioned", "--set", "width=4"],
    "student": ["student", "--data", "faces:n=24", "--set", "width=4", "--set", "teacher=teacher"],
}


@pytest.fixture
def packages(distribution, tmp_path, monkeypatch):
    """All eight, installed; a teacher and captions in the working folder."""
    for name, (kind, target) in PACKAGES.items():
        module = target.partition(":")[0]
        code = {module: (PAPERS / f"{module}.py").read_text()}
        site = distribution(f"paper-{name}", {name: target}, KINDS[kind].group, **code)
    importlib.invalidate_caches()
    teacher = ganzoo.create("dcgan-mini", image_size=16, channels=3, width=4)
    teacher.save("teacher")
    settings = {"teacher": str(Path("teacher").resolve()), "width": 4}
    return {**SMALL, "student": settings, "site": site}


def case(name, small):
    kind, _ = PACKAGES[name]
    plugin = next(plugin for plugin in KINDS[kind].plugins() if plugin.name == name)
    return case_of(plugin, small, "dcgan-mini")


@pytest.mark.parametrize("name", PACKAGES)
def test_it_fits_on_a_page(name):
    module = PACKAGES[name][1].partition(":")[0]
    assert len((PAPERS / f"{module}.py").read_text().splitlines()) <= 120


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quickly", "whole"]
)
def test_it_keeps_the_contract(packages, name, whole):
    one = case(name, packages)
    for check in checks_of(one.plugin.kind):
        if whole or check.__name__ in QUICK:
            run_check(check, one)


def captioned(folder):
    """A folder of faces with captions in metadata.jsonl."""
    from ganzoo.data.source import open_source

    folder.mkdir()
    lines = []
    for number, item in enumerate(open_source("faces:n=24,size=16").items()):
        item.read().save(folder / f"{number:02}.png")
        text = f"face with {item.attributes['length']} {item.attributes['hair']} hair"
        lines.append(json.dumps({"file_name": f"{number:02}.png", "text": text}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKAGES)
def test_on_faces_it_is_killed_and_continued_to_equal_bytes(packages, name, ganzoo_command):
    captioned(Path("captioned"))
    settings = [word for one in TRAINED for word in ("--set", one)]
    words = ["train", *COMMANDS[name], *settings, "--device", "cpu"]
    whole = ganzoo_command(*words, "--out", "whole")
    assert whole.exit_code == 0, whole.output
    words += ["--save-every", "1", "--report-every", "1", "--out", "part"]
    killed = subprocess.Popen(
        [sys.executable, "-m", "ganzoo", *words],
        env={**os.environ, "PYTHONPATH": str(packages["site"])},
        stdout=subprocess.PIPE,
        text=True,
    )
    kill_after(3, killed)
    assert ganzoo_command("show", "part").exit_code == 0
    again = ganzoo_command(*words)
    assert again.exit_code == 0, again.output
    for file in ("model.safetensors", "train/step-000006/training.safetensors"):
        assert Path("whole", file).read_bytes() == Path("part", file).read_bytes(), file


def test_a_student_without_a_teacher_is_one_line(packages, tmp_path):
    images = torch.zeros(8, 3, 16, 16)
    with pytest.raises(ganzoo.UsageError, match="teacher"):
        ganzoo.train("student", images, batch_size=4, steps=1, out=tmp_path / "x", device="cpu")
    assert not (tmp_path / "x").exists()


def test_truncation_is_a_setting_of_use(packages):
    model = ganzoo.create("small-style-gan", image_size=16, channels=3, width=4)
    mean = model.sample(3, truncation=0.0)
    assert mean[0].equal(mean[1])
    assert not model.sample(2, truncation=0.5).equal(model.sample(2))
