"""From a SOURCE to an endless, resumable sequence of batches."""

from ganzoo.data.batches import Batches
from ganzoo.data.dataset import Data, as_data
from ganzoo.data.source import Item, Source, open_source
from ganzoo.data.views import Labelled

__all__ = ["Batches", "Data", "Item", "Labelled", "Source", "as_data", "open_source"]
