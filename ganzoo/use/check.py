"""`ganzoo data check`: compares a source with what a model needs, and draws a contact sheet."""

from collections.abc import Sequence
from pathlib import Path

from ganzoo.data.check import Report, check
from ganzoo.discovery.registry import models
from ganzoo.errors import UsageError
from ganzoo.files import is_inside, writing
from ganzoo.images import save_png
from ganzoo.use.replacing import check_replaceable
from ganzoo.zoo import model_class

VERB = "ganzoo data check"
"""What a contact sheet says of its origin."""


def check_data(
    sources: Sequence[str],
    *,
    model: str | None,
    assignments: Sequence[str],
    sheet: Path,
    workers: int | None,
) -> Report:
    """Reads every file, and writes a contact sheet if any is usable.

    Raises DataError if there is no such source.
    """
    if sheet.suffix.lower() != ".png":
        raise UsageError(f"--sheet {sheet}: a contact sheet is a .png")
    check_replaceable(sheet, VERB, "choose another file with --sheet")
    for source in sources:
        if is_inside(sheet, source):
            raise UsageError(
                f"--sheet {sheet} lies inside {source} and would become data: choose another file"
            )
    if model:
        kind = model_class(models[model])
        hp = kind.Hparams.from_options(None, assignments)
        report = check(sources, hp, kind.view, workers)
    elif assignments:
        raise UsageError("--set requires --model NAME")
    else:
        report = check(sources, workers=workers)
    if report.usable:
        with writing(sheet, otherwise="choose another file with --sheet"):
            sheet.parent.mkdir(parents=True, exist_ok=True)
            save_png(report.sheet(), sheet, software=VERB)
    return report
