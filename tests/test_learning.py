"""Training learns, by a score: a few hundred steps, so these tests are slow."""

import pytest
from scoring import DIGITS, frechet_distance, pixels
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import ganzoo
from ganzoo.data.open import open_data


@pytest.mark.slow
def test_dcgan_mini_learns_all_ten_digits_in_400_steps():
    model = ganzoo.create("dcgan-mini", **DIGITS | {"steps": 400, "ema": 0.98})
    trainer = ganzoo.Trainer(model, "digits", device="cpu")
    real = open_data("digits", model.hp).parts[0].images[:600] / 127.5 - 1
    assert abs(frechet_distance(pixels(real), pixels(real))) < 1e-6
    before = frechet_distance(pixels(real), pixels(model.sample(600)))
    list(trainer)
    with trainer.averaged_model():
        images = model.sample(600)
    after = frechet_distance(pixels(real), pixels(images))
    assert after < before / 5
    bunch = load_digits()
    ink = (pixels(images) + 1) * 8
    digits = KNeighborsClassifier(3).fit(bunch.data, bunch.target).predict(ink.numpy())
    assert len(set(digits.tolist())) == 10
