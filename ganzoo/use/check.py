"""`ganzoo data check`: a source against what a model needs, and a sheet to look at."""

from collections.abc import Sequence
from pathlib import Path

from ganzoo.data.check import Report, check
from ganzoo.errors import UsageError
from ganzoo.files import is_inside, writing
from ganzoo.images import save_png
from ganzoo.training.plan import Plan
from ganzoo.zoo import model_class


def check_data(
    sources: Sequence[str],
    *,
    model: str | None,
    assignments: tuple[str, ...],
    sheet: Path,
    workers: int | None,
) -> Report:
    """Reads every file, and writes a contact sheet when any is usable. Raises DataError for no source at all."""
    if sheet.suffix.lower() != ".png":
        raise UsageError(f"--sheet {sheet}: a contact sheet is a .png")
    if inside := next((source for source in sources if is_inside(sheet, source)), None):
        raise UsageError(
            f"--sheet {sheet} lies inside {inside} and would become data: choose another file"
        )
    if model is None:
        if assignments:
            raise UsageError("--set says what a model needs: give --model NAME too")
        report = check(sources, workers=workers)
    else:
        plan = Plan(model=model, assignments=assignments)
        kind = model_class(plan.plugin)
        report = check(sources, kind.Hparams.from_options(None, assignments), kind.view, workers)
    if report.usable:
        with writing(sheet, otherwise="choose another file with --sheet"):
            sheet.parent.mkdir(parents=True, exist_ok=True)
            save_png(report.sheet(), sheet)
    return report
