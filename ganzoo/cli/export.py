"""`ganzoo export`: a trained model as one file that runs without ganzoo."""

from pathlib import Path

import click

from ganzoo.cli.options import PATH, direction_option, run_argument


@click.command("export")
@run_argument
@click.argument("out", type=PATH)
@direction_option
@click.option(
    "--opset",
    type=click.IntRange(18),
    help="The opset of an .onnx.  [default: that of PyTorch's exporter]",
)
def command(run: str, out: Path, direction: str | None, opset: int | None) -> None:
    """Export a trained model as ONNX or torch.export.

    Writes the generator, translator or classifier of RUN to OUT, an .onnx or a .pt2. The batch
    size is dynamic. The file is kept only if its outputs match the model within 1e-3.
    """
    from ganzoo.use.export import export

    for line in export(run, out, direction=direction, opset=opset):
        click.echo(line)
