"""What the command line does with a model: train it in a run folder, and use it."""

from ganzoo.run.augmenting import Augmentation, augment
from ganzoo.run.checking import check_data
from ganzoo.run.classifying import classify
from ganzoo.run.importing import import_weights
from ganzoo.run.loop import train
from ganzoo.run.plan import Plan
from ganzoo.run.sampling import sample
from ganzoo.run.translating import translate

__all__ = [
    "Augmentation",
    "Plan",
    "augment",
    "check_data",
    "classify",
    "import_weights",
    "sample",
    "train",
    "translate",
]
