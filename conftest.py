"""Fixtures: a folder for each test, distributions made on the spot, the command as a process."""

import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner
from support import write_metadata

ROOT = Path(__file__).parent
TOY = ROOT / "tests/toy"
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")  # of workers and what they start


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture(scope="session")
def toy_site(tmp_path_factory):
    """A folder with tests/toy as pip would install it; tests/test_new.py has pip do it."""
    site = tmp_path_factory.mktemp("site")
    project = tomllib.loads((TOY / "pyproject.toml").read_text())["project"]
    shutil.copy(TOY / "ganzoo_toy.py", site)
    write_metadata(site, project["name"], project["version"], project["entry-points"])
    return site


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """A folder into which pip has installed the wheel that it makes of ganzoo's sdist."""
    folder = tmp_path_factory.mktemp("released")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (source,) = folder.glob("ganzoo-*.tar.gz")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source],
        check=True,
    )
    (wheel,) = folder.glob("ganzoo-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


@pytest.fixture
def toy(toy_site, monkeypatch):
    """The toy package, installed and importable in this process."""
    monkeypatch.syspath_prepend(toy_site)
    yield toy_site
    sys.modules.pop("ganzoo_toy", None)


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """A distribution: `distribution("name", {"model": "module:Class"}, module="source")`."""
    monkeypatch.syspath_prepend(tmp_path / "site")

    def make(name, entries, group="ganzoo.models", version="1.0", **modules):
        write_metadata(tmp_path / "site", name, version, {group: entries})
        for module, source in modules.items():
            (tmp_path / "site" / f"{module}.py").write_text(source)
        importlib.invalidate_caches()
        return tmp_path / "site"

    yield make
    for name, module in list(sys.modules.items()):
        if str(tmp_path) in str(getattr(module, "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def ganzoo_command():
    """`ganzoo_command("list")` runs in this process: exit_code, output, stderr."""
    from ganzoo.cli import main

    return lambda *words: CliRunner().invoke(
        main, [str(word) for word in words], prog_name="ganzoo"
    )


@pytest.fixture
def process():
    """`process("-m", "ganzoo", "list")` runs a fresh Python: returncode, stdout, stderr."""

    def run(*words, check=True, **kwargs):
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=240, check=False, **kwargs
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def inner_pytest():
    """`inner_pytest("--ganzoo", "zoo")` runs pytest in this process: returncode, stdout, stderr."""

    def run(*words):
        with redirect_stdout(StringIO()) as stdout, redirect_stderr(StringIO()) as stderr:
            code = pytest.main(["-s", "-p", "no:cacheprovider", "-p", "no:xdist", *map(str, words)])
        return SimpleNamespace(returncode=code, stdout=stdout.getvalue(), stderr=stderr.getvalue())

    yield run
    sys.modules.pop("ganzoo.testing.collected", None)  # its tests are those of the chosen package


@pytest.fixture
def site_env():
    """An environment in which a folder of packages is on the path."""
    return lambda site: {**os.environ, "PYTHONPATH": str(site)}


SECONDS = ("test_can_be_exported", "test_has_players_that_oppose_each_other")
"""Checks of the contract that take seconds for each model."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.name.startswith(SECONDS):
            item.add_marker(pytest.mark.slow)
