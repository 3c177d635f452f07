"""How a check fails."""

from typing import Never


class Broken(AssertionError):  # noqa: N818  (reads as what it is)
    """A promise that is not kept: the message says which, and what to do."""


def broken(message: str) -> Never:
    """Fails the test with this message alone."""
    raise Broken(message)
