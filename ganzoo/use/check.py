"""`ganzoo data check`: compares a source with what a model needs, and draws a contact sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.data.check import Report, check
from ganzoo.data.split_folders import divided, source_texts
from ganzoo.discovery.registry import models
from ganzoo.errors import UsageError
from ganzoo.files import is_inside, writing
from ganzoo.hparams.hparams import Hparams
from ganzoo.images import save_png
from ganzoo.model.inference import has_scores
from ganzoo.use.replacing import check_replaceable
from ganzoo.zoo import model_class

VERB = "ganzoo data check"
"""What a contact sheet says of its origin."""


def check_data(
    sources: Sequence[str],
    *,
    model: str | None,
    assignments: Sequence[str],
    sheet: Path | None,
    workers: int | None,
) -> Report:
    """Reads every file; of a source with folders train/ and val/, those of both.

    Raises DataError if there is no such source, UsageError if it would hold the contact sheet.
    """
    if sheet:
        _check_sheet(sheet, sources)
    hp: Hparams | None = None
    view: Any = Tensor
    validates = True
    if model:
        kind = model_class(models[model])
        hp, view = kind.Hparams.from_options(None, assignments), kind.view
        validates = has_scores(kind)
    elif assignments:
        raise UsageError("--set requires --model NAME")
    trained, held_out = divided(tuple(sources), None, validates=validates)
    report = check(source_texts(trained), hp, view, workers)
    if held_out:
        report.add_validation(check(source_texts(held_out), hp, view, workers))
    return report


def write_sheet(report: Report, sheet: Path) -> None:
    """Writes a contact sheet of some usable images."""
    with writing(sheet, otherwise="choose another file with --sheet"):
        sheet.parent.mkdir(parents=True, exist_ok=True)
        save_png(report.sheet(), sheet, software=VERB)


def _check_sheet(sheet: Path, sources: Sequence[str]) -> None:
    if sheet.suffix.lower() != ".png":
        raise UsageError(f"--sheet {sheet}: a contact sheet is a .png")
    check_replaceable(sheet, VERB, "choose another file with --sheet")
    for source in sources:
        if is_inside(sheet, source):
            raise UsageError(
                f"--sheet {sheet} lies inside {source} and would become data: choose another file"
            )
