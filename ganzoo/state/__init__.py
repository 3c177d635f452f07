"""The state of a run, and the folder that holds it: safetensors and JSON, never a pickle."""

from ganzoo.state.checkpoint import TrainState, check_no_weights, has_checkpoint, newest_checkpoint, publish, read_whole
from ganzoo.state.config import Config
from ganzoo.state.folder import check_ours, lock
from ganzoo.state.weights import cpu_tensors, empty_model, fit, load_model, read_weights, write_weights

__all__ = [
    "Config",
    "TrainState",
    "check_no_weights",
    "check_ours",
    "cpu_tensors",
    "empty_model",
    "fit",
    "has_checkpoint",
    "load_model",
    "lock",
    "newest_checkpoint",
    "publish",
    "read_weights",
    "read_whole",
    "write_weights",
]
