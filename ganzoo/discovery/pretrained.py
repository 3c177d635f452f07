"""Pretrained weights that installed packages declare, read without importing the packages.

An entry point of the group `ganzoo.weights` names a package. The package's folder holds a file
weights.json:

    {"weights": [{"model": "my-gan", "name": "faces", "licence": "apache-2.0",
                  "hub": "user/my-gan-faces", "revision": "...", "sha256": "..."}]}

If the weights are shipped in the package, "folder": "my-gan-faces" replaces hub and revision, and
sha256 may be left out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from ganzoo.discovery.registry import entry_points_of
from ganzoo.discovery.summaries import spec_without_import
from ganzoo.errors import PluginError

GROUP = "ganzoo.weights"


@dataclass(frozen=True, kw_only=True)
class PretrainedWeights:
    """Weights of a model: a folder of the package that declares them, or a revision on the Hub."""

    model: str
    name: str
    licence: str
    sha256: str
    """Empty if only the folder's own config.json has it."""
    folder: Path | None = None
    hub: str | None = None
    revision: str | None = None
    package: str = ""

    def __str__(self) -> str:
        return f"{self.model}:{self.name}"

    @property
    def described(self) -> str:
        """Name, place and licence, for people."""
        return f"{self} {self.where}, {self.licence}"

    @property
    def where(self) -> str:
        """Their place, for people."""
        if self.folder:
            return f"in {self.package}"
        return f"{self.hub}@{self.revision}"


def declared() -> tuple[list[PretrainedWeights], list[PluginError]]:
    """All declared weights, ganzoo's own first, and an error for each unreadable declaration."""
    known, errors = [], []
    for entry in sorted(entry_points_of(GROUP), key=_order):
        try:
            known += list(_declared_by(entry.value))
        except PluginError as error:
            errors.append(error)
    return known, errors


def _order(entry: EntryPoint) -> tuple[bool, str]:
    return entry.value != "ganzoo_weights", entry.name


def find(model: str, name: str | None = None) -> PretrainedWeights | None:
    """The weights of a model with this name, or its first; None if no package declares them."""
    known, _ = declared()
    for weights in known:
        if weights.model == model and name in (None, weights.name):
            return weights
    return None


def _declared_by(package: str) -> Iterator[PretrainedWeights]:
    try:
        spec = spec_without_import(package)
        root = Path(spec.submodule_search_locations[0])
        text = (root / "weights.json").read_text("utf-8")
        for row in json.loads(text)["weights"]:
            yield _weights(row, root, package)
    # a stranger's file may hold anything
    except Exception as cause:
        raise PluginError(
            f"the weights of {package} cannot be read: {type(cause).__name__}: {cause}"
        ) from None


def _weights(row: dict[str, str], root: Path, package: str) -> PretrainedWeights:
    keys = ["model", "name", "licence"]
    if "folder" not in row:  # config.json in a folder has its sha256
        keys += ["sha256", "hub", "revision"]
    values: dict[str, Any] = {key: str(row[key]) for key in keys}
    values["sha256"] = str(row.get("sha256", ""))
    if "folder" in row:
        folder = root / row["folder"]
        if not folder.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"{folder} lies outside of the package")
        values["folder"] = folder
    return PretrainedWeights(**values, package=package)
