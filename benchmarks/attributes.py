"""Does `attribute-dcgan` draw what it is asked for, and what it never saw together?

    python benchmarks/attributes.py [--steps 4000] [--out runs/attributes] [--grid attributes.png]

It learns 12,000 drawn faces, half of them with glasses, without two combinations: blond hair with
glasses, and long red hair. Then it is asked for hair, length and glasses at once: 1,000 times as
the faces have them, and 500 times for each combination that was held out. A classifier of each
attribute, trained on 6,000 other faces, says what it sees; the table has its accuracy on 2,000 more
real faces, its share of samples that show what was asked, and the share that show all three.

The training takes about half an hour of one core; a second call goes on with it.
"""

import argparse
from pathlib import Path

import torch
from machine import machine
from scoring import accuracy, classifier
from table import head, row
from torch import Tensor

import ganzoo
from ganzoo.data.source import open_source
from ganzoo.images import enlarged, grid, save_png

SIZE = 64
HELD_OUT = ({"hair": "blond", "glasses": "yes"}, {"hair": "red", "length": "long"})
TRAINING = "faces:n=12000,glasses=no/yes,without=hair:blond+glasses:yes;hair:red+length:long"
OTHERS = "faces:first=1000000,n=6000,glasses=no/yes"
REAL = "faces:first=2000000,n=2000,glasses=no/yes"
ASKED = ("hair", "length", "glasses")
Known = list[dict[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=Path("runs/attributes"))
    parser.add_argument("--grid", type=Path)
    options = parser.parse_args()
    print(machine(), flush=True)
    run = ganzoo.train(
        "attribute-dcgan", TRAINING, steps=options.steps, out=options.out / "run", device="cpu"
    )
    model = run.model
    networks, accuracies = classifiers(options.out)
    requests: dict[str, Known] = {"as the faces have them": requests_of(TRAINING)}
    for combination in HELD_OUT:
        words = ", ".join(f"{name}={value}" for name, value in combination.items())
        requests[f"held out: {words}"] = requests_with(combination)
    head("asked for", "samples", *(f"{name}, per cent" for name in ASKED), "all of them")
    row("accuracy of the classifiers on real faces", 2000, *accuracies, "")
    shown = []
    for name, asked in requests.items():
        images = model.sample(len(asked), seed=1, where=asked)
        shown.append(images[:8])
        row(name, len(asked), *shares(networks, images, asked))
    if options.grid:
        save_png(enlarged(grid(torch.cat(shown))), options.grid)


def faces(source: str) -> tuple[Tensor, Known]:
    """The faces of a source, and what is known of each."""
    images, known = [], []
    for item in open_source(source).at_size(SIZE).items():  # type: ignore[attr-defined]
        images.append(ganzoo.from_pil(item.read()))
        known.append({name: item.attributes[name] for name in ASKED})
    return torch.stack(images), known


def classifiers(folder: Path) -> tuple[dict[str, tuple[torch.nn.Module, list[str]]], list[str]]:
    """A network for each attribute with the names of its classes; and their accuracies."""
    images, known = faces(OTHERS)
    real, real_known = faces(REAL)
    networks, accuracies = {}, []
    for name in ASKED:
        values = sorted({one[name] for one in known})
        labels = torch.tensor([values.index(one[name]) for one in known])
        network = classifier(images, labels, 0, epochs=8)
        networks[name] = network, values
        expected = torch.tensor([values.index(one[name]) for one in real_known])
        accuracies.append(f"{accuracy(network, real, expected):.1f}")
        print(f"{name}: {accuracies[-1]} per cent of real faces", flush=True)
    return networks, accuracies


def requests_of(source: str, count: int = 1000) -> Known:
    """What the first persons of a source have."""
    items = open_source(source).items()
    order = torch.randperm(len(items), generator=torch.Generator().manual_seed(0))[:count]
    return [{name: items[i].attributes[name] for name in ASKED} for i in order.tolist()]


def requests_with(combination: dict[str, str], count: int = 500) -> Known:
    """Requests that have this combination, and the rest of real persons."""
    return [{**one, **combination} for one in requests_of(TRAINING, count)]


def shares(
    networks: dict[str, tuple[torch.nn.Module, list[str]]], images: Tensor, asked: Known
) -> list[str]:
    """The share of images that show each attribute as asked, then all of them, in per cent."""
    right = []
    for name, (network, values) in networks.items():
        with torch.no_grad():
            parts = [network(part).argmax(1) for part in images.split(250)]
        wanted = torch.tensor([values.index(one[name]) for one in asked])
        right.append(torch.cat(parts) == wanted)
    together = torch.stack(right).all(0)
    return [f"{100 * one.float().mean().item():.1f}" for one in (*right, together)]


if __name__ == "__main__":
    main()
