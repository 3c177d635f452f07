"""`ganzoo export`: a trained model as one file that runs without ganzoo."""

from pathlib import Path

import click


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--direction", help="Of a translator: a2b or b2a.  [default: the first that the model has]"
)
@click.option(
    "--opset", type=click.IntRange(18), help="Of an .onnx.  [default: that of PyTorch's exporter]"
)
def command(run: Path, out: Path, direction: str | None, opset: int | None) -> None:
    """Write the generator, translator or classifier of RUN to OUT, an .onnx or a .pt2 (torch.export).

    The file takes batches of any size, and is kept only if it says what the model itself says.
    """
    from ganzoo.use.export import export

    for line in export(run, out, direction=direction, opset=opset):
        click.echo(line)
