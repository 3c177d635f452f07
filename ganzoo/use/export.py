"""`ganzoo export`: a trained model as one .onnx or .pt2 file, compared with the model itself."""

import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import GanzooError, Unsupported, UsageError
from ganzoo.files import replace_file, writing
from ganzoo.state.config import Config
from ganzoo.use.traced import BATCH, Use, traced
from ganzoo.zoo import load_with_config

TOLERANCE = 1e-3
"""Largest allowed difference from the model.

It is absolute for outputs in [-1, 1] (an eighth of a grey level), relative to the largest output
for logits.
"""
OPTIONAL = ("onnx", "onnxscript", "onnxruntime")
Saved = Callable[..., Tensor]
"""A file that was read again: inputs by name -> output."""


def export(
    run: str | Path,
    out: Path,
    *,
    direction: str | None = None,
    opset: int | None = None,
) -> Iterator[str]:
    """Exports the generator, the translator in one direction, or the classifier of a run.

    Inputs are `latents` (and the `labels` or the `condition` of a model with them) or `images`; the
    output is `images`, `translated` or `logits`. The batch size is open, and a translator's height
    and width where the model can be traced so. The file is read again and compared with the model;
    it replaces `out` only if it is within TOLERANCE. Yields lines for the user. Raises UsageError
    for a wrong ending or direction, or if the packages for .onnx are missing; Unsupported if the
    model cannot be exported.
    """
    kind = out.suffix.lower()
    _check(out, kind, opset)
    model, config = load_with_config(run)
    use = Use(model, direction)
    guard = partial(writing, otherwise="choose another OUT")
    with guard(out), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"model{kind}"
        try:
            difference = _write(file, use, config, opset)
        except Unsupported as cause:
            if use.dynamic == BATCH:
                raise
            yield f"height and width are fixed: {cause}"
            use.dynamic = BATCH
            difference = _write(file, use, config, opset)
        out.parent.mkdir(parents=True, exist_ok=True)
        replace_file(out, file, guard)
    yield f"{out}: {use.signature()}"
    yield f"differs from the model by {difference:.1e} at most; {TOLERANCE:.0e} is allowed"


def _check(out: Path, kind: str, opset: int | None) -> None:
    if kind not in (".onnx", ".pt2"):
        raise UsageError(f"{out}: the file is an .onnx, or a .pt2 for torch.export.load")
    if out.is_dir():
        raise UsageError(f"{out} is a folder: choose another OUT")
    if kind == ".pt2":
        if opset is not None:
            raise UsageError("--opset is for an .onnx; a .pt2 has none")
        return
    for package in OPTIONAL:
        if find_spec(package) is None:
            raise UsageError(f"an .onnx needs the package {package}: pip install 'ganzoo[onnx]'")


@torch.no_grad()
def _write(
    file: Path,
    use: Use,
    config: Config,
    opset: int | None,
) -> float:
    """Writes the file. Returns its difference from the model.

    Raises Unsupported if that is too large.
    """
    refusal = f"{use.model.display_name} cannot be exported as {file.suffix}"
    write = _onnx if file.suffix == ".onnx" else _pt2
    try:
        saved = write(file, use, _metadata(use, config), opset)
        difference = _difference(saved, use)
    except (OSError, GanzooError):
        raise
    except Exception as cause:  # a stranger's model can make an exporter raise anything
        reason = _cause_of(cause)
        line = str(reason).strip().partition("\n")[0]
        raise Unsupported(f"{refusal}: {type(reason).__name__}: {line}") from cause
    if difference > TOLERANCE:
        raise Unsupported(
            f"{refusal}: the file differs from the model by {difference:.1e},"
            f" not {TOLERANCE:.0e} or less"
        )
    return difference


def _cause_of(error: BaseException) -> BaseException:
    """What is behind an error of torch.onnx, which itself says only which of its steps failed."""
    while isinstance(error, torch.onnx.OnnxExporterError) and error.__cause__:
        error = error.__cause__
    return error


def _difference(saved: Saved, use: Use) -> float:
    """The largest difference for images of several numbers and sizes, none as in the graph."""
    height, width = use.height, use.width
    shapes = [(1, height, width), (5, height, width)]
    if use.dynamic != BATCH:
        shapes += [(1, height // 2 + 1, 2 * width), (2, 2 * height, width + 3)]
    worst = 0.0
    for shape in shapes:
        inputs = use.inputs(*shape)
        expected, actual = use(**inputs), saved(**inputs)
        if actual.shape != expected.shape or not actual.isfinite().all():
            return float("inf")
        largest = expected.abs().max().clamp(min=1)
        difference = (actual - expected).abs().max() / largest
        worst = max(worst, float(difference))
    return worst


def _onnx(
    file: Path,
    use: Use,
    metadata: dict[str, str],
    opset: int | None,
) -> Saved:
    """Writes an .onnx file, and opens it with ONNX Runtime."""
    names = list(use.inputs(1))
    with warnings.catch_warnings():
        # for labels: the name of that axis is the latents'
        warnings.filterwarnings("ignore", "# The axis name: batch will not be used")
        program = torch.onnx.export(
            traced(use),
            dynamo=True,
            dynamic_shapes=dict.fromkeys(names, use.dynamic),  # for their names
            input_names=names,
            output_names=[use.output],
            opset_version=opset,
            verbose=False,
        )
    assert program is not None
    needed = program.model.opset_imports[""]
    if opset not in (None, needed):
        raise Unsupported(f"{use.model.display_name} needs opset {needed}: leave --opset out")
    program.model.metadata_props.update(metadata)
    program.save(file)
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors, and no advice
    session = runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def saved(**inputs: Tensor) -> Tensor:
        arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
        return torch.from_numpy(session.run(None, arrays)[0])

    return saved


def _pt2(
    file: Path,
    use: Use,
    metadata: dict[str, str],
    _: object,
) -> Saved:
    """Writes a .pt2 file, and opens it. It opens no other: they can hold pickles."""
    extra = {"ganzoo.json": json.dumps(metadata, indent=2)}
    torch.export.save(traced(use), file, extra_files=extra)
    return torch.export.load(file).module()


def _metadata(use: Use, config: Config) -> dict[str, str]:
    """What the file says of its model."""
    fields = ("model", "distribution", "version", "sha256", "step")
    metadata = {field: str(getattr(config, field)) for field in fields}
    if use.direction:
        metadata["direction"] = use.direction
    if config.attributes:
        metadata["attributes"] = json.dumps(config.attributes)
    if config.classes:
        metadata["classes"] = json.dumps(config.classes)
    return metadata
