"""The cost of a step of the Trainer, beside a plain PyTorch loop.

    python benchmarks/step.py [--steps 60] [--repeats 5]

Both have the same networks, batches, draws and optimizers, and run in this process, in turns. The
speed is the median of the repeats. The final weights are compared too.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Iterator

import torch
from machine import machine
from table import head, row, spread
from torch import Tensor, nn
from torch.nn.functional import softplus

import ganzoo
from ganzoo.seeds import rng

SETTINGS: list[dict[str, int]] = [
    {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8},
    {"image_size": 32, "channels": 1, "width": 32, "batch_size": 64},
    {"image_size": 64, "channels": 3, "width": 32, "batch_size": 16},
]


class PlainLoop(Iterator[None]):
    """The loop that people write by hand: forward, backward of everything, step."""

    def __init__(self, trainer: ganzoo.Trainer) -> None:
        self.hp, self.batch = trainer.model.hp, trainer.batch
        self.device = trainer.device.torch_device
        self.net_g = copy.deepcopy(trainer.model.generator)
        self.net_d = copy.deepcopy(trainer.model.discriminator)
        self.adam_g = torch.optim.Adam(self.net_g.parameters(), self.hp.lr, self.hp.betas)
        self.adam_d = torch.optim.Adam(self.net_d.parameters(), self.hp.lr, self.hp.betas)
        self.steps_done = 0

    def __next__(self) -> None:
        real = self.batch(self.steps_done)
        fake = self.net_g(self.draws(len(real)))
        self.adam_d.zero_grad()
        loss = softplus(-self.net_d(real)).mean() + softplus(self.net_d(fake.detach())).mean()
        loss.backward()
        self.adam_d.step()
        self.adam_g.zero_grad()
        softplus(-self.net_d(fake)).mean().backward()
        self.adam_g.step()
        self.steps_done += 1

    def draws(self, n: int) -> Tensor:
        """The numbers that the model draws in this step."""
        generator = rng("draws", self.hp.seed, self.steps_done, device=self.device)
        shape = (n, self.hp.latent_dim, 1, 1)
        return torch.randn(shape, generator=generator, device=self.device)


def seconds(steps: Iterator[object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        next(steps)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def are_equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have the same weights, bit for bit."""
    weights, twins = one.state_dict(), other.state_dict()
    return all(torch.equal(weights[name], twins[name]) for name in weights)


def compare(settings: dict[str, int], steps: int, repeats: int) -> None:
    """Prints a row of the table."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = ganzoo.create("dcgan", **settings, steps=steps * (repeats + 1)).to(device)
    channels, size = model.hp.channels, model.hp.image_size
    images = torch.randint(0, 256, (512, channels, size, size), dtype=torch.uint8)
    trainer = ganzoo.Trainer(model, images, device=device, precision="fp32")
    plain = PlainLoop(trainer)
    seconds(trainer, steps)  # warm-up
    seconds(plain, steps)
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(seconds(trainer, steps))
        theirs.append(seconds(plain, steps))
    equal = are_equal(model.generator, plain.net_g)
    speeds = [other / own for own, other in zip(ours, theirs, strict=True)]
    row(
        f"{size}x{size}x{channels}, width {settings['width']}, batch {settings['batch_size']}",
        f"{statistics.median(theirs) / steps * 1000:.1f}",
        f"{statistics.median(ours) / steps * 1000:.1f}",
        spread(speeds),
        "yes" if equal else "no",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    head(
        "DCGAN",
        "plain loop, ms a step",
        "ganzoo.Trainer, ms a step",
        "speed, plain = 1",
        "equal weights",
    )
    for settings in SETTINGS:
        compare(settings, options.steps, options.repeats)


if __name__ == "__main__":
    main()
