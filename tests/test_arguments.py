"""What people pass to sample, translate and classify in Python, and what they get back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import SMALL

import ganzoo

CONDITIONAL = {"image_size": 8, "width": 4, "classes": 3}
FINETUNE = {**SMALL["finetune"], "classes": 2}
MINI = {"image_size": 16, "width": 2, "patch_layers": 1, "blocks": 1}


@pytest.fixture(scope="module")
def conditional():
    model = ganzoo.create("cdcgan-mini", **CONDITIONAL)
    model.classes = ("cat", "dog", "7")
    return model


@pytest.fixture(scope="module")
def translator():
    return ganzoo.create("cyclegan-mini", **MINI)


@pytest.fixture(scope="module")
def classifier():
    return ganzoo.create("finetune", **FINETUNE)


def picture(width, height, mode="RGB"):
    rng = np.random.default_rng(width)
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


# Classes


@pytest.mark.parametrize(
    "labels",
    [
        1,
        "dog",
        np.int64(1),
        torch.tensor(1),
        [1, 1, 1],
        ["dog", 1, np.int8(1)],
        ("dog", "dog", "1"),
        np.array([1, 1, 1]),
        np.array(["dog", "dog", "dog"]),
        torch.tensor([1, 1, 1], dtype=torch.int8),
    ],
    ids=str,
)
def test_a_class_is_asked_for_by_number_or_name_once_or_for_each_image(conditional, labels):
    expected = conditional.sample(3, labels=torch.full((3,), 1))
    assert torch.equal(conditional.sample(3, labels=labels), expected)


def test_a_name_goes_before_a_number(conditional):
    assert torch.equal(conditional.sample(2, labels="7"), conditional.sample(2, labels=2))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (3, "from 0 to 2"),
        (-1, "from 0 to 2"),
        (1.0, "1.0 is no class"),
        ([0.5, 1, 1], "0.5 is no class"),
        (torch.rand(3), "is no class"),
        (True, "True is no class"),
        ([0, 1], "3 images need as many"),
        ("dgo", "did you mean 'dog'"),
        ([[0, 1, 2]] * 3, "is no class"),
    ],
)
def test_other_labels_are_one_line(conditional, labels, message):
    with pytest.raises(ganzoo.UsageError, match=message):
        conditional.sample(3, labels=labels)


def test_no_images_are_an_empty_batch_and_fewer_are_one_line(conditional):
    assert conditional.sample(0).shape == (0, 3, 8, 8)
    assert conditional.sample(0, labels="cat").shape == (0, 3, 8, 8)
    assert torch.equal(conditional.sample(np.int64(2)), conditional.sample(2))
    for n in (-1, 1.5, "3"):
        with pytest.raises(ganzoo.UsageError, match="whole number"):
            conditional.sample(n)


def test_a_seed_is_a_whole_number(conditional):
    assert torch.equal(conditional.sample(1, seed=np.int64(3)), conditional.sample(1, seed=3))
    for seed in (-1, 1.0, "1", None):
        with pytest.raises(ganzoo.UsageError, match="seed"):
            conditional.sample(1, seed=seed)


def test_a_lack_of_memory_is_one_line(conditional, translator, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(type(translator), "translated", fail)
    with pytest.raises(ganzoo.OutOfMemory, match="cyclegan-mini"):
        translator.translate(picture(16, 16))
    monkeypatch.setattr(type(conditional), "latents", fail)
    with pytest.raises(ganzoo.OutOfMemory, match="5 images"):
        conditional.sample(5)


# Pictures


def test_a_translator_takes_every_form_of_a_picture(translator):
    image = picture(20, 12)
    image.save("one.png")
    tensor = ganzoo.from_pil(image)
    expected = translator.translate(tensor[None], "b2a")
    array = np.asarray(image)
    levels = torch.from_numpy(array.copy()).permute(2, 0, 1)
    floats = tensor.permute(1, 2, 0).numpy()
    for form in (tensor, levels, array, array[None], floats, image, "one.png", Path("one.png")):
        assert torch.equal(translator.translate(form, "b2a"), expected)
    many = translator.translate([image, "one.png", array], "b2a")
    torch.testing.assert_close(many, expected.expand(3, -1, -1, -1))
    assert translator.translate(picture(8, 8, "L")).shape == (1, 3, 8, 8)


def test_a_classifier_prepares_pictures_as_those_of_its_training(classifier, ganzoo_command):
    images = [picture(50, 40), picture(33, 64)]
    for number, image in enumerate(images):
        image.save(f"{number}.png")
    probabilities = classifier.classify(images)
    assert probabilities.shape == (2, 2)
    assert torch.equal(classifier.classify(["0.png", "1.png"]), probabilities)
    assert torch.equal(classifier.classify([np.asarray(one) for one in images]), probabilities)
    torch.testing.assert_close(classifier.classify(images[0]), probabilities[:1])
    classifier.save("judge")
    done = ganzoo_command("classify", "judge", "0.png")
    assert f"{probabilities[0].max():.1%}" in done.output
    grey = torch.zeros(1, 32, 32, dtype=torch.uint8)
    torch.testing.assert_close(classifier.classify(grey), classifier.classify(grey[None] - 1.0))


def test_a_turned_picture_is_upright_in_every_form(translator):
    image = picture(20, 12)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save("turned.png", exif=exif)
    with Image.open("turned.png") as opened:
        assert translator.translate(opened).shape == (1, 3, 20, 12)
    assert translator.translate("turned.png").shape == (1, 3, 20, 12)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ([picture(8, 8), picture(9, 8)], ganzoo.UsageError, "8x8, 9x8"),
        ([], ganzoo.UsageError, "at least one"),
        (3, ganzoo.UsageError, "not int"),
        ([torch.zeros(3, 8, 8)], ganzoo.UsageError, "not Tensor"),
        (np.zeros((3, 8, 8), np.uint8), ganzoo.UsageError, r"\(height, width, channels\)"),
        (np.full((8, 8, 3), 255.0), ganzoo.UsageError, "divide by 127.5"),
        (np.zeros((8, 8, 3), np.int64), ganzoo.UsageError, "int64"),
        ("none.png", ganzoo.DataError, "none.png"),
        (".", ganzoo.UsageError, "folder"),
    ],
)
def test_what_is_no_picture_is_one_line(translator, images, error, message):
    with pytest.raises(error, match=message):
        translator.translate(images)


# Numbers


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_models_of_another_precision_are_used_in_it(dtype):
    torch.manual_seed(0)
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    uses = [
        (ganzoo.create("cdcgan-mini", **CONDITIONAL), lambda m: m.sample(2)),
        (ganzoo.create("cyclegan-mini", **MINI), lambda m: m.translate(images)),
        (ganzoo.create("finetune", **FINETUNE), lambda m: m.classify(images[:, :1])),
    ]
    for model, use in uses:
        expected = use(model)
        result = use(model.to(dtype))
        assert result.dtype == torch.float32
        torch.testing.assert_close(result, expected, rtol=0, atol=0.05)


def test_bytes_are_pictures_too():
    levels = torch.tensor([0, 128, 255], dtype=torch.uint8).view(3, 1, 1)
    assert ganzoo.to_pil(levels)[0].getpixel((0, 0)) == (0, 128, 255)
    assert torch.equal(ganzoo.from_pil(ganzoo.to_pil(levels)[0]), levels / 127.5 - 1)


def test_floats_that_look_like_shares_are_warned_of(classifier, caplog):
    classifier.classify(np.full((16, 16, classifier.hp.channels), 0.5))
    assert "these all in [0, 1]" in caplog.text
