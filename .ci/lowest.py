"""Prints the lowest version of each dependency that pyproject.toml allows, as pip's constraints."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
texts = [*project["dependencies"]]
for extra in ("hf", "onnx", "testing", "test"):
    texts += project["optional-dependencies"][extra]
for text in texts:
    requirement = Requirement(text)
    for bound in requirement.specifier:
        if bound.operator == ">=":
            print(f"{requirement.name}=={bound.version}")  # noqa: T201  (its purpose)
