"""What a trained model is for, as a graph whose inputs have names and a batch of any size."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from ganzoo.errors import Unsupported
from ganzoo.model.contract import Model
from ganzoo.model.inference import Inference
from ganzoo.seeds import noise

NAMES = {0: "batch", 2: "height", 3: "width"}
"""The dimensions that a graph can leave open."""
BATCH_ONLY = (0,)
OPEN = {place: Dim(name, min=1) for place, name in NAMES.items()}


class Use(nn.Module):
    """A model behind one call, whose inputs have names; those that there are follow below.

    `free` are the dimensions that are to be left open.
    """

    output: ClassVar[str]
    free: tuple[int, ...] = BATCH_ONLY

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.size: int = getattr(model.hp, "image_size", None) or 64
        self.eval()

    def inputs(self, n: int, height: int, width: int) -> dict[str, Tensor]:
        """An example, in the order of `forward`."""
        channels = getattr(self.model.hp, "channels", None) or 3
        return {"images": noise(n, channels, height, width, seed=1).clamp(-1, 1)}

    def open(self, inputs: dict[str, Tensor]) -> dict[str, dict[int, Dim]]:
        """Input -> its dimensions that are left open."""
        return {
            name: {i: OPEN[i] for i in self.free if i < tensor.ndim}
            for name, tensor in inputs.items()
        }

    def described(self) -> str:
        """`images (batch, 3, height, width) -> logits`."""
        shapes = {
            name: list(map(str, x.shape))
            for name, x in self.inputs(1, self.size, self.size).items()
        }
        for shape in shapes.values():
            shape[:] = [NAMES[i] if i in self.free else length for i, length in enumerate(shape)]
        inputs = ", ".join(f"{name} ({', '.join(shape)})" for name, shape in shapes.items())
        return f"{inputs} -> {self.output}"


class Drawing(Use):
    """Latents, and labels of a conditional model -> images."""

    output = "images"

    def inputs(self, n: int, height: int, width: int) -> dict[str, Tensor]:
        classes = getattr(self.model.hp, "classes", None)
        labels = {"labels": torch.arange(n) % classes} if classes else {}
        return {"latents": self.model.latents(n, 1), **labels}

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.model.generate(latents, labels)


class Translating(Use):
    """Images -> images of the other domain, of the same size."""

    output = "translated"

    def __init__(self, model: Model, direction: str) -> None:
        super().__init__(model)
        self.direction = direction
        self.free = tuple(NAMES)

    def forward(self, images: Tensor) -> Tensor:
        return self.model.translated(images, self.direction)


class Classifying(Use):
    """Images -> logits."""

    output = "logits"

    def forward(self, images: Tensor) -> Tensor:
        return self.model.logits(images)


def use_of(model: Model, direction: str | None) -> Use:
    """What the model is for. Raises Unsupported when there is none, UsageError for a direction that it has not."""
    if model.directions or direction is not None:
        return Translating(model, model.checked_direction(direction))
    if model.classifies:
        return Classifying(model)
    if type(model).generate is Inference.generate:
        raise Unsupported(
            f"{model.display_name} neither draws, translates nor classifies images: there is nothing to export"
        )
    return Drawing(model)


def traced(use: Use) -> ExportedProgram:
    """The graph, with the networks that it needs and no others: the model loses its other ones."""
    longer = (
        1 if use.free == BATCH_ONLY else 2
    )  # no two lengths equal, so that none is taken for another
    inputs = use.inputs(3, longer * use.size, (2 * longer - 1) * use.size)
    _prune(use, _executed_modules(use))
    program = torch.export.export(
        use,
        (),
        inputs,  # by name
        dynamic_shapes=use.open(inputs),
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    for node in list(program.graph.nodes):
        node.meta.pop("stack_trace", None)  # names of this machine's folders
        if node.target is torch.ops.aten._assert_scalar.default:
            # That other sizes lie in memory as the example did. The graph is right without that, or the comparison
            # with the model finds that it is not.
            program.graph.erase_node(node)
    program.example_inputs = None  # megabytes of noise
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    return program


def _executed_modules(use: Use) -> set[nn.Module]:
    called: set[nn.Module] = set()
    hooks = [
        module.register_forward_pre_hook(lambda module, _: called.add(module))
        for module in use.modules()
    ]
    use(**use.inputs(1, use.size, use.size))
    for hook in hooks:
        hook.remove()
    return called


def _prune(module: nn.Module, called: set[nn.Module]) -> None:
    """What is not called gives way to nothing, in its place; what is inside of a module that is called stays."""
    for name, child in list(module.named_children()):
        if called.isdisjoint(child.modules()):
            setattr(module, name, nn.Identity())
        elif child not in called:
            _prune(child, called)
