"""Does what the pages in docs/ say: every block of code runs, or at least compiles and parses.

A block that cannot run here has a title that says what it needs: `title="Needs a network"`.
"""

import json
import re
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest
from pages import PAGES, ROOT, blocks_of
from PIL import Image
from support import SMALL

import ganzoo
from ganzoo import errors
from ganzoo.cli import main
from ganzoo.zoo import model_class

LANGUAGES = {"python", "sh", "toml", "json", "text"}
QUICK = {"batch_size": 4, "steps": 2}
FEW_FACES = {
    "attribute-dcgan": "faces:n=40",
    "dcgan-mini": "faces:n=24",
    "cdcgan-mini": "faces:n=24,label=hair",
    "cyclegan-mini": "faces:n=24,hair=blond/black",
    "pix2pix-mini": "faces:n=24,hair=blond/black",
}
"""The default data of models -> few of them, which take no time to draw."""
FOLDERS = {
    "faces": 70,
    "flowers/daisy": 35,
    "flowers/rose": 35,
    "horses": 8,
    "zebras": 8,
    "maps/A": 8,
    "maps/B": 8,
    "pets/train/cat": 8,
    "pets/train/dog": 8,
    "pets/val/cat": 4,
    "pets/val/dog": 4,
    "new": 3,
}
"""The pictures that a reader has: folder -> their number."""


def page_id(path):
    return path.relative_to(ROOT / "docs").as_posix()


@pytest.fixture(params=PAGES, ids=page_id)
def page(request):
    return request.param


def test_every_block_is_of_a_known_kind(page):
    for block in blocks_of(page):
        assert block.language in LANGUAGES, block
        assert not block.title or block.file or block.cannot_run, block


def test_code_compiles_and_commands_are_understood(page):
    for block in blocks_of(page):
        if block.title == "Needs the package of this page":
            continue
        if block.language == "python":
            compile(block.code, page_id(page), "exec")
        elif block.language == "toml":
            tomllib.loads(block.code)
        elif block.language == "json":
            json.loads(block.code)
        elif block.language == "sh":
            for words in block.commands:
                check_command(words)


def check_command(words):
    """Parses a command of ganzoo, and the hyperparameters of a built-in model."""
    if words[0] != "ganzoo":
        assert words[0] in ("hf", "pip", "pytest", "python", "tensorboard"), words
        return
    command, rest = main, words[1:]
    context = click.Context(main, info_name="ganzoo")
    while isinstance(command, click.Group):
        _, command, rest = command.resolve_command(context, rest)
    options = command.make_context("ganzoo", rest).params
    if words[1] == "train" and options["model"] in ganzoo.models:
        kind = model_class(ganzoo.models[options["model"]])
        kind.Hparams.from_options(None, options["assignments"])


def test_every_option_in_the_text_exists(page):
    known = {"--help", "--debug", "--version"}
    for verb in (*main.list_commands(None), "data check", "data export"):
        command = main
        for name in verb.split():
            command = command.get_command(None, name)
        for parameter in command.params:
            known.update(parameter.opts)
    text = re.sub("```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for code in re.findall("`([^`\n]+)`", text):
        foreign = code.startswith(("pip ", "pytest ", "tensorboard ", "mkdocs "))
        options = re.findall(r"(?:^| )(--[a-z-]+)", code)
        assert foreign or known.issuperset(options), code


def test_the_reference_has_every_public_name_once():
    text = ""
    for path in (ROOT / "docs/reference").glob("python*.md"):
        text += path.read_text("utf-8")
    names = re.findall(r"^::: ganzoo\.(\w+)$", text, re.MULTILINE)
    assert sorted(names) == sorted(ganzoo.__all__)


def test_the_page_about_models_has_all_of_the_contract():
    page = (ROOT / "docs/plugins/model.md").read_text("utf-8")
    internal = {"begin", "defaults", "schedule_depends_on_steps"}
    for name in vars(ganzoo.Model):
        if not name.startswith("_") and name not in internal:
            assert name in page, name


def test_the_tree_of_errors_is_that_of_the_code():
    page = ROOT / "docs/reference/python-errors.md"
    tree = errors.__doc__.partition("\n\n")[2]
    assert blocks_of(page)[0].code.strip() == tree.strip()


class Reader:
    """Does what a page says, in the current folder."""

    def __init__(self, ganzoo_command, distribution, process, env):
        self.ganzoo, self.distribution = ganzoo_command, distribution
        self.process, self.env = process, env

    def follow(self, page):
        names = {}
        for block in blocks_of(page):
            if block.cannot_run:
                continue
            if block.file:
                file = Path(block.file)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.code)
            elif block.language == "python":
                exec(fewer_steps(block.code), names)  # noqa: S102  (our own pages)
            elif block.language == "sh":
                for words in block.commands:
                    self.run(words)

    def run(self, words):
        if words[0] == "ganzoo":
            done = self.ganzoo(*quickly(words[1:]))
            assert done.exit_code == 0, (words, done.output)
        elif words[:3] == ["pip", "install", "-e"] and Path(words[3], "pyproject.toml").exists():
            self.install(Path(words[3]))
        elif words[0] == "pytest":
            self.process("-m", *words, "-p", "no:cacheprovider", env=self.env)

    def install(self, folder):
        """As if pip had installed the package in the folder."""
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        code = {path.stem: path.read_text() for path in folder.glob("*.py")}
        for group, entries in project["entry-points"].items():
            self.distribution(project["name"], entries, group=group, **code)


@pytest.fixture
def reader(ganzoo_command, distribution, process, site_env, tmp_path, caplog, monkeypatch):
    """A reader with folders of pictures, who imports modules from the current one."""
    monkeypatch.syspath_prepend(Path.cwd())
    for name, source in FEW_FACES.items():
        monkeypatch.setattr(model_class(ganzoo.models[name]), "default_data", source)
    caplog.set_level("NOTSET", "ganzoo")  # a page may choose another; this one is restored
    for folder, count in FOLDERS.items():
        Path(folder).mkdir(parents=True)
        for i in range(count):
            pixels = np.random.default_rng(i).integers(0, 256, (40, 48, 3), np.uint8)
            Image.fromarray(pixels).save(Path(folder, f"{i}.png"))
    Image.fromarray(pixels).save("holiday.jpg")
    return Reader(ganzoo_command, distribution, process, site_env(tmp_path / "site"))


def fewer_steps(text):
    """A hundredth of the steps, and the checkpoint that a short training has."""
    text = re.sub(r"step-\d{6}", f"step-{QUICK['steps']:06}", text)
    return re.sub(
        r"(steps=)([\d_]+)", lambda match: f"{match[1]}{max(2, int(match[2]) // 100)}", text
    )


def quickly(words):
    """A command with small networks and few steps, unless it says otherwise."""
    words = [fewer_steps(word) for word in words]
    if "--per-class" in words:
        words[words.index("--per-class") + 1] = "2"
    if words[0] != "train":
        return words
    settings = SMALL.get(words[1], {}) | QUICK
    settings.pop("channels", None)
    small = []
    for name, value in settings.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        small += ["--set", f"{name}={text}"]
    return [*words[:2], *small, *words[2:]]


def test_the_first_page_runs(reader):
    reader.follow(ROOT / "docs/index.md")


@pytest.mark.slow
def test_every_page_runs(reader, page):
    reader.follow(page)
