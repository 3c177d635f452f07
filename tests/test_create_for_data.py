"""create(..., data=...): what a model learns from its data before it is made."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

import ganzoo
from ganzoo.data import open as opening


@pytest.fixture
def pets():
    for number, name in enumerate(("cat", "dog", "owl")):
        Path("pets", name).mkdir(parents=True)
        for i in range(4):
            picture = Image.new("RGB", (8, 8), (50 * number, 60 * i, 0))
            picture.save(f"pets/{name}/{i}.png")
    return "pets"


def test_a_source_fills_size_channels_and_classes_and_nothing_is_prepared(pets, toy, monkeypatch):
    monkeypatch.setattr(opening, "_prepare", lambda *_: pytest.fail("it was prepared"))
    model = ganzoo.create("cdcgan-mini", data=pets, image_size=16, channels=1, width=2)
    assert (model.hp.classes, model.class_names) == (3, ("cat", "dog", "owl"))
    assert model.sample(1, labels="dog").shape == (1, 1, 16, 16)
    model = ganzoo.create("toy", data=Path(pets))
    assert (model.hp.image_size, model.hp.channels, model.hp.classes) == (8, 3, None)


def test_the_model_is_that_of_a_training(pets):
    settings = {"image_size": 8, "width": 2, "batch_size": 4}
    model = ganzoo.create("cdcgan-mini", data=pets, **settings)
    other = ganzoo.create("cdcgan-mini", classes=3, **settings)
    assert torch.equal(model.sample(3), other.sample(3))
    trainer = ganzoo.Trainer(other, pets, device="cpu")
    assert trainer.model.classes == model.classes


def test_data_from_python_fill_them_too(toy):
    images, labels = torch.rand(6, 3, 8, 8) * 2 - 1, torch.tensor([0, 1] * 3)
    data = TensorDataset(images, labels)
    data.classes = ["cat", "dog"]
    model = ganzoo.create("cdcgan-mini", data=data, image_size=8, channels=3, width=2)
    assert (model.hp.classes, model.class_names) == (2, ("cat", "dog"))
    model = ganzoo.create("toy", data=images)
    assert (model.hp.image_size, model.hp.channels, model.classes) == (8, 3, ())


def test_what_is_no_model_is_one_line():
    for model in (None, 5, dict):
        with pytest.raises(ganzoo.UsageError, match="ganzoo list"):
            ganzoo.create(model)
        with pytest.raises(ganzoo.UsageError, match="ganzoo list"):
            ganzoo.train(model, "digits")


def test_a_dataset_without_names_of_classes_is_told_how_to_name_them():
    class Items(torch.utils.data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return torch.zeros(1, 8, 8, dtype=torch.uint8), index % 2

    with pytest.raises(ganzoo.HparamError, match="attribute `classes`"):
        ganzoo.create("cdcgan-mini", data=Items())


def test_what_does_not_go_together_is_one_line(pets):
    with pytest.raises(ganzoo.HparamError, match=r"classes.*data=SOURCE"):
        ganzoo.create("cdcgan-mini")
    with pytest.raises(ganzoo.HparamError, match="leave classes to the data"):
        ganzoo.create("cdcgan-mini", data=pets, classes=2)
    with pytest.raises(ganzoo.UsageError, match="adapt"):
        ganzoo.create("cdcgan-mini", data=pets, pretrained=True)
    with pytest.raises(ganzoo.UnknownName, match="did you mean 'digits'"):
        ganzoo.create("cdcgan-mini", data="digit")
