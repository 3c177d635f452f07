"""Weights that installed packages publish with their models, found without importing any of them.

An entry point of the group `ganzoo.weights` names a package, and that package's folder has a weights.json:

    {"weights": [{"model": "my-gan", "name": "faces", "licence": "apache-2.0",
                  "hub": "user/my-gan-faces", "revision": "...", "sha256": "..."}]}

or, where the weights ship in the package, "folder": "my-gan-faces" in the place of hub and revision.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from ganzoo.errors import PluginError, UnknownName

GROUP = "ganzoo.weights"


@dataclass(frozen=True, kw_only=True)
class PretrainedWeights:
    """Weights of a model: a folder in the package that declares them, or a revision of a repository on the Hub."""

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
        """Where they are, for people."""
        return f"in {self.package}" if self.folder else f"{self.hub}@{self.revision}"


def declared() -> tuple[list[PretrainedWeights], list[PluginError]]:
    """What is declared, ganzoo's own first; and an error for each package whose declaration cannot be read."""
    found, broken = [], []
    for package in _packages():
        try:
            found += list(_declared_by(package))
        except PluginError as error:
            broken.append(error)
    return found, broken


def find(model: str, name: str | None) -> PretrainedWeights:
    """The weights of a model that have this name, or its first. Raises UnknownName, saying what there is."""
    known, broken = declared()
    found = next(
        (weights for weights in known if weights.model == model and name in (None, weights.name)),
        None,
    )
    if found is None and broken:
        raise broken[0]
    if found is None:
        asked = f"weights {name!r} of {model} are" if name else f"weights of {model} are"
        there = ", ".join(f"{one.model} ({one.name})" for one in known)
        raise UnknownName(f"no {asked} published with it; there is {there or 'nothing at all'}")
    return found


def _packages() -> Iterator[str]:
    for entry in sorted(
        entry_points(group=GROUP), key=lambda entry: (entry.value != "ganzoo_weights", entry.name)
    ):
        yield entry.value


def _declared_by(package: str) -> Iterator[PretrainedWeights]:
    try:
        spec = find_spec(
            package.split(".")[0]
        )  # of the top package only: looking for a.b imports a
        places = list(spec.submodule_search_locations or []) if spec else []
        root = Path(places[0], *package.split(".")[1:])
        for row in json.loads((root / "weights.json").read_text(encoding="utf-8"))["weights"]:
            folder = root / row["folder"] if "folder" in row else None
            if folder and not folder.resolve().is_relative_to(root.resolve()):
                raise ValueError(f"{row['folder']} lies outside of the package")
            yield PretrainedWeights(
                model=str(row["model"]),
                name=str(row["name"]),
                licence=str(row["licence"]),
                sha256=str(row["sha256"]),
                folder=folder,
                hub=None if folder else str(row["hub"]),
                revision=None if folder else str(row["revision"]),
                package=package,
            )
    except (OSError, ValueError, KeyError, TypeError, IndexError, ImportError) as cause:
        raise PluginError(
            f"the weights that {package} declares cannot be read: {type(cause).__name__}: {cause}"
        ) from None
