"""The pages for contributors say what there is: paths, commands, kinds of plugins."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CITATION.cff")
PAGES += (".github/PULL_REQUEST_TEMPLATE.md", ".github/ISSUE_TEMPLATE/model.md")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_on_a_page_exists(page):
    text = (ROOT / page).read_text("utf-8")
    paths = re.findall(r"`([\w./]*/[\w./]*)`|\]\(([\w./]+)\)|(tests/\w+\.py)", text)
    for path in filter(None, (first or second or third for first, second, third in paths)):
        if "NAME" not in path:
            assert (ROOT / path).exists(), path


def test_every_kind_of_plugin_stands_on_the_page():
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for group in ("ganzoo.models", "ganzoo.trainers", "ganzoo.datasets"):
        assert group in PROJECT["entry-points"]
        assert f"`{group}`" in page
    assert '.venv/bin/pip install -e ".[dev]"' in page


def test_the_workflow_and_the_hooks_run_what_a_person_runs():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    jobs = workflow["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    for script in (".ci/run", ".ci/lowest"):
        assert script in commands
        assert (ROOT / script).stat().st_mode & 0o100
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["license"] == "Apache-2.0"


def test_every_dependency_has_a_lowest_version():
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/lowest.py"], capture_output=True, text=True, check=True
    )
    lowest = [line.partition("==")[0] for line in done.stdout.splitlines()]
    assert set(lowest) >= {Requirement(text).name for text in PROJECT["dependencies"]}
    assert "setuptools" in lowest
