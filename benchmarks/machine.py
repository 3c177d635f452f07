"""The machine that a figure was measured on, in one line."""

import os
import platform
from pathlib import Path

import torch


def machine() -> str:
    """Processor, cores, threads, Python, torch, and the GPU if there is one."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        cpu = next(
            line.split(":")[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        )
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"{cpu}, {os.cpu_count()} cores, {torch.get_num_threads()} threads{gpu}; {versions}"
