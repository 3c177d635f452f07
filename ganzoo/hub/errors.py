"""Translates errors of huggingface_hub into one-line HubErrors."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is httpx's
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ganzoo.errors import HubError

REASONS: dict[object, str] = {
    OfflineModeIsEnabled: "the Hub cannot be asked, as HF_HUB_OFFLINE is set: unset it",
    GatedRepoError: "it is gated: ask for access on its page, then hf auth login",
    RevisionNotFoundError: "there is no such revision: name a branch, tag or commit that it has",
    RepositoryNotFoundError: "no such repository, or this token may not read it: check the name, "
    "or hf auth login",
    401: "the Hub wants to know who you are: hf auth login, or set HF_TOKEN",
    403: "this token may not do that: hf auth login with one that may",
    404: "the Hub has no such thing: check the name",
    409: "somebody else is changing it at this moment: try again",
    412: "somebody else has changed it at this moment: try again",
    429: "the Hub has had too many requests: wait a few minutes",
}
"""Meaning of an error of huggingface_hub or an HTTP status, and the way out."""


@contextmanager
def hub_errors_as_one_line(id: str) -> Iterator[None]:  # noqa: A002
    """Raises HubError, with the way out, for an error of huggingface_hub."""
    try:
        yield
    except (
        OSError,
        HTTPError,
        EntryNotFoundError,
        ValueError,
        RuntimeError,
    ) as cause:
        raise HubError(f"{id}: {_reason(cause)}") from cause


def _reason(error: BaseException) -> str:
    """The reason in one line; if one error wraps another, that of the inner one."""
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    suffix = f" (status {status})" if status else ""
    text = " ".join(str(error).split())[:200] or type(error).__name__
    for kind in (*type(error).__mro__, status):
        if kind in REASONS:
            return REASONS[kind] + suffix
    if status:
        trouble = "the Hub is in trouble: try again later"
        return (trouble if status >= 500 else text) + suffix
    if isinstance(error, (HTTPError, ConnectionError)):
        return f"the Hub cannot be reached ({text}): check the network and HF_ENDPOINT"
    inner = error.__cause__
    if isinstance(inner, (OSError, HTTPError)):
        answered = isinstance(inner, HfHubHTTPError)
        local = isinstance(error, LocalEntryNotFoundError) and not answered
        prefix = "not in the cache, or not all of it; and " if local else ""
        return prefix + _reason(inner)
    if isinstance(error, OSError) and error.filename:
        return (
            f"cannot use {error.filename}: {error.strerror}: "
            "correct that, or set HF_HOME to another folder"
        )
    return text
