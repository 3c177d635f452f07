"""What a step of the Trainer costs over a plain PyTorch loop with the same networks, batches, draws and optimizers.

    python benchmarks/step.py [--steps 60] [--repeats 5]

Both loops run in this process, in turns; the ratio is of the medians. The weights at the end are compared too.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from machine import machine
from torch import nn
from torch.nn.functional import softplus

import ganzoo
from ganzoo.seeds import rng


def plain(
    model: ganzoo.Model, batches: Callable[[int], torch.Tensor], device: str
) -> Iterator[None]:
    """The loop that one writes by hand: forward, backward of everything, step."""
    hp = model.hp
    net_g, net_d = copy.deepcopy(model.generator), copy.deepcopy(model.discriminator)
    yield net_g  # type: ignore[misc]  # first, the network to compare in the end
    adam_g, adam_d = (torch.optim.Adam(net.parameters(), hp.lr, hp.betas) for net in (net_g, net_d))
    for step in range(hp.steps):
        real = batches(step)
        draws = torch.randn(
            len(real),
            hp.latent_dim,
            1,
            1,
            generator=rng("draws", hp.seed, step, device=device),
            device=device,
        )
        fake = net_g(draws)
        adam_d.zero_grad()
        (softplus(-net_d(real)).mean() + softplus(net_d(fake.detach())).mean()).backward()
        adam_d.step()
        adam_g.zero_grad()
        softplus(-net_d(fake)).mean().backward()
        adam_g.step()
        yield


def seconds(steps: Iterator[object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        next(steps)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(settings: dict[str, object], steps: int, repeats: int) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = ganzoo.create("dcgan", **settings, steps=steps * (repeats + 1)).to(device)
    channels, size = model.hp.channels, model.hp.image_size
    images = torch.randint(0, 256, (512, channels, size, size), dtype=torch.uint8)
    trainer = ganzoo.Trainer(model, images, device=device, precision="fp32")
    by_hand = plain(model, trainer.batches.__getitem__, device)
    twin: nn.Module = next(by_hand)  # type: ignore[assignment]
    seconds(trainer, steps), seconds(by_hand, steps)  # warm-up
    times = [(seconds(trainer, steps), seconds(by_hand, steps)) for _ in range(repeats)]
    ours, theirs = (statistics.median(column) / steps * 1000 for column in zip(*times, strict=True))
    equal = all(
        torch.equal(a, b)
        for a, b in zip(
            model.generator.state_dict().values(), twin.state_dict().values(), strict=True
        )
    )
    ratios = [b / a for a, b in times]
    what = f"{size}x{size}x{channels}, width {settings['width']}, batch {settings['batch_size']}"
    speed = f"{theirs / ours:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"| {what} | {theirs:.1f} | {ours:.1f} | {speed} | {'yes' if equal else 'no'} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    print(machine())
    print(
        "\n| DCGAN | plain loop, ms a step | ganzoo.Trainer, ms a step | speed, plain = 1 | equal weights |"
    )
    print("|---|---|---|---|---|")
    for settings in (
        {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8},
        {"image_size": 32, "channels": 1, "width": 32, "batch_size": 64},
        {"image_size": 64, "channels": 3, "width": 32, "batch_size": 16},
    ):
        compare(settings, chosen.steps, chosen.repeats)


if __name__ == "__main__":
    main()
