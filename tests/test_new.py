"""`ganzoo new`: a package that works, passes its tests and can be published by a stranger."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from hub_server import WRITER, Hub
from packaging.requirements import Requirement

import ganzoo
from ganzoo.cli import main
from ganzoo.discovery.registry import KINDS
from ganzoo.discovery.scaffold import use_of
from ganzoo.testing import checks_of
from ganzoo.testing.cases import case_of, run_check

PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
PUBLISHED = ("model.safetensors", "config.json", "README.md", "samples.png")


def installed(distribution, folder, name, kind):
    """The package of that folder, as if pip had installed it."""
    module = name.replace("-", "_")
    code = (folder / f"{module}.py").read_text()
    title = re.search(r"^(?:class|def) (\w+)", code, re.MULTILINE)[1]
    distribution(name, {name: f"{module}:{title}"}, group=KINDS[kind].group, **{module: code})
    return next(plugin for plugin in KINDS[kind].plugins() if plugin.name == name)


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_keeps_the_contract(distribution, ganzoo_command, tmp_path, kind):
    done = ganzoo_command("new", f"my-{kind}", "--kind", kind)
    assert done.exit_code == 0, done.output
    assert f"pip install -e my-{kind}" in done.output
    files = sorted(
        str(path.relative_to(f"my-{kind}"))
        for path in Path(f"my-{kind}").rglob("*")
        if path.is_file()
    )
    assert files == ["README.md", f"my_{kind}.py", "pyproject.toml", f"tests/test_my_{kind}.py"]
    assert not any("$" in Path(f"my-{kind}", file).read_text() for file in files)
    plugin = installed(distribution, Path(f"my-{kind}"), f"my-{kind}", kind)
    small = {"my-model": {"image_size": 8, "width": 4}, "my-dataset": "8"}
    for check in checks_of(plugin.kind):
        run_check(check, case_of(plugin, small, "dcgan-mini"))


@pytest.mark.parametrize("words", [[], ["--copy"]], ids=["subclass", "copy"])
def test_a_model_begins_as_another(distribution, ganzoo_command, words):
    done = ganzoo_command("new", "my-gan", "--like", "dcgan-mini", *words)
    assert done.exit_code == 0, done.output
    code = Path("my-gan/my_gan.py").read_text()
    assert ("class MyGan(DCGANMini)" in code) != bool(words)
    assert ("Apache-2.0" in code) == bool(words)
    distribution("my-gan", {"my-gan": "my_gan:MyGan"}, my_gan=code)
    plugin = ganzoo.models["my-gan"]
    small = {"my-gan": {"image_size": 8, "channels": 1, "width": 4}}
    for check in checks_of("model")[:5]:
        run_check(check, case_of(plugin, small, "dcgan-mini"))


def test_a_copy_imports_what_its_file_imports(distribution, ganzoo_command):
    site = distribution("zoo-deep", {"deep": "zoo_deep.inner:Deep"})
    (site / "zoo_deep/inner").mkdir(parents=True)
    (site / "zoo_deep/__init__.py").touch()
    (site / "zoo_deep/layers.py").write_text("WIDTH = 3")
    (site / "zoo_deep/inner/part.py").touch()
    (site / "zoo_deep/inner/__init__.py").write_text(
        "from ganzoo_dcgan import DCGAN\nfrom ..layers import WIDTH\nfrom . import part\n\n\n"
        'class Deep(DCGAN):\n    """$Deep."""\n\n    def width(self):\n'
        "        from ..layers import WIDTH\n        return WIDTH\n"
    )
    done = ganzoo_command("new", "my-gan", "--like", "deep", "--copy")
    assert done.exit_code == 0, done.output
    code = Path("my-gan/my_gan.py").read_text()
    assert "from zoo_deep.inner import part" in code
    assert code.count("from zoo_deep.layers import WIDTH") == 2
    assert '"""$MyGan."""' in code
    assert "zoo-deep>=1.0" in Path("my-gan/pyproject.toml").read_text()
    exec(code, {"__name__": "my_gan"})  # noqa: S102


def test_like_wants_a_model(ganzoo_command):
    assert "dcgan" in ganzoo_command("new", "a-gan", "--like", "dcgna").stderr
    assert "--like" in ganzoo_command("new", "a-gan", "--copy").stderr
    assert "--like" in ganzoo_command("new", "a", "--kind", "trainer", "--like", "dcgan").stderr
    assert not list(Path().iterdir())


def test_a_command_of_a_package_is_listed_and_run(distribution, ganzoo_command):
    code = 'import click\n\n@click.command()\ndef hello():\n    """Say hello."""\n'
    code += '    click.echo("hello")'
    distribution("zoo-hello", {"hello": "hello:hello"}, "ganzoo.commands", hello=code)
    distribution("zoo-bad", {"bad": "bad:bad"}, "ganzoo.commands", bad="raise ValueError('no')")
    distribution("zoo-odd", {"odd": "odd:odd"}, "ganzoo.commands", odd="odd = 3")
    listed = ganzoo_command("--help").output
    assert "Say hello." in listed
    assert ganzoo_command("hello").output == "hello\n"
    assert "hello" in ganzoo_command("helo").stderr
    completions = BashComplete(main, {}, "ganzoo", "_GANZOO_COMPLETE").get_completions([], "")
    assert {"hello", "train"} <= {item.value for item in completions}
    for name, words in (("bad", "ValueError: no"), ("odd", "no command of click")):
        done = ganzoo_command(name)
        assert done.exit_code == 1
        assert words in done.stderr


def test_a_command_of_two_packages_is_named_with_its_package(distribution, ganzoo_command):
    code = 'import click\n\n@click.command()\ndef hello():\n    """Say hello."""\n'
    code += "    click.echo(__name__)"
    for module in ("first", "second"):
        targets = dict.fromkeys(("hello", "list", "augment"), f"{module}:hello")
        distribution(f"zoo-{module}", targets, "ganzoo.commands", **{module: code})
    done = ganzoo_command("hello")
    assert done.exit_code != 0
    assert "zoo-second/hello" in done.stderr
    assert ganzoo_command("zoo-second/hello").output == "second\n"
    assert "no command" in ganzoo_command("zoo-third/hello").stderr
    assert "dcgan" in ganzoo_command("list").output
    assert "'list'" in ganzoo_command("new", "list", "--kind", "command").stderr
    assert "\n  augment " not in ganzoo_command("--help").output


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["My_GAN"], "my-gan"),
        (["3d"], "3d"),
        (["--kind", "trainer", "alternating"], "trainer 'alternating'"),
        (["dcgan"], "model 'dcgan'"),
        (["torch"], "module 'torch'"),
        (["class"], "module 'class'"),
        (["pillow"], "package 'pillow'"),
        (["a" * 300], "a" * 64),
        (["setup"], "module 'setup'"),
        (["sitecustomize"], "module 'sitecustomize'"),
        (["none"], "None"),
        (["--kind", "dataset", "image"], "Image"),
        (["a-gan", "--out", "full"], "full"),
        (["a-gan", "--out", "file"], "file"),
        (["a-gan", "--out", "link"], "link"),
        (["a-gan", "--out", "nowhere/.."], "--out"),
        (["a-gan", "--kind", "loss"], "loss"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(ganzoo_command, words, named):
    Path("full").mkdir()
    Path("full/mine").touch()
    Path("file").touch()
    Path("empty").mkdir()
    Path("link").symlink_to("empty")
    done = ganzoo_command("new", *words)
    assert done.exit_code == 2
    assert named in done.stderr
    assert sorted(map(str, Path().rglob("*"))) == ["empty", "file", "full", "full/mine", "link"]


def test_an_unwritable_place_is_one_line(ganzoo_command):
    Path("file").touch()
    for out in ("file/a-gan", "x" * 300):
        done = ganzoo_command("new", "a-gan", "--out", out)
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
        assert out in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "command"])
def test_installed_it_trains_at_once_and_its_tests_are_green(tmp_path, process, site_env, kind):
    process("-m", "ganzoo", "new", f"my-{kind}", "--kind", kind)
    process(
        *PIP,
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        tmp_path / "site",
        f"./my-{kind}",
    )
    env = site_env(tmp_path / "site")
    words = use_of(f"my-{kind}", kind).split()[1:]
    process("-m", "ganzoo", *words, "--set", "steps=3", "--out", "run", env=env)
    assert Path("run/samples.png").exists()
    assert "passed" in process("-m", "pytest", "-q", cwd=f"my-{kind}", env=env).stdout


def hashes(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.py")}


@pytest.mark.slow
def test_a_package_made_elsewhere_is_listed_trained_killed_continued_sampled_pushed_and_missed(
    tmp_path, process, released
):
    """Two wheels in a folder, a stranger's and ganzoo's, and nothing of the checkout."""
    core = hashes(released)
    ganzoo_alone = {**os.environ, "PYTHONPATH": str(released), "HF_HUB_DISABLE_XET": "1"}
    process("-m", "ganzoo", "new", "far-gan", env=ganzoo_alone)
    process(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", ".", "./far-gan")
    process(*PIP, "install", "--no-deps", "--target", "site", "far_gan-0.1.0-py3-none-any.whl")
    env = {**ganzoo_alone, "PYTHONPATH": f"{released}{os.pathsep}{Path('site').resolve()}"}
    where = process(
        "-c", "import ganzoo, far_gan; print(ganzoo.__file__, far_gan.__file__)", env=env
    ).stdout.split()
    assert [Path(path).is_relative_to(tmp_path.parent) for path in where] == [True, True]
    assert "far-gan" in process("-m", "ganzoo", "list", env=env).stdout
    assert "far_gan:FarGan" in process("-m", "ganzoo", "show", "far-gan", env=env).stdout

    train = [
        "-m",
        "ganzoo",
        "train",
        "far-gan",
        "--data",
        "digits",
        "--set",
        "width=4",
        "--set",
        "batch_size=8",
    ]
    train += ["--set", "steps=40", "--save-every", "5", "--report-every", "1"]
    process(*train, "--out", "whole", env=env)
    running = subprocess.Popen([sys.executable, *train], env=env, stdout=subprocess.PIPE, text=True)
    for line in running.stdout:
        if line.startswith("step 17/"):
            running.kill()
            break
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL
    assert "from step 15" in process(*train, env=env).stdout
    for name in PUBLISHED:
        assert Path("runs/far-gan", name).read_bytes() == Path("whole", name).read_bytes(), name
    process("-m", "ganzoo", "sample", "runs/far-gan", "-n", "4", "--out", "few.png", env=env)
    assert Path("few.png").exists()

    with Hub() as hub:
        online = {"HF_ENDPOINT": hub.url, "HF_TOKEN": WRITER, "HF_HOME": str(tmp_path / "home")}
        process("-m", "ganzoo", "push", "runs/far-gan", "ada/far", env={**env, **online})
        process(
            "-m",
            "ganzoo",
            "sample",
            "ada/far",
            "-n",
            "4",
            "--out",
            "same.png",
            env={**env, **online},
        )
        assert Path("same.png").read_bytes() == Path("few.png").read_bytes()
        for run in ("ada/far", "runs/far-gan"):
            missed = process(
                "-m", "ganzoo", "sample", run, env={**ganzoo_alone, **online}, check=False
            )
            assert missed.returncode == 1
            assert "Traceback" not in missed.stderr
            advice = missed.stderr.splitlines()[-1]
            assert "pip install far-gan" in advice
    assert hashes(released) == core
    assert (
        json.loads(Path("runs/far-gan/config.json").read_text())["model"]["distribution"]
        == "far-gan"
    )


def test_a_new_package_takes_this_version_of_ganzoo(ganzoo_command):
    assert ganzoo_command("new", "my-gan").exit_code == 0
    project = tomllib.loads(Path("my-gan/pyproject.toml").read_text())["project"]
    (required,) = map(Requirement, project["dependencies"])
    assert required.specifier.contains(ganzoo.__version__, prereleases=True)
