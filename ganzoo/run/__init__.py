"""What the command line does with a model: train it in a run folder, and draw from it."""

from ganzoo.run.checking import check_data
from ganzoo.run.loop import train
from ganzoo.run.plan import Plan
from ganzoo.run.sampling import sample

__all__ = ["Plan", "check_data", "sample", "train"]
