"""Hyperparameters of translators by their old names, as in config.json files of before."""

import logging

import pytest

import ganzoo

OLD = {
    "cyclegan": {"cycle": 5.0, "identity": 0.1, "pool": 7, "negatives": 0.25},
    "cut": {"nce": 3.0, "identity": 0.5, "layers": [0, 4], "patches": 8, "features": 6},
    "pix2pix": {"l1": 50.0},
}
NEW = {
    "cyclegan": {
        "cycle_weight": 5.0,
        "identity_weight": 0.1,
        "pool_size": 7,
        "invert_probability": 0.25,
    },
    "cut": {
        "nce_weight": 3.0,
        "identity_weight": 0.5,
        "nce_layers": (0, 4),
        "nce_patches": 8,
        "nce_features": 6,
    },
    "pix2pix": {"l1_weight": 50.0},
}


@pytest.mark.parametrize("name", OLD)
def test_old_names_are_read_silently_and_accepted_with_a_hint(name, caplog):
    kind = ganzoo.models[name].load()
    expected = kind.Hparams(**NEW[name])
    with caplog.at_level(logging.INFO, "ganzoo"):
        assert kind.Hparams.from_json(OLD[name]) == expected
        assert not caplog.records
        assert kind.Hparams().replaced(OLD[name]) == expected
    for old, new in zip(OLD[name], NEW[name], strict=True):
        assert f"{old!r}" in caplog.text
        assert f"{new!r}" in caplog.text


def test_a_variant_knows_the_old_names_too():
    kind = ganzoo.models["cyclegan-mini"].load()
    assert kind.Hparams.from_json({"pool": 3}).pool_size == 3
