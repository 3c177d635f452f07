"""What pip installs: an editable checkout, and a release made of the sdist."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILD = "import sys, hatchling.build as b; b.build_editable(sys.argv[1])"
SCRIPT = """
from importlib.util import find_spec
import ganzoo
print(ganzoo.__version__, find_spec("ganzoo_dcgan").origin)
"""


@pytest.fixture(scope="module")
def editable(tmp_path_factory):
    """A Python in which ganzoo is installed as `pip install -e` does it."""
    folder = tmp_path_factory.mktemp("editable")
    subprocess.run([sys.executable, "-c", BUILD, folder], check=True, cwd=ROOT, capture_output=True)
    (wheel,) = folder.glob("ganzoo-*.whl")
    command = [sys.executable, "-m", "venv", "--without-pip", folder / "venv"]
    subprocess.run(command, check=True)
    site = next(folder.rglob("site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # noqa: S202  (we made it)
    import click

    (site / "others.pth").write_text(str(Path(click.__file__).parents[1]))
    scripts = "Scripts" if os.name == "nt" else "bin"
    return folder / "venv" / scripts / "python"


@pytest.mark.parametrize("words", [["script.py"], ["-c", SCRIPT], ["-m", "ganzoo", "--version"]])
def test_a_folder_called_ganzoo_beside_a_script_hides_nothing(tmp_path, editable, words):
    (tmp_path / "ganzoo/ganzoo").mkdir(parents=True)  # as a checkout would be
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [editable, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "0." in done.stdout


def test_every_package_is_a_plain_path_of_an_editable_install(editable):
    paths = next(editable.parents[1].rglob("*ganzoo.pth")).read_text().split()
    plugins = [str(path) for path in sorted((ROOT / "plugins").iterdir()) if path.is_dir()]
    assert {str(ROOT), str(ROOT / "weights"), *plugins} == set(paths)


@pytest.mark.slow
def test_the_sdist_has_what_the_tests_need(released):
    (source,) = released.parent.glob("ganzoo-*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = [ROOT / "conftest.py", ROOT / "README.md", ROOT / ".ci/run"]
    for pattern in ("tests/**/*", "plugins/*/tests/*", "benchmarks/*", "docs/*", "ganzoo/**/*"):
        needed += ROOT.glob(pattern)
    paths = [path.relative_to(ROOT).as_posix() for path in needed if path.is_file()]
    assert {name for name in paths if "__pycache__" not in name} <= names


@pytest.mark.slow
def test_a_new_package_is_a_plain_path_too(process, tmp_path):
    process("-m", "ganzoo", "new", "mygan")
    hook = "import sys, setuptools.build_meta as b; b.build_editable(sys.argv[1])"
    process("-c", hook, tmp_path, cwd="mygan")
    (wheel,) = tmp_path.glob("mygan-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith(".pth")]
        assert archive.read(path).decode().strip() == str(Path("mygan").resolve())
