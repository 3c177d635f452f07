"""A trained model as one module with named inputs, and its graph with open dimensions."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.nn.modules.module import register_module_forward_pre_hook

from ganzoo.data.views import Conditioned
from ganzoo.hparams.size import sides
from ganzoo.model.contract import Model
from ganzoo.seeds import noise

BATCH = {0: Dim("batch", min=1)}
HEIGHT_AND_WIDTH = {2: Dim("height", min=1), 3: Dim("width", min=1)}


class Use(nn.Module):
    """What a model is for, as one module with named inputs."""

    def __init__(self, model: Model, direction: str | None) -> None:
        """Raises UsageError if the model has no such direction."""
        super().__init__()
        self.model = model
        self.direction = ""
        self.dynamic = BATCH  # the dimensions of every input that the graph leaves open, by axis
        self.height, self.width = sides(model.hp.image_size or 64)
        self.output = "logits" if model.classifies else "images"
        if model.directions or direction:
            self.direction = model.checked_direction(direction)
            self.dynamic = BATCH | HEIGHT_AND_WIDTH
            self.output = "translated"
        self.settings = model.settings_of_use({})
        self.eval()

    def inputs(self, n: int, height: int = 0, width: int = 0) -> dict[str, Tensor]:
        """Example inputs: images, or latents and the labels or conditions of a model with them."""
        hp = self.model.hp
        if self.output != "images":
            channels = self.model.in_channels or hp.channels or 3
            shape = channels, height or self.height, width or self.width
            return {"images": noise(n, *shape, seed=1).clamp(-1, 1)}
        inputs = {"latents": self.model.latents(n, 1)}
        if hp.classes:
            inputs["labels"] = torch.arange(n) % hp.classes
        elif self.model.view is Conditioned:
            prompt = "" if self.model.reads_text else None
            inputs["condition"] = self.model.conditions(n, prompt=prompt)
        return inputs

    def forward(
        self,
        images: Any = None,
        latents: Any = None,
        labels: Any = None,
        condition: Any = None,
    ) -> Tensor:
        if self.direction:
            return self.model.translated(images, self.direction, **self.settings)
        if self.output == "logits":
            return self.model.logits(images)
        second = labels if condition is None else condition
        return self.model.generate(latents, second, **self.settings)

    def signature(self) -> str:
        """`images (batch, 3, height, width) -> logits`."""
        inputs = []
        for name, tensor in self.inputs(1).items():
            shape = list(map(str, tensor.shape))
            for axis, dimension in self.dynamic.items():
                shape[axis] = dimension.__name__
            inputs.append(f"{name} ({', '.join(shape)})")
        return f"{', '.join(inputs)} -> {self.output}"


def traced(use: Use) -> ExportedProgram:
    """The graph, with only the networks that it needs: the model loses its others."""
    height, width = use.height, use.width
    if use.dynamic != BATCH:
        # no two lengths are equal, so that none is taken for another
        height, width = 2 * height, 3 * width
    inputs = use.inputs(3, height, width)
    executed: set[nn.Module] = set()
    hook = register_module_forward_pre_hook(lambda module, _: executed.add(module))
    with hook, torch.no_grad():
        use(**inputs)
    _prune(use, executed)
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


def _prune(module: nn.Module, executed: set[nn.Module]) -> None:
    """Replaces modules that forward never calls by nn.Identity.

    Submodules of a executed module stay.
    """
    for name, child in list(module.named_children()):
        if executed.isdisjoint(child.modules()):
            setattr(module, name, nn.Identity())
        elif child not in executed:
            _prune(child, executed)
