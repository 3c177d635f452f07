"""What is asked of images: attributes by name, and prompts, one for all images or one for each."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.data.attributes import TEXT, Attributes, Request
from ganzoo.errors import UsageError

Where = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Attribute -> value, for all images, or one such mapping for each."""
Prompt = str | Sequence[str]


def requests(
    attributes: Attributes,
    n: int,
    seed: int,
    where: Where | None,
    prompt: Prompt | None,
) -> list[Request]:
    """One for each image; what is not asked for is drawn as the data have it.

    Raises UnknownName or UsageError for an attribute or a value that the data do not have.
    """
    asked = where if where is not None else {}
    if isinstance(asked, Mapping):
        asked = [asked] * n
    if isinstance(asked, str) or not isinstance(asked, Sequence):
        raise UsageError(f"where={asked!r:.60}: pass values by attribute, {{'hair': 'black'}}")
    texts = [prompt] * n if prompt is None or isinstance(prompt, str) else list(prompt)
    for name, values in (("where", asked), ("prompt", texts)):
        if len(values) != n:
            raise UsageError(f"{name}: {n} images need as many, or one for all, not {len(values)}")
    result: list[Request] = []
    for number, (request, text) in enumerate(zip(asked, texts, strict=True)):
        if not isinstance(request, Mapping):
            raise UsageError(
                f"where={request!r:.60}: pass values by attribute, {{'hair': 'black'}}"
            )
        complete = attributes.completed(attributes.checked(request), seed, number)
        if text is not None:
            complete[TEXT] = text
        result.append(complete)
    return result
