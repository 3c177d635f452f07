"""The checks of what is published, and of exporting it."""

from warnings import catch_warnings, simplefilter

import torch

from ganzoo.testing.cases import ModelCase, broken, note, plain_use
from ganzoo.use.traced import Use, traced

LARGE = 1000
"""Numbers of a buffer that is worth a note."""


def publishes_what_its_use_needs(case: ModelCase) -> None:
    """A note about large buffers that change in a training and that no use reads."""
    before, model = case.model().state_dict(), case.trained_model()
    published = model.state_dict().keys()
    for name, buffer in model.named_buffers():
        floats = buffer.is_floating_point() and buffer.numel() > LARGE
        if not floats or name not in published or buffer.equal(before[name]):
            continue
        first = plain_use(model, case.images(2))
        kept = buffer.clone()
        with torch.no_grad():
            buffer.add_(1)
        again = plain_use(model, case.images(2))
        buffer.copy_(kept)
        if first is not None and again is not None and first.equal(again):
            note(
                case,
                f"{name}, {buffer.numel():,} numbers, is published, and no use reads it",
                "register_buffer(..., persistent=False)",
            )


def can_be_exported(case: ModelCase) -> None:
    """`ganzoo export` can trace it, for any number of images."""
    model = case.model().eval()
    if not (model.directions or model.classifies or case.draws_images) or model.has_styles:
        return
    use = Use(model, None)
    try:
        with catch_warnings():
            simplefilter("ignore")  # torch's own
            program = traced(use)
        inputs = use.inputs(2)
        with torch.no_grad():
            expected, actual = use(**inputs), program.module()(**inputs)
    except Exception as cause:  # an exporter raises anything
        reason = str(cause).strip().partition("\n")[0]
        broken(
            f"it cannot be exported: {type(cause).__name__}: {reason}",
            "no len(), no numbers of Python from tensors: x.shape[0], torch.where",
        )
    if actual.shape != expected.shape or not torch.allclose(actual, expected, atol=1e-4):
        broken(
            "exported, it gives other images for another number of them",
            "take the number of images from x.shape[0], not from len(x) or hp.batch_size",
        )


CHECKS = [publishes_what_its_use_needs, can_be_exported]
