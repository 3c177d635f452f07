"""Pretrained weights that installed packages declare, read without importing the packages.

An entry point of the group `ganzoo.weights` names a package. The package's folder holds a file
weights.json:

    {"weights": [{"model": "my-gan", "name": "faces", "licence": "apache-2.0",
                  "hub": "user/my-gan-faces", "revision": "...", "sha256": "..."}]}

If the weights are shipped in the package, "folder": "my-gan-faces" replaces hub and revision.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ganzoo.discovery.registry import UNREADABLE, entry_points_of
from ganzoo.errors import PluginError, UnknownName

GROUP = "ganzoo.weights"


@dataclass(frozen=True, kw_only=True)
class PretrainedWeights:
    """Weights of a model: a folder of the package that declares them, or a revision on the Hub."""

    model: str
    name: str
    licence: str
    sha256: str
    folder: Path | None = None
    hub: str | None = None
    revision: str | None = None
    package: str = ""

    @property
    def where(self) -> str:
        """Their place, for people."""
        if self.folder:
            return f"in {self.package}"
        return f"{self.hub}@{self.revision}"


def declared() -> tuple[list[PretrainedWeights], list[PluginError]]:
    """All declared weights, ganzoo's own first, and an error for each unreadable declaration."""
    known, errors = [], []
    packages = {entry.value for entry in entry_points_of(GROUP)}
    for package in sorted(packages, key=lambda name: (name != "ganzoo_weights", name)):
        try:
            known += list(_declared_by(package))
        except PluginError as error:
            errors.append(error)
    return known, errors


def find(model: str, name: str | None) -> PretrainedWeights:
    """The weights of a model with this name, or its first. Raises UnknownName with the choices."""
    known, errors = declared()
    for weights in known:
        if weights.model == model and name in (None, weights.name):
            return weights
    if errors:
        raise errors[0]
    choices = [f"{weights.model} ({weights.name})" for weights in known]
    wanted = f"weights {name!r}" if name else "weights"
    hint = ", ".join(choices) or "none"
    raise UnknownName(f"no {wanted} of {model} are published with it; choose from {hint}")


def _declared_by(package: str) -> Iterator[PretrainedWeights]:
    top, *rest = package.split(".")
    try:
        # of the top package only: looking for a.b imports a
        spec = find_spec(top)
        folders = spec.submodule_search_locations if spec else None
        root = Path((folders or [])[0], *rest)
        text = (root / "weights.json").read_text(encoding="utf-8")
        for row in json.loads(text)["weights"]:
            yield _weights(row, root, package)
    except UNREADABLE as cause:
        reason = f"{type(cause).__name__}: {cause}"
        subject = f"the weights that {package} declares"
        raise PluginError(f"{subject} cannot be read: {reason}") from None


def _weights(row: dict[str, str], root: Path, package: str) -> PretrainedWeights:
    keys = ["model", "name", "licence", "sha256"]
    if "folder" not in row:
        keys += ["hub", "revision"]
    values: dict[str, Any] = {key: str(row[key]) for key in keys}
    if "folder" in row:
        folder = root / row["folder"]
        if not folder.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"{folder} lies outside of the package")
        values["folder"] = folder
    return PretrainedWeights(**values, package=package)
