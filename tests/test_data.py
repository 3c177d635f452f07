"""Data: what is taken, what is refused, and in which order it comes."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

import ganzoo
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data


def batches(data, batch_size, seed=0, view=torch.Tensor):
    return Batches(open_data(data, ganzoo.Hparams()), view, batch_size, seed, torch.device("cpu"))


def numbered(n):
    """n images that can be told apart: image i is filled with the level i."""
    return torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 2, 2).clone()


def levels(images):
    return images[:, 0, 0, 0].add(1).mul(127.5).round().int().tolist()


def test_digits_are_scikit_learns_upsampled_by_pillow():
    data = open_data("digits", ganzoo.create("dcgan-mini", image_size=32, channels=1).hp)
    part = data.parts[0]
    assert (len(data), data.info.size, data.info.channels, data.info.classes) == (
        1797,
        32,
        1,
        tuple("0123456789"),
    )
    assert part.images.shape == (1797, 1, 32, 32)
    bunch = load_digits()
    assert part.labels.tolist() == bunch.target.tolist()
    picture = Image.fromarray(np.rint(bunch.images[1796] * 255 / 16).astype(np.uint8))
    np.testing.assert_array_equal(
        part.images[1796, 0], picture.resize((32, 32), Image.Resampling.BICUBIC)
    )


def test_digits_come_in_the_size_and_channels_that_the_model_wants():
    data = open_data("digits", ganzoo.create("dcgan", image_size=16, width=2).hp)
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
        (torch.full((2, 1, 4, 4), 3.0), r"\b3\b"),
        (torch.full((2, 1, 4, 4), float("nan")), r"\[-1, 1\]"),
        (torch.zeros(2, 1, 4, 4, dtype=torch.int64), "int64"),
        (torch.zeros(4, 4), r"\(4, 4\)"),
        (torch.zeros(0, 1, 4, 4), r"\(0, 1, 4, 4\)"),
        ([], "empty"),
        (["a word"], "a word"),
        ([torch.zeros(4, 1, 4, 4), torch.arange(4)], r"not tensor\([^\n]*$"),
        ((torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)), "one data set"),
        (7, r"\bint\b"),
    ],
)
def test_what_is_no_data_is_refused(data, message):
    with pytest.raises(ganzoo.DataError, match=message):
        open_data(data, ganzoo.Hparams())


def test_floats_from_0_to_1_are_warned_of(caplog):
    open_data(torch.rand(2, 1, 4, 4), ganzoo.Hparams())
    assert "x * 2 - 1" in caplog.text


def test_data_of_another_size_than_the_models_is_refused_with_the_way_out():
    with pytest.raises(ganzoo.DataError, match="image_size=28"):
        ganzoo.Trainer(ganzoo.create("dcgan-mini"), torch.zeros(4, 1, 28, 28, dtype=torch.uint8))


def test_a_model_that_wants_labels_says_so():
    with pytest.raises(ganzoo.DataError, match="labels"):
        batches(numbered(4), 2, view=ganzoo.Labelled)[0]


def test_sources_are_plugins_and_unknown_ones_are_answered_with_the_closest(toy):
    assert len(open_data("toy-squares:5", ganzoo.Hparams(batch_size=5))) == 5
    with pytest.raises(ganzoo.UnknownName, match="did you mean 'digits'"):
        open_data("digit", ganzoo.Hparams())
    with pytest.raises(ganzoo.DataError, match="path"):
        open_data("folder", ganzoo.Hparams())
    with pytest.raises(ganzoo.DataError, match="odd"):
        open_data("digits:odd", ganzoo.Hparams())
    with pytest.raises(ganzoo.DataError, match="toy-squares:0"):
        open_data("toy-squares:0", ganzoo.Hparams())


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 7])
def test_processes_see_disjoint_parts_of_the_same_batches(ranks):
    data = open_data(
        torch.randint(0, 256, (23, 3, 6, 6), dtype=torch.uint8),
        ganzoo.Hparams(load_size=6, flip=True),
    )
    data.preparation = replace(data.preparation, image_size=4)
    whole = Batches(data, torch.Tensor, 10, 3, torch.device("cpu"))
    parts = [replace(whole, rank=rank, ranks=ranks) for rank in range(ranks)]
    seen = []
    for number in range(23):
        together = torch.cat([part[number] for part in parts])
        assert torch.equal(together, whole[number])
        seen += [i for part in parts for i in part.orders[0][number].indices.tolist()]
    assert [sorted(seen[epoch * 23 : epoch * 23 + 23]) for epoch in range(10)] == [
        list(range(23))
    ] * 10


@pytest.mark.parametrize("start", [1, 6, 17])
def test_from_any_point_the_batches_go_on_with_equal_bytes(start):
    def fresh():
        data = open_data("digits", ganzoo.Hparams(batch_size=300, load_size=36, flip=True))
        return Batches(data, ganzoo.Labelled, 300, 0, torch.device("cpu"))

    whole, resumed = fresh(), fresh()
    earlier = [whole[i] for i in range(20)]
    for i in range(start, 20):
        assert torch.equal(resumed[i].images, earlier[i].images)
        assert torch.equal(resumed[i].labels, earlier[i].labels)


def test_crops_and_mirrorings_are_those_of_the_image_and_all_places_are_met():
    ramp = torch.arange(36, dtype=torch.uint8).view(1, 1, 6, 6).expand(500, 1, 6, 6).clone()
    data = open_data(ramp, ganzoo.Hparams(load_size=6, flip=True))
    data.preparation = replace(data.preparation, image_size=4)
    images = (
        Batches(data, torch.Tensor, 500, 0, torch.device("cpu"))[0].add(1).mul(127.5).round().int()
    )
    met = set()
    for image in images[:, 0]:
        mirrored = bool(image[0, 0] > image[0, 1])
        upright = image.flip(1) if mirrored else image
        top, left = divmod(int(upright[0, 0]), 6)
        assert torch.equal(upright, ramp[0, 0, top : top + 4, left : left + 4].int())
        met.add((top, left, mirrored))
    assert len(met) == 3 * 3 * 2


def test_a_smaller_load_size_than_image_size_is_refused():
    with pytest.raises(ganzoo.DataError, match="load_size=16"):
        open_data("digits", ganzoo.create("dcgan-mini", load_size=16).hp)


class Noisy:
    """A Dataset whose items draw from all three generators."""

    def __len__(self):
        return 30

    def __getitem__(self, index):
        draws = [random.random(), float(np.random.rand()), float(torch.rand(()))]
        return torch.tensor([index / 30, *draws]).view(1, 2, 2) - 0.5


def test_a_datasets_own_transforms_draw_from_seed_epoch_and_index_with_any_workers():
    hp = ganzoo.Hparams(batch_size=7)

    def fresh(workers):
        return Batches(
            open_data(Noisy(), hp, workers=workers), torch.Tensor, 7, 0, torch.device("cpu")
        )

    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    one, two, resumed = fresh(None), fresh(2), fresh(2)
    first = [one[i] for i in range(12)]
    for i in (0, 1, 2, 0, 3, 4):  # and a look back, as pictures while training take it
        assert torch.equal(two[i], first[i])
    for i in (8, 9, 10):
        assert torch.equal(resumed[i], first[i])
    assert not any(torch.equal(first[0][0], other) for other in torch.cat(first[1:]))
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.random(), np.random.rand(), torch.rand(()).item()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    one[0], two[0]
    assert (random.random(), np.random.rand(), torch.rand(()).item()) == expected


def test_two_domains_have_orders_of_their_own():
    a, b = numbered(5), numbered(9) + 100
    data = open_data((a, b), ganzoo.Hparams(), ganzoo.Domains)
    batches = Batches(data, ganzoo.Domains, 3, 0, torch.device("cpu"))
    seen = [batches[i] for i in range(15)]
    assert isinstance(seen[0], ganzoo.Domains)
    first, second = ([level for batch in seen for level in levels(batch[part])] for part in (0, 1))
    assert [sorted(first[i : i + 5]) for i in range(0, 45, 5)] == [list(range(5))] * 9
    assert [sorted(second[i : i + 9]) for i in range(0, 45, 9)] == [list(range(100, 109))] * 5


def test_pairs_stay_together_and_are_cropped_alike():
    source = torch.randint(0, 200, (12, 3, 8, 8), dtype=torch.uint8)
    for given in [(source, source + 50), [(one, one + 50) for one in source]]:
        data = open_data(given, ganzoo.Hparams(load_size=8, flip=True), ganzoo.Pair)
        data.preparation = replace(data.preparation, image_size=5)
        batch = Batches(data, ganzoo.Pair, 12, 0, torch.device("cpu"))[0]
        assert batch.source.shape == batch.target.shape == (12, 3, 5, 5)
        torch.testing.assert_close(
            batch.target - batch.source, torch.full((12, 3, 5, 5), 50 / 127.5)
        )


def draw(folder, name, level, size=(12, 12)):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


SMALL = ganzoo.create("dcgan", image_size=8, channels=1, width=2, batch_size=2).hp


@pytest.mark.parametrize("names", [("A", "B"), ("trainA", "trainB"), ("a", "b")])
def test_a_folder_of_two_domains(tmp_path, names):
    for i in range(3):
        draw(tmp_path, f"{names[0]}/{i}.png", i)
        draw(tmp_path, f"{names[1]}/deep/{i}.png", 100 + i)
    draw(tmp_path, "testA/9.png", 200)
    data = open_data(str(tmp_path), SMALL, ganzoo.Domains)
    assert [part.images[:, 0, 0, 0].tolist() for part in data.parts] == [[0, 1, 2], [100, 101, 102]]
    two = open_data((tmp_path / names[0], str(tmp_path / names[1])), SMALL, ganzoo.Domains)
    assert two.fingerprint == data.fingerprint
    assert two.name == [str(tmp_path / name) for name in names]


def test_pairs_by_name_and_side_by_side(tmp_path, caplog):
    for i in range(4):
        draw(tmp_path, f"names/A/{i}.png", i)
        draw(tmp_path, f"names/B/{i}.bmp", 100 + i)
        both = Image.new("L", (24, 12), i)
        both.paste(100 + i, (12, 0, 24, 12))
        (tmp_path / "sides").mkdir(exist_ok=True)
        both.save(tmp_path / "sides" / f"{i}.png")
    draw(tmp_path, "names/A/alone.png", 50)
    draw(tmp_path, "names/B/single.png", 150)
    draw(tmp_path, "sides/square.png", 50)
    (tmp_path / "names" / "B" / "3.bmp").write_bytes(b"BM")
    for folder, left, reasons in [
        ("names", 3, ["2 no partner", "1 corrupt"]),
        ("sides", 4, ["1 not a pair"]),
    ]:
        caplog.clear()
        data = open_data(str(tmp_path / folder), SMALL, ganzoo.Pair)
        assert data.parts[0].images[:, :, 4, 4].tolist() == [[i, 100 + i] for i in range(left)]
        assert all(reason in caplog.text for reason in reasons)
    two = open_data((str(tmp_path / "names/A"), str(tmp_path / "names/B")), SMALL, ganzoo.Pair)
    assert len(two) == 3


@pytest.mark.parametrize(
    ("view", "data", "message"),
    [
        (ganzoo.Domains, "digits", "domains"),
        (ganzoo.Domains, "cats", "x, y"),
        (ganzoo.Pair, "digits", "pairs"),
        (ganzoo.Pair, ("cats/x", "cats/y"), "name"),
        (ganzoo.Labelled, "cats/x", "labels"),
        (torch.Tensor, ("cats", "digits"), "cats, digits"),
        (ganzoo.Domains, ("cats", "cats", "cats"), r"\b3\b"),
        (ganzoo.Domains, "digits-photo:a", "digits-photo:a"),
        (ganzoo.Domains, "half", "domain B"),
        (ganzoo.Domains, "empty", "A/"),
        (ganzoo.Domains, torch.zeros(4, 1, 8, 8), "tuple"),
        (ganzoo.Pair, torch.zeros(4, 1, 8, 8), "tuple"),
        (ganzoo.Pair, (torch.zeros(3, 1, 8, 8), torch.zeros(4, 1, 8, 8)), r"\(4, 1, 8, 8\)"),
        (ganzoo.Pair, [Image.new("L", (8, 8))] * 4, r"\(source, target\)"),
        (torch.Tensor, (numbered(3), numbered(3)), r"\b2\b"),
        (dict, "digits", "dict"),
        (torch.Tensor, "no/where", "no/where"),
        (torch.Tensor, "nowhere", "nowhere"),
        (torch.Tensor, "folder:cats/none", "cats/none"),
        (torch.Tensor, "zip:none.zip", r"none\.zip"),
        (torch.Tensor, "digits-photo:c", "a-test"),
    ],
)
def test_a_source_that_cannot_give_the_view_says_why(view, data, message):
    for name, count in [
        ("cats/x/1", 2),
        ("cats/y/2", 2),
        ("half/A/1", 3),
        ("half/B/1", 1),
        ("empty/A/1", 2),
    ]:
        for i in range(count):
            draw(Path(), f"{name}{i}.png", i)
    Path("empty/B").mkdir()
    with pytest.raises(ganzoo.GanzooError, match=message):
        Batches(
            open_data(data, SMALL.replaced({"image_size": 8}), view),
            view,
            2,
            0,
            torch.device("cpu"),
        )[0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([(numbered(1)[0], "cat")] * 2, "'cat'"),
        ([(numbered(1)[0], 1), numbered(1)[0]], "labels"),
        ([Image.new("F", (4, 4))] * 2, "mode F"),
        ({"train": [numbered(1)[0]]}, "dict"),
        ([(numbered(1)[0], torch.zeros(1, 3, 3, dtype=torch.uint8))] * 2, "pair"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_items_that_are_not_what_they_should_be_are_one_line_from_a_worker_too(
    data, message, workers
):
    view = ganzoo.Pair if "pair" in message else torch.Tensor
    with pytest.raises(ganzoo.DataError, match=message) as caught:
        Batches(
            open_data(data, ganzoo.Hparams(), view, workers=workers),
            view,
            2,
            0,
            torch.device("cpu"),
        )[0]
    assert "Traceback" not in str(caught.value)


def test_a_loader_of_one_order_is_not_used_for_another():
    data = open_data(list(numbered(40)), ganzoo.Hparams(), workers=2)
    one, other = (Batches(data, torch.Tensor, 8, seed, torch.device("cpu")) for seed in (0, 1))
    plain = batches(list(numbered(40)), 8, seed=1)
    one[0]
    assert levels(other[1]) == levels(plain[1])


def test_two_domains_of_different_sizes_are_refused():
    with pytest.raises(ganzoo.DataError, match="8x8"):
        open_data(
            (torch.zeros(4, 3, 8, 8) - 0.1, torch.zeros(4, 1, 6, 6) - 0.1),
            ganzoo.Hparams(),
            ganzoo.Domains,
        )


def test_more_processes_than_images_in_a_batch_are_refused():
    with pytest.raises(ganzoo.DataError, match="processes"):
        Batches(
            open_data(numbered(4), ganzoo.Hparams()),
            torch.Tensor,
            2,
            0,
            torch.device("cpu"),
            rank=0,
            ranks=3,
        )
