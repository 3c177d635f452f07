"""That training learns, by a score that a machine can take: a few hundred steps, so these are marked slow."""

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch.nn.functional import avg_pool2d

import ganzoo
from ganzoo.data import as_data


def pixels(images):
    """Images at the 8x8 at which the digits were kept, `(n, 64)`."""
    return avg_pool2d(images, images.shape[-1] // 8).flatten(1).double()


def frechet_distance(one, other):
    """|m1 - m2|^2 + |A|^2 + |B|^2 - 2 nuclear_norm(A B^T), with centred A and B over sqrt(n - 1)."""
    a, b = ((x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (one, other))
    means = (one.mean(0) - other.mean(0)).square().sum()
    return (means + a.square().sum() + b.square().sum() - 2 * torch.linalg.matrix_norm(a @ b.T, "nuc")).item()


@pytest.mark.slow
def test_dcgan_mini_learns_all_ten_digits_in_400_steps():
    model = ganzoo.create("dcgan-mini", steps=400, ema=0.98)
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    real = as_data("digits", model.hp).parts[0].images[:600] / 127.5 - 1
    assert abs(frechet_distance(pixels(real), pixels(real))) < 1e-6
    before = frechet_distance(pixels(real), pixels(model.sample(600)))
    list(trainer)
    with trainer.published():
        images = model.sample(600)
    after = frechet_distance(pixels(real), pixels(images))
    assert after < before / 5
    bunch = load_digits()
    ink = (pixels(images) + 1) * 8
    digits = KNeighborsClassifier(3).fit(bunch.data, bunch.target).predict(ink.numpy())
    assert len(set(digits.tolist())) == 10
