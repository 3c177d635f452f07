"""Fixtures: folders of each test's own, distributions made on the spot, the command as a process."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

ROOT = Path(__file__).parent
TOY = ROOT / "tests/toy"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    torch.set_num_threads(2)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture(scope="session")
def toy_site(tmp_path_factory):
    """A folder into which pip has installed tests/toy, as a stranger's package would be."""
    source = shutil.copytree(TOY, tmp_path_factory.mktemp("toy") / "source")
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(site), str(source)], check=True)
    return site


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """A folder into which pip has installed ganzoo's own wheel: put first on the path, not one file of the checkout."""
    folder = tmp_path_factory.mktemp("released")
    left_out = shutil.ignore_patterns(".*", "tests", "benchmarks", "runs", "build")
    source = shutil.copytree(ROOT, folder / "source", ignore=left_out)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source], check=True)
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
    """Makes an installed distribution: `distribution("name", {"model": "module:Class"}, module="source")`."""
    monkeypatch.syspath_prepend(tmp_path / "site")

    def make(name, entries, group="ganzoo.models", version="1.0", **modules):
        info = tmp_path / "site" / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"{entry} = {target}" for entry, target in entries.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]) + "\n")
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
    """`ganzoo_command("list")` runs the command line in this process; the result has exit_code, output, stderr."""
    from ganzoo.cli import main

    return lambda *words: CliRunner().invoke(main, [str(word) for word in words], prog_name="ganzoo")


@pytest.fixture
def process():
    """`process("-m", "ganzoo", "list")` runs a fresh Python; the result has returncode, stdout, stderr."""

    def run(*words, check=True, **kwargs):
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **kwargs)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def site_env():
    """An environment in which a folder of packages is on the path."""
    return lambda site: {**os.environ, "PYTHONPATH": str(site)}
