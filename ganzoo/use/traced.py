"""A trained model as one module with named inputs, and its graph with open dimensions."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.nn.modules.module import register_module_forward_pre_hook

from ganzoo.model.contract import Model
from ganzoo.seeds import noise

BATCH = {0: Dim("batch", min=1)}
HEIGHT_AND_WIDTH = {2: Dim("height", min=1), 3: Dim("width", min=1)}


class Use(nn.Module):
    """What a model is for, as one module with named inputs."""

    output: ClassVar[str]
    dynamic = BATCH
    """The dimensions of every input that the graph leaves open, by axis."""

    def __init__(self, model: Model, direction: str = "") -> None:
        super().__init__()
        self.model = model
        self.direction = direction
        self.size: int = model.hp.image_size or 64
        self.eval()

    def inputs(self, n: int, height: int, width: int) -> dict[str, Tensor]:
        """Example inputs, in the order of `forward`."""
        channels = self.model.hp.channels or 3
        return {"images": noise(n, channels, height, width, seed=1).clamp(-1, 1)}

    def signature(self) -> str:
        """`images (batch, 3, height, width) -> logits`."""
        inputs = []
        for name, tensor in self.inputs(1, self.size, self.size).items():
            shape = list(map(str, tensor.shape))
            for axis, dimension in self.dynamic.items():
                shape[axis] = dimension.__name__
            inputs.append(f"{name} ({', '.join(shape)})")
        return f"{', '.join(inputs)} -> {self.output}"


class Drawing(Use):
    """Latents, and labels of a conditional model -> images."""

    output = "images"

    def inputs(self, n: int, height: int, width: int) -> dict[str, Tensor]:
        inputs = {"latents": self.model.latents(n, 1)}
        classes = self.model.hp.classes
        if classes:
            inputs["labels"] = torch.arange(n) % classes
        return inputs

    def forward(
        self,
        latents: Tensor,
        labels: Tensor | None = None,
    ) -> Tensor:
        return self.model.generate(latents, labels)


class Translating(Use):
    """Images -> images of the other domain, of the same size."""

    output = "translated"
    dynamic = BATCH | HEIGHT_AND_WIDTH

    def forward(self, images: Tensor) -> Tensor:
        return self.model.translated(images, self.direction)


class Classifying(Use):
    """Images -> logits."""

    output = "logits"

    def forward(self, images: Tensor) -> Tensor:
        return self.model.logits(images)


def use_of(model: Model, direction: str | None) -> Use:
    """What the model is for. Raises UsageError if it has no such direction."""
    if model.directions or direction is not None:
        return Translating(model, model.checked_direction(direction))
    return Classifying(model) if model.classifies else Drawing(model)


def traced(use: Use) -> ExportedProgram:
    """The graph, with only the networks that it needs: the model loses its others."""
    height = width = use.size
    if use.dynamic != BATCH:
        # no two lengths are equal, so that none is taken for another
        height, width = 2 * height, 3 * width
    inputs = use.inputs(3, height, width)
    called: set[nn.Module] = set()
    hook = register_module_forward_pre_hook(lambda module, _: called.add(module))
    with hook, torch.no_grad():
        use(**inputs)
    _prune(use, called)
    program = torch.export.export(
        use,
        (),
        inputs,  # by name
        dynamic_shapes=dict.fromkeys(inputs, use.dynamic),
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    for node in list(program.graph.nodes):
        node.meta.pop("stack_trace", None)  # names of this machine's folders
        if node.target is torch.ops.aten._assert_scalar.default:
            # It asserts that other sizes lie in memory as the example did. The graph is right
            # without it, or the comparison with the model finds that it is not.
            program.graph.erase_node(node)
    program.example_inputs = None  # megabytes of noise
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    return program


def _prune(module: nn.Module, called: set[nn.Module]) -> None:
    """Replaces modules that forward never calls by nn.Identity.

    Submodules of a called module stay.
    """
    for name, child in list(module.named_children()):
        if called.isdisjoint(child.modules()):
            setattr(module, name, nn.Identity())
        elif child not in called:
            _prune(child, called)
