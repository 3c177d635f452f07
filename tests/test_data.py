"""Data: what is taken, what is refused, and in which order it comes."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

import ganzoo
from ganzoo.data import Batches, as_data


def batches(data, batch_size, seed=0, view=torch.Tensor):
    return Batches(as_data(data, ganzoo.Hparams()), view, batch_size, seed, torch.device("cpu"))


def numbered(n):
    """n images that can be told apart: image i is filled with the level i."""
    return torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 2, 2).clone()


def levels(images):
    return images[:, 0, 0, 0].add(1).mul(127.5).round().int().tolist()


def test_digits_are_scikit_learns_upsampled_by_pillow():
    data = as_data("digits", ganzoo.create("dcgan-mini").hp)
    part = data.parts[0]
    assert (len(data), data.info.size, data.info.channels, data.info.classes) == (1797, 32, 1, tuple("0123456789"))
    assert part.images.shape == (1797, 1, 32, 32)
    bunch = load_digits()
    assert part.labels.tolist() == bunch.target.tolist()
    picture = Image.fromarray(np.rint(bunch.images[1796] * 255 / 16).astype(np.uint8))
    np.testing.assert_array_equal(part.images[1796, 0], picture.resize((32, 32), Image.Resampling.BICUBIC))


def test_digits_come_in_the_size_and_channels_that_the_model_wants():
    data = as_data("digits", ganzoo.create("dcgan", image_size=16, width=2).hp)
    images = data.parts[0].images
    assert images.shape == (1797, 3, 16, 16)
    assert torch.equal(images[:, 0], images[:, 2])


@pytest.mark.parametrize(("n", "batch_size"), [(10, 3), (10, 10), (7, 16), (1, 4), (64, 8)])
def test_every_image_comes_exactly_once_in_each_epoch(n, batch_size):
    source = batches(numbered(n), batch_size)
    seen = [level for i in range(3 * n) for level in levels(source[i])][: 3 * n]
    epochs = [seen[start : start + n] for start in (0, n, 2 * n)]
    assert all(sorted(epoch) == list(range(n)) for epoch in epochs)
    if n > 6:
        assert epochs[0] != epochs[1]


def test_a_batch_is_a_function_of_seed_and_number_alone():
    one, other = batches(numbered(50), 8), batches(numbered(50), 8)
    ahead = [one[i] for i in range(20)]
    assert all(torch.equal(ahead[i], other[i]) for i in reversed(range(20)))
    assert levels(batches(numbered(50), 8, seed=1)[0]) != levels(ahead[0])


def test_bytes_are_scaled_and_floats_taken_as_they_are():
    extremes = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    assert sorted(batches(extremes, 2)[0].flatten().tolist()) == [-1.0, 1.0]
    floats = torch.tensor([-1.0, 0.25]).view(2, 1, 1, 1)
    assert sorted(batches(floats, 2)[0].flatten().tolist()) == [-1.0, 0.25]


def test_datasets_of_pictures_and_pairs():
    pictures = [Image.new("RGB", (4, 4), (i, 0, 255)) for i in range(5)]
    images = batches(pictures, 5)[0]
    assert images.shape == (5, 3, 4, 4)
    assert sorted(levels(images)) == [0, 1, 2, 3, 4]
    pairs = TensorDataset(numbered(6), torch.arange(6))
    labelled = batches(pairs, 6, view=ganzoo.Labelled)[0]
    assert levels(labelled.images) == labelled.labels.tolist()
    assert batches([(image,) for image in numbered(3)], 3)[0].shape == (3, 1, 2, 2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (torch.full((2, 1, 4, 4), 3.0), "these reach from 3 to 3"),
        (torch.full((2, 1, 4, 4), float("nan")), r"images of floats are in \[-1, 1\]"),
        (torch.zeros(2, 1, 4, 4, dtype=torch.int64), "uint8 or floats"),
        (torch.zeros(4, 4), r"not \(4, 4\)"),
        (torch.zeros(0, 1, 4, 4), "n at least 1"),
        ([], "the data set is empty"),
        (["a word"], "a data set's item is an image"),
        (7, "not int"),
    ],
)
def test_what_is_no_data_is_refused(data, message):
    with pytest.raises(ganzoo.DataError, match=message):
        as_data(data, ganzoo.Hparams())


def test_floats_from_0_to_1_are_warned_of():
    with pytest.warns(UserWarning, match="pass x \\* 2 - 1"):
        as_data(torch.rand(2, 1, 4, 4), ganzoo.Hparams())


def test_data_of_another_size_than_the_models_is_refused_with_the_way_out():
    with pytest.raises(
        ganzoo.DataError, match="the data has image_size 28, the model 32: create it with image_size=28"
    ):
        ganzoo.Trainer(ganzoo.create("dcgan-mini"), torch.zeros(4, 1, 28, 28, dtype=torch.uint8))


def test_a_model_that_wants_labels_says_so():
    with pytest.raises(ganzoo.DataError, match="the model wants labels, and the data has none"):
        batches(numbered(4), 2, view=ganzoo.Labelled)[0]


def test_sources_are_plugins_and_unknown_ones_are_answered_with_the_closest(toy):
    assert len(as_data("toy-squares:5", ganzoo.Hparams(batch_size=5))) == 5
    with pytest.raises(ganzoo.UnknownName, match="no data source 'digit'; did you mean 'digits'"):
        as_data("digit", ganzoo.Hparams())
    with pytest.raises(ganzoo.DataError, match="digits takes nothing after the colon, not 'odd'"):
        as_data("digits:odd", ganzoo.Hparams())
    with pytest.raises(ganzoo.DataError, match="the data source toy-squares:0 has no images"):
        as_data("toy-squares:0", ganzoo.Hparams())
