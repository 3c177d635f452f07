"""A model zoo for generative adversarial networks in PyTorch, built of plugins.

>>> model = ganzoo.create("dcgan", image_size=64)
>>> for step in ganzoo.Trainer(model, "digits"): ...

Importing this imports no torch: each public name is loaded when it is first used (PEP 562).
`__init__.pyi` says the same to type checkers; a test compares the two.
"""

from importlib import import_module
from typing import Any

__version__ = "0.2.0.dev0"

_HOMES = {
    "data.files": "measured",
    "data.source": "Item Source",
    "data.summary": "DataSummary",
    "data.views": "Conditioned Domains Labelled Pair",
    "discovery.registry": "datasets list_models models trainers",
    "errors": """
        BadImage DataError DeviceError Diverged GanzooError HparamError HubError
        NameClash OutOfMemory PluginError StateError UnknownName Unsupported UsageError unknown
    """,
    "files": "cache_folder",
    "hparams.fields": "PowersOfTwo Range",
    "hparams.hparams": "DataInfo Hparams",
    "hparams.settings": "Settings",
    "hparams.size": "sides",
    "hparams.use": "Use",
    "hub.reach": "cache_if_unreachable",
    "hub.transfer": "pull push",
    "images": "from_pil to_pil",
    "model.augmentation": "Augmentation",
    "model.contract": "Model Move",
    "model.scores": "Evaluation",
    "modes": "frozen",
    "optim": "adam",
    "seeds": "noise",
    "state.run": "Run",
    "training.helpers": "Helper",
    "training.train": "train",
    "training.trainer": "Step Trainer",
    "training.transfer": "adapt",
    "training.turns": "Turn",
    "zoo": "create load save",
}
"""Module -> the public names that it is the home of."""
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(["augment", "losses", *_HOME])


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")
    module = import_module(f"ganzoo.{_HOME.get(name, name)}")
    return getattr(module, name) if name in _HOME else module


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
