"""The machine on which a figure was measured, in one line."""

import os
import platform
from pathlib import Path

import torch


def machine() -> str:
    """Processor, cores, threads, Python, torch, and the GPU if there is one."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    cores = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"{_processor()}, {cores}{gpu}; {versions}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")  # where it exists, it has the full name
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()
