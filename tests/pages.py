"""The pages of the documentation, and their blocks of code."""

import re
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r'^( *)```(\w*)(?: title="([^"]*)")?\n(.*?)^\1```$', re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, the title above it, its text."""

    language: str
    title: str
    code: str

    @property
    def file(self):
        """The name of the file that it is; empty for code that is typed."""
        is_name = re.fullmatch(r"[\w./-]+\.\w+", self.title)
        return self.title if is_name else ""

    @property
    def cannot_run(self):
        """Its title says so: `title="Needs a network"`."""
        return self.title.startswith("Needs ")

    @property
    def commands(self):
        """The words of each command of a shell block, without comments."""
        code = self.code.replace(".venv/bin/", "").replace("\\\n", "")
        lines = code.replace(" && ", "\n").splitlines()
        commands = [shlex.split(line, comments=True) for line in lines]
        return [words for words in commands if words]


def blocks_of(path):
    """The blocks of a page, from top to bottom."""
    blocks = []
    for indent, language, title, code in BLOCK.findall(path.read_text("utf-8")):
        code = textwrap.dedent(code) if indent else code
        blocks.append(Block(language, title, code))
    return blocks
