"""From a SOURCE to an endless, resumable sequence of batches."""

from ganzoo.data.batches import Batches
from ganzoo.data.dividing import divided, for_scores
from ganzoo.data.opening import Data, as_data, called, described
from ganzoo.data.source import Item, Source, open_source
from ganzoo.data.views import Domains, Labelled, Pair

__all__ = [
    "Batches",
    "Data",
    "Domains",
    "Item",
    "Labelled",
    "Pair",
    "Source",
    "as_data",
    "called",
    "described",
    "divided",
    "for_scores",
    "open_source",
]
