"""A trained model as one file that runs without ganzoo, .onnx or .pt2, compared with the model itself."""

import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import GanzooError, Unsupported, UsageError
from ganzoo.files import replace_file, writing
from ganzoo.state.config import Config
from ganzoo.use.traced import BATCH_ONLY, Translating, Use, traced, use_of
from ganzoo.zoo import load_with_config

TOLERANCE = 1e-3
"""How far an output may be from the model's: an eighth of the step between two of 256 levels. For outputs beyond 1,
logits that is, it is this part of the largest."""
OPTIONAL = ("onnx", "onnxscript", "onnxruntime")


def export(
    run: Path, out: Path, *, direction: str | None = None, opset: int | None = None
) -> Iterator[str]:
    """Writes the generator, the translator in one direction, or the classifier of a run. Yields lines for the user.

    Inputs are `latents` (and `labels` of a conditional model) or `images`, the output is `images`, `translated` or
    `logits`; in batches of any size, a translator's of any height and width where the model can be traced so. The file
    is read again and compared with the model; only one within TOLERANCE takes the place of `out`. Raises UsageError for
    an ending or a direction that there is not, or when the packages for .onnx are missing; Unsupported for a model that
    cannot be exported.
    """
    _check(out, opset)
    model, config = load_with_config(run)
    use = use_of(model, direction)
    guard = partial(writing, otherwise="choose another OUT")
    with guard(out), tempfile.TemporaryDirectory() as aside:
        file = Path(aside) / f"model{out.suffix.lower()}"
        try:
            difference = _written(file, use, config, opset)
        except Unsupported as cause:
            if use.free == BATCH_ONLY:
                raise
            yield f"height and width are fixed: {cause}"
            use.free = BATCH_ONLY
            difference = _written(file, use, config, opset)
        out.parent.mkdir(parents=True, exist_ok=True)
        replace_file(out, file, guard)
    yield f"{out}: {use.described()}"
    tried = ", ".join(f"{n} of {height}x{width}" for n, height, width in _tried(use))
    yield f"differs from the model by {difference:.1e} at most, {TOLERANCE:.0e} is allowed; tried: {tried}"


def _check(out: Path, opset: int | None) -> None:
    """Raises UsageError for what can be refused before anything is read."""
    kind = out.suffix.lower()
    if kind not in (".onnx", ".pt2"):
        raise UsageError(f"{out}: the file is an .onnx, or a .pt2 for torch.export.load")
    if out.is_dir():
        raise UsageError(f"{out} is a folder: choose another OUT")
    if kind == ".pt2" and opset is not None:
        raise UsageError("--opset is for an .onnx; a .pt2 has none")
    for package in OPTIONAL if kind == ".onnx" else ():
        try:
            import_module(package)
        except ImportError:
            raise UsageError(
                f"an .onnx needs the package {package}: pip install 'ganzoo[onnx]'"
            ) from None


def _tried(use: Use) -> list[tuple[int, int, int]]:
    """How many images, of what height and width, a file is compared with: not those that it was traced with."""
    size = use.size
    others = (
        [] if use.free == BATCH_ONLY else [(1, size // 2 + 1, 2 * size), (2, 2 * size, size + 3)]
    )
    return [(1, size, size), (5, size, size), *others]


@torch.no_grad()
def _written(file: Path, use: Use, config: Config, opset: int | None) -> float:
    """Writes the file, and says by how much it differs from the model. Raises Unsupported when that is too much."""
    refused = f"{use.model.display_name} cannot be exported as {file.suffix}"
    try:
        saved = (
            _onnx(file, use, config, opset) if file.suffix == ".onnx" else _pt2(file, use, config)
        )
        difference = max(_difference(saved, use, shape) for shape in _tried(use))
    except (OSError, GanzooError):
        raise
    except (
        Exception
    ) as cause:  # a stranger's model can make an exporter, or what runs the file, raise anything
        reason = " ".join(str(cause).split())
        raise Unsupported(f"{refused}: {type(cause).__name__}: {reason:.160}") from cause
    if difference > TOLERANCE:
        raise Unsupported(
            f"{refused}: the file differs from the model by {difference:.1e}, not {TOLERANCE:.0e} or less"
        )
    return difference


def _difference(saved: Callable[..., Tensor], use: Use, shape: tuple[int, int, int]) -> float:
    inputs = use.inputs(*shape)
    expected = use(**inputs)
    found = saved(**inputs)
    if found.shape != expected.shape or not found.isfinite().all():
        return float("inf")
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1))


def _onnx(file: Path, use: Use, config: Config, opset: int | None) -> Callable[..., Tensor]:
    """Writes an .onnx file, and opens it as ONNX Runtime does."""
    runtime = import_module("onnxruntime")
    names = use.inputs(1, use.size, use.size)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "# The axis name: batch will not be used"
        )  # of labels: it is the latents'
        program = torch.onnx.export(
            traced(use),
            dynamo=True,
            dynamic_shapes=use.open(names),  # for their names
            input_names=list(names),
            output_names=[use.output],
            opset_version=opset,
            verbose=False,
        )
    assert program is not None
    if opset not in (None, found := program.model.opset_imports[""]):
        raise Unsupported(f"{use.model.display_name} needs opset {found}: leave --opset out")
    program.model.metadata_props.update(_export_metadata(use, config))
    program.save(file)
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors, and no advice
    session = runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def saved(**inputs: Tensor) -> Tensor:
        (found,) = session.run(
            [use.output], {name: tensor.numpy() for name, tensor in inputs.items()}
        )
        return torch.from_numpy(found)

    return saved


def _pt2(file: Path, use: Use, config: Config) -> Callable[..., Tensor]:
    """Writes a .pt2 file, and opens it: only ever one that was written a moment ago, since they can hold pickles."""
    torch.export.save(
        traced(use),
        file,
        extra_files={"ganzoo.json": json.dumps(_export_metadata(use, config), indent=2)},
    )
    return torch.export.load(file).module()


def _export_metadata(use: Use, config: Config) -> dict[str, str]:
    """What the file says of its model."""
    facts = {"model": config.model, "distribution": config.distribution, "version": config.version}
    facts |= {"sha256": str(config.sha256), "step": str(config.step)}
    facts |= {"direction": use.direction} if isinstance(use, Translating) else {}
    return facts | ({"classes": json.dumps(config.classes)} if config.classes else {})
