"""What a model's losses yield, checked and named."""

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from ganzoo.errors import PluginError
from ganzoo.model import Model
from ganzoo.optimizers import Optimizers


def named_terms(
    model: Model, player: nn.Module, loss: Tensor | Mapping[str, Tensor], optimizers: Optimizers
) -> dict[str, Tensor]:
    """The loss of a move as named scalars: `generator`, or `discriminator/real` and `discriminator/fake`.

    Raises PluginError for a player without an optimizer, and for what is no loss.
    """
    name = next((name for name, module in model.named_modules() if module is player), None)
    if name is None or player not in optimizers:
        what = f"the {type(player).__name__} {name or ''}".rstrip()
        raise PluginError(f"{model.called}: {what} moves, but optimizers() has none for it")
    named = loss.items() if isinstance(loss, Mapping) else [("", loss)]
    terms: dict[str, Tensor] = {f"{name}/{term}".rstrip("/"): value for term, value in named}
    for term, value in terms.items():
        if not isinstance(value, Tensor) or value.numel() != 1:
            shape = f"has the shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"is {value!r}"
            raise PluginError(f"{model.called}: the loss {term} {shape}; it must be a tensor of one number")
    if not any(value.requires_grad for value in terms.values()):
        raise independent(model, terms or [name])
    return terms


def independent(model: Model, terms: Iterable[str]) -> PluginError:
    """The error for a loss that its player cannot change."""
    return PluginError(f"{model.called}: {', '.join(terms)} depends on none of its player's trained parameters")
