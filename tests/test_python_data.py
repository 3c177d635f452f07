"""Data from Python, in the forms that people have: arrays, labels, pictures of any size, dicts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import SMALL
from torch.utils.data import DataLoader, TensorDataset

import ganzoo
from ganzoo.data.batches import Batches
from ganzoo.data.open import open_data
from ganzoo.data.split import OLDEST, train_validation_split, validation_indices

GREY = np.arange(5 * 8 * 8, dtype=np.uint8).reshape(5, 8, 8)
COLOUR = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
RGB_8 = ganzoo.Hparams(image_size=8, channels=3, batch_size=2)


def opened(data, hp=None, view=torch.Tensor, workers=None):
    return open_data(data, hp or ganzoo.Hparams(), view, workers=workers)


def in_order(data, view=torch.Tensor):
    """All images as a batch in their own order."""
    batches = Batches(data, view, len(data), 0, torch.device("cpu"))
    return next(batches.one_epoch())


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        (GREY, (5, 1, 8, 8)),
        (torch.from_numpy(GREY), (5, 1, 8, 8)),
        (COLOUR, (5, 3, 8, 8)),
        (COLOUR.transpose(0, 3, 1, 2), (5, 3, 8, 8)),
        (COLOUR / 127.5 - 1, (5, 3, 8, 8)),
    ],
)
def test_arrays_are_images_wherever_their_channels_are(array, shape):
    images = in_order(opened(array))
    assert images.shape == shape
    source = GREY[:, None] if shape[1] == 1 else COLOUR.transpose(0, 3, 1, 2)
    torch.testing.assert_close(images, torch.from_numpy(source / 127.5 - 1).float())


def test_an_array_has_the_fingerprint_of_the_tensor():
    tensor = torch.from_numpy(COLOUR).movedim(-1, 1).contiguous()
    assert opened(COLOUR).fingerprint == opened(tensor).fingerprint
    frozen = COLOUR.copy()
    frozen.flags.writeable = False
    assert opened(frozen).fingerprint == opened(tensor).fingerprint


@pytest.mark.parametrize(
    "labels", [[0, 2, 1, 0, 1], np.array([0, 2, 1, 0, 1]), torch.tensor([0, 2, 1, 0, 1])]
)
@pytest.mark.parametrize("kind", [tuple, lambda pair: ganzoo.Labelled(*pair)])
def test_images_with_their_labels(labels, kind):
    data = opened(kind((COLOUR, labels)), view=ganzoo.Labelled)
    batch = in_order(data, ganzoo.Labelled)
    assert batch.labels.tolist() == [0, 2, 1, 0, 1]
    assert data.info.classes == ("0", "1", "2")
    assert data.fingerprint != opened((COLOUR, [0, 0, 1, 0, 1])).fingerprint
    pictures = [Image.fromarray(array) for array in COLOUR]
    listed = in_order(opened(kind((pictures, labels)), view=ganzoo.Labelled), ganzoo.Labelled)
    assert torch.equal(listed.images, batch.images)
    assert torch.equal(listed.labels, batch.labels)


def test_a_classifier_and_a_conditional_gan_train_on_images_with_labels():
    images = np.random.default_rng(0).integers(0, 256, (16, 16, 16), dtype=np.uint8)
    model = ganzoo.create("cdcgan-mini", **SMALL["cdcgan-mini"], classes=3, batch_size=4, steps=1)
    list(ganzoo.Trainer(model, (images, np.arange(16) % 3), device="cpu"))
    with pytest.raises(ganzoo.DataError, match="label 3"):
        ganzoo.Trainer(model, (images, np.arange(16) % 4), device="cpu")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "5 images and 2 labels"),
        ([0.5] * 5, "integers"),
        (["cat"] * 5, "integers"),
        ([-1] * 5, "from 0"),
    ],
)
def test_what_are_no_labels_is_one_line(labels, message):
    with pytest.raises(ganzoo.DataError, match=message):
        opened((COLOUR, labels))
    with pytest.raises(ganzoo.DataError, match="list of images"):
        opened((TensorDataset(torch.zeros(5, 1, 8, 8)), [0] * 5))


def test_a_tuple_of_two_sets_of_images_stays_two_domains_or_pairs():
    for view in (ganzoo.Domains, ganzoo.Pair):
        batch = in_order(opened((COLOUR, COLOUR), view=view), view)
        assert torch.equal(batch[0], batch[1])


@pytest.mark.parametrize("workers", [1, 2])
def test_pictures_of_any_size_and_mode_are_what_a_folder_makes_of_them(tmp_path, workers):
    place = tmp_path / "pictures"
    place.mkdir()
    pictures = []
    for number, mode in enumerate(["L", "P", "LA", "CMYK", "RGB", "1", "RGBA"]):
        picture = Image.effect_noise((20 + number, 17), 90).convert("RGB")
        if mode in ("LA", "RGBA"):
            picture.putalpha(128)
        pictures.append(picture.convert(mode))
        pictures[-1].save(place / f"{number}.tif")
    folder = in_order(opened(str(place), RGB_8))
    assert torch.equal(in_order(opened(pictures, RGB_8, workers=workers)), folder)
    files = [Image.open(path) for path in sorted(place.iterdir())]
    assert torch.equal(in_order(opened(files, RGB_8)), folder)
    assert opened(pictures).info == opened(str(place), ganzoo.Hparams(batch_size=2)).info


def test_arrays_and_bytes_in_a_dataset_are_pictures():
    first = in_order(opened([Image.fromarray(array) for array in COLOUR], RGB_8))
    for items in (
        list(COLOUR),
        list(COLOUR.transpose(0, 3, 1, 2)),
        list(COLOUR / 127.5 - 1),
        list(torch.from_numpy(COLOUR).movedim(-1, 1)),
    ):
        torch.testing.assert_close(in_order(opened(items, RGB_8)), first)
    small = ganzoo.Hparams(image_size=4, channels=1)
    expected = in_order(opened([Image.fromarray(array) for array in COLOUR], small))
    assert expected.shape == (5, 1, 4, 4)
    assert torch.equal(in_order(opened(list(COLOUR), small)), expected)
    assert torch.equal(in_order(opened(list(opened(COLOUR).parts[0].images), small)), expected)


def test_pairs_of_pictures_are_resized_too():
    pairs = [(Image.new("L", (9, 7), i), Image.new("RGB", (20, 30), (i, 0, 9))) for i in range(4)]
    batch = in_order(opened(pairs, RGB_8, ganzoo.Pair), ganzoo.Pair)
    assert batch.source.shape == batch.target.shape == (4, 3, 8, 8)
    a, b = zip(*pairs, strict=True)
    domains = in_order(opened((list(a), list(b)), RGB_8, ganzoo.Domains), ganzoo.Domains)
    assert torch.equal(domains.a, batch.source)


@pytest.mark.parametrize(
    ("image", "label"), [("image", "label"), ("img", "labels"), ("pixel_values", "label")]
)
def test_dicts_are_read_by_the_names_of_hugging_face(image, label):
    items = [{image: Image.new("L", (8, 8), i), label: i % 2, "id": "x"} for i in range(4)]
    batch = in_order(opened(items, view=ganzoo.Labelled), ganzoo.Labelled)
    assert batch.labels.tolist() == [0, 1, 0, 1]
    without = [{image: Image.new("L", (8, 8), i)} for i in range(4)]
    assert torch.equal(in_order(opened(without)), batch.images)


def test_a_table_of_hugging_face_says_labels_and_classes_without_its_images():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"image": datasets.Image(), "labels": datasets.ClassLabel(names=["cat", "dog"])}
    )
    pictures = [Image.new("RGB", (9, 12), (i, 0, 0)) for i in range(4)]
    columns = {"image": pictures, "labels": [0, 1, 1, 0]}
    table = datasets.Dataset.from_dict(columns, features)
    data = opened(table, RGB_8, ganzoo.Labelled)
    assert data.info.classes == ("cat", "dog")
    assert data.parts[0].labels.tolist() == [0, 1, 1, 0]
    batch = in_order(data, ganzoo.Labelled)
    assert torch.equal(batch.images, in_order(opened(pictures, RGB_8)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (DataLoader(TensorDataset(torch.zeros(4, 1, 8, 8))), r"loader\.dataset"),
        ([{"text": "a"}] * 2, "text"),
        ([torch.zeros(3, 9, 9)] * 2, "image_size"),
        ([torch.zeros(3, 8, 8), torch.zeros(3, 9, 9)], "item 1 .* not resized"),
        ([Image.new("RGB", (8, 8)), Image.new("I", (8, 8))], "item 1 .* mode I"),
        ([COLOUR[0].astype(np.uint16)] * 2, "uint16"),
    ],
)
def test_data_that_cannot_be_used_are_one_line_with_the_way_out(data, message):
    with pytest.raises(ganzoo.DataError, match=message):
        in_order(opened(data, RGB_8))


def test_floats_from_0_to_1_are_warned_of_in_every_form(caplog):
    for data in (COLOUR / 255, list(COLOUR / 255), [{"pixel_values": COLOUR[0] / 255}]):
        caplog.clear()
        opened(data)
        assert "x * 2 - 1" in caplog.text


def test_opening_pictures_draws_nothing_from_the_callers_generators():
    class Drawn:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return Image.new("L", (8, 8), int(torch.randint(256, ())))

    torch.manual_seed(3)
    expected = torch.rand(())
    torch.manual_seed(3)
    opened(Drawn())
    assert torch.rand(()) == expected
    assert not Path("runs").exists()


class Numbered(torch.utils.data.Dataset):
    """Twenty images of two classes, by the names of an array."""

    classes = np.array(["a", "b"])

    def __init__(self, start=0):
        self.start = start

    def __len__(self):
        return 20

    def __getitem__(self, index):
        return torch.full((3, 8, 8), self.start + index, dtype=torch.uint8), index % 2


def finetune():
    settings = {"backbone": "test_resnet", "pretrained": False, "image_size": 32, "classes": 2}
    return ganzoo.create("finetune", channels=3, batch_size=4, **settings)


def test_a_validation_set_of_equal_length_is_another_one_and_the_same_is_refused():
    first, second = Numbered(), Numbered(100)
    assert ganzoo.Trainer(finetune(), first, validation=second, device="cpu").validation
    with pytest.raises(ganzoo.DataError, match="also the training data"):
        ganzoo.Trainer(finetune(), first, validation=first, device="cpu")


def test_labels_of_validation_data_are_checked_too():
    images = torch.zeros(20, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(ganzoo.DataError, match="label 7"):
        ganzoo.Trainer(finetune(), (images, [0, 1] * 10), validation=(images, [7] * 20))


def test_a_list_is_divided_by_the_oldest_rule_as_it_was_by_earlier_versions():
    items = [(torch.zeros(3, 32, 32, dtype=torch.uint8), number % 4) for number in range(40)]
    data = open_data(items, ganzoo.Hparams(batch_size=4, classes=4), ganzoo.Labelled)
    hp = ganzoo.Hparams(batch_size=4, classes=4, validation=0.25)
    cpu = torch.device("cpu")
    _, old = train_validation_split(data, None, hp, ganzoo.Labelled, cpu, OLDEST)
    _, without = validation_indices(40, None, 0.25, 0, OLDEST)
    assert torch.equal(old.subset, without)


def test_pictures_are_turned_upright_as_those_of_a_folder_are():
    picture = Image.new("RGB", (8, 8))
    picture.paste((255, 255, 255), (0, 0, 8, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    Path("turned").mkdir()
    for number in range(2):
        picture.save(f"turned/{number}.png", exif=exif)
    hp = ganzoo.Hparams(batch_size=2, image_size=8)
    listed = open_data([Image.open("turned/0.png")] * 2, hp)
    assert torch.equal(in_order(listed), in_order(open_data("turned", hp)))


def test_big_endian_floats_are_floats():
    assert in_order(opened(np.zeros((4, 16, 16, 3), ">f4"))).shape == (4, 3, 16, 16)
