"""A notebook, run by a real kernel: it trains, shows, is stopped, and goes on."""

import asyncio
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support import TINY

CELL = """
import ganzoo
run = ganzoo.train(
    "dcgan-mini", "digits", out="notebook", image_size=8, channels=1, width=4, batch_size=8,
    steps=400, device="cpu", report_every=2, save_every=100,
)
run
"""


async def stopped(client, journal):
    """Executes the cell, and presses Stop as soon as there are reports."""
    running = asyncio.ensure_future(client.async_execute_cell(client.nb.cells[0], 0))
    while not journal.exists() or len(journal.read_text().splitlines()) < 3:
        await asyncio.sleep(0.001)
    await client.km.interrupt_kernel()
    await running


async def executed(client, journal):
    async with client.async_setup_kernel():
        await stopped(client, journal)
        before = [dict(output) for output in client.nb.cells[0].outputs]
        await client.async_execute_cell(client.nb.cells[1], 1)
    return before, client.nb.cells[1].outputs


def text_of(outputs):
    return "".join(output.get("text", "") for output in outputs)


def results(outputs):
    return [output["data"] for output in outputs if output["output_type"] == "execute_result"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_is_stopped_and_goes_on_to_the_bytes_of_the_command(ganzoo_command, monkeypatch):
    monkeypatch.setitem(os.environ, "IPYTHONDIR", str(Path("ipython").absolute()))
    cells = [nbformat.v4.new_code_cell(CELL), nbformat.v4.new_code_cell(CELL)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    before, after = asyncio.run(executed(client, Path("notebook/metrics.jsonl")))
    assert "stopped and saved after step" in text_of(before)
    assert "to go on: the same call" in text_of(before)
    step = int(re.search(r"step ([\d,]+)", results(before)[0]["text/html"])[1])
    assert 0 < step < 400
    assert f"going on from step {step}" in text_of(after)
    assert "step 400" in results(after)[0]["text/html"]
    shown = [output for output in after if output["output_type"] == "display_data"]
    assert any("image/png" in output["data"] for output in shown)
    words = [*TINY, "--set", "steps=400", "--device", "cpu", "--save-every", "100"]
    assert ganzoo_command("train", "dcgan-mini", *words, "--out", "command").exit_code == 0
    for name in ("model.safetensors", "config.json", "samples.png", "README.md"):
        assert Path("notebook", name).read_bytes() == Path("command", name).read_bytes()
