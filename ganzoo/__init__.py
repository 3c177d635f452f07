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
    from ganzoo.data.files import measured as measured
    from ganzoo.data.source import Item as Item
    from ganzoo.data.source import Source as Source
    from ganzoo.data.views import Domains as Domains
    from ganzoo.data.views import Labelled as Labelled
    from ganzoo.data.views import Pair as Pair
    from ganzoo.discovery.registry import datasets as datasets
    from ganzoo.discovery.registry import list_models as list_models
    from ganzoo.discovery.registry import models as models
    from ganzoo.discovery.registry import trainers as trainers
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
    from ganzoo.errors import unknown as unknown
    from ganzoo.files import cache_folder as cache_folder
    from ganzoo.hparams.fields import PowersOfTwo as PowersOfTwo
    from ganzoo.hparams.fields import Range as Range
    from ganzoo.hparams.hparams import DataInfo as DataInfo
    from ganzoo.hparams.hparams import Hparams as Hparams
    from ganzoo.hub.transfer import pull as pull
    from ganzoo.hub.transfer import push as push
    from ganzoo.images import to_pil as to_pil
    from ganzoo.model.contract import Model as Model
    from ganzoo.model.contract import Move as Move
    from ganzoo.model.scores import Evaluation as Evaluation
    from ganzoo.modes import frozen as frozen
    from ganzoo.optim import adam as adam
    from ganzoo.seeds import noise as noise
    from ganzoo.training.trainer import Step as Step
    from ganzoo.training.trainer import Trainer as Trainer
    from ganzoo.training.transfer import adapt as adapt
    from ganzoo.training.turns import Turn as Turn
    from ganzoo.zoo import create as create
    from ganzoo.zoo import load as load

__version__ = "0.2.0.dev0"

_HOMES = {
    "ganzoo.training.transfer": ["adapt"],
    "ganzoo.augment": ["augment"],
    "ganzoo.data.files": ["measured"],
    "ganzoo.data.source": ["Item", "Source"],
    "ganzoo.data.views": ["Domains", "Labelled", "Pair"],
    "ganzoo.seeds": ["noise"],
    "ganzoo.files": ["cache_folder"],
    "ganzoo.errors": [
        "BadImage", "DataError", "DeviceError", "Diverged", "GanzooError", "HparamError", "HubError", "NameClash",
        "PluginError", "StateError", "UnknownName", "Unsupported", "UsageError", "unknown",
    ],
    "ganzoo.model.scores": ["Evaluation"],
    "ganzoo.hparams.hparams": ["DataInfo", "Hparams"],
    "ganzoo.hub.transfer": ["pull", "push"],
    "ganzoo.images": ["to_pil"],
    "ganzoo.losses": ["losses"],
    "ganzoo.model.contract": ["Model", "Move"],
    "ganzoo.modes": ["frozen"],
    "ganzoo.optim": ["adam"],
    "ganzoo.discovery.registry": ["datasets", "list_models", "models", "trainers"],
    
    "ganzoo.training.trainer": ["Step", "Trainer"],
    "ganzoo.hparams.fields": ["PowersOfTwo", "Range"],
    "ganzoo.training.turns": ["Turn"],
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
