"""A model zoo for generative adversarial networks in PyTorch, built of plugins.

>>> model = ganzoo.create("dcgan", image_size=64)
>>> for step in ganzoo.Trainer(model, "digits"): ...

Importing this imports no torch: each public name is loaded when it is first used (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo import augment as augment
    from ganzoo import losses as losses
    from ganzoo.adaptation import adapt as adapt
    from ganzoo.data import Domains as Domains
    from ganzoo.data import Item as Item
    from ganzoo.data import Labelled as Labelled
    from ganzoo.data import Pair as Pair
    from ganzoo.data import Source as Source
    from ganzoo.device import noise as noise
    from ganzoo.errors import BadImage as BadImage
    from ganzoo.errors import DataError as DataError
    from ganzoo.errors import DeviceError as DeviceError
    from ganzoo.errors import Diverged as Diverged
    from ganzoo.errors import GanzooError as GanzooError
    from ganzoo.errors import HparamError as HparamError
    from ganzoo.errors import HubError as HubError
    from ganzoo.errors import NameClash as NameClash
    from ganzoo.errors import PluginError as PluginError
    from ganzoo.errors import StateError as StateError
    from ganzoo.errors import UnknownName as UnknownName
    from ganzoo.errors import Unsupported as Unsupported
    from ganzoo.errors import UsageError as UsageError
    from ganzoo.evaluation import Evaluation as Evaluation
    from ganzoo.hparams import DataInfo as DataInfo
    from ganzoo.hparams import Hparams as Hparams
    from ganzoo.hub import pull as pull
    from ganzoo.hub import push as push
    from ganzoo.images import to_pil as to_pil
    from ganzoo.model import Model as Model
    from ganzoo.model import Move as Move
    from ganzoo.modes import frozen as frozen
    from ganzoo.registry import datasets as datasets
    from ganzoo.registry import list_models as list_models
    from ganzoo.registry import models as models
    from ganzoo.registry import trainers as trainers
    from ganzoo.stepping import Step as Step
    from ganzoo.trainer import Trainer as Trainer
    from ganzoo.typed import Doublings as Doublings
    from ganzoo.typed import Range as Range
    from ganzoo.zoo import create as create
    from ganzoo.zoo import load as load

__version__ = "0.1.0"

_HOMES = {
    "ganzoo.adaptation": ["adapt"],
    "ganzoo.augment": ["augment"],
    "ganzoo.data": ["Domains", "Item", "Labelled", "Pair", "Source"],
    "ganzoo.device": ["noise"],
    "ganzoo.errors": [
        "BadImage", "DataError", "DeviceError", "Diverged", "GanzooError", "HparamError", "HubError", "NameClash",
        "PluginError", "StateError", "UnknownName", "Unsupported", "UsageError",
    ],
    "ganzoo.evaluation": ["Evaluation"],
    "ganzoo.hparams": ["DataInfo", "Hparams"],
    "ganzoo.hub": ["pull", "push"],
    "ganzoo.images": ["to_pil"],
    "ganzoo.losses": ["losses"],
    "ganzoo.model": ["Model", "Move"],
    "ganzoo.modes": ["frozen"],
    "ganzoo.registry": ["datasets", "list_models", "models", "trainers"],
    "ganzoo.stepping": ["Step"],
    "ganzoo.trainer": ["Trainer"],
    "ganzoo.typed": ["Doublings", "Range"],
    "ganzoo.zoo": ["create", "load"],
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")
    module = import_module(_HOME[name])
    return module if module.__name__ == f"ganzoo.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
