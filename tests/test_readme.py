"""Runs the README's code, with fewer steps."""

import re
import tomllib

import pages

import ganzoo

README = pages.README.read_text(encoding="utf-8")
BLOCKS = [block.code for block in pages.blocks_of(pages.README) if block.language == "python"]
FIRST, MODEL = BLOCKS


def test_the_first_lines_of_python(capsys):
    code = FIRST.replace("steps=200", "steps=2, width=4").replace("steps=100", "steps=2, width=4")
    names = {}
    exec(code.replace("% 50", "% 1"), names)  # noqa: S102  (our own README)
    assert "'discriminator/real'" in capsys.readouterr().out
    assert names["run"].step == 2
    assert [picture.size for picture in names["pictures"]] == [(64, 64)] * 8
    assert names["step"].number == 2


def test_your_own_model(distribution, ganzoo_command):
    distribution("my-package", {"my-gan": "my_gan:MyGAN"}, my_gan=MODEL)
    assert 'my-gan = "my_gan:MyGAN"' in README
    outputs = []
    for command in ("list", "train my-gan --data digits --set steps=3", "sample runs/my-gan"):
        done = ganzoo_command(*command.split())
        assert done.exit_code == 0, done.output
        outputs.append(done.output)
    assert "linear" in outputs[0]
    assert ganzoo.load("runs/my-gan").hp.image_size == 32


def test_it_is_short_and_its_links_are_alive():
    assert len(README.splitlines()) <= 150
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    for link in links:
        assert (pages.ROOT / link).exists(), link


def test_its_table_has_every_model():
    rows = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    names = re.findall(r"`([^`]+)`", " ".join(rows))
    ours = tomllib.loads((pages.ROOT / "pyproject.toml").read_text("utf-8"))
    assert sorted(names) == sorted(ours["project"]["entry-points"]["ganzoo.models"])
