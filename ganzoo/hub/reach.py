"""Whether the Hub can be reached, asked once: its library tries each file for 24 seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, get_session
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # httpx's

from ganzoo.errors import HubError

TIMEOUT = 5
"""Seconds to wait for the Hub's first answer."""


@contextmanager
def cache_if_unreachable() -> Iterator[None]:
    """Inside, libraries that use huggingface_hub read its cache alone if there is no connection.

    Raises HubError if the Hub cannot be reached and what they need is not in the cache.
    """
    reason = None if constants.is_offline_mode() else _why_unreachable()
    if reason is None:
        yield
        return
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    except OSError as cause:  # those of the library, of datasets and of timm are OSErrors
        raise HubError(
            f"it is not in the cache, or not all of it; and the Hub cannot be reached ({reason}): "
            "check the network and HF_ENDPOINT"
        ) from cause
    finally:
        constants.HF_HUB_OFFLINE = False


def _why_unreachable() -> str | None:
    """The reason in a few words, None if the Hub answers anything."""
    try:
        get_session().head(constants.ENDPOINT, timeout=TIMEOUT)
    except (HTTPError, OSError) as cause:
        return str(cause) or type(cause).__name__
    return None
