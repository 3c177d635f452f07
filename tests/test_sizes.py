"""Rectangles, other sizes and channels of a translation, several domains, styles."""

import json

import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate

import ganzoo
from ganzoo.data.picture import resized
from ganzoo.errors import DataError, HparamError, Unsupported, UsageError
from ganzoo.hparams.hparams import Hparams

WIDE = torch.rand(12, 3, 16, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
TINY = {"image_size": (16, 24), "channels": 3, "width": 4, "batch_size": 4, "steps": 2}


# Hyperparameters


def test_a_size_is_one_number_or_two():
    assert Hparams.parse("image_size=64x96") == ("image_size", (64, 96))
    assert Hparams(image_size=(64, 64)).image_size == 64
    assert Hparams.from_json({"image_size": [64, 96]}).image_size == (64, 96)
    assert Hparams(image_size=(64, 96)).to_json()["image_size"] == [64, 96]
    assert ganzoo.sides(8) == (8, 8)


def test_a_stored_size_is_in_proportion():
    kind = ganzoo.models["cyclegan"].load().Hparams
    assert kind(image_size=(64, 96)).to_json()["load_size"] == [72, 107]


@pytest.mark.parametrize("size", ["20", "64x100", "64x2048"])
def test_a_size_that_networks_cannot_make_is_refused(size):
    with pytest.raises(HparamError, match="image_size"):
        ganzoo.models["dcgan"].load().Hparams.from_options(None, [f"image_size={size}"])


def test_networks_of_squares_refuse_rectangles():
    with pytest.raises(HparamError, match="image_size"):
        ganzoo.create("wgan-gp", image_size=(16, 24))


# Data


def test_a_picture_fits_into_a_rectangle():
    picture = Image.new("RGB", (40, 40), "white")
    for fit in ("crop", "stretch", "pad"):
        assert resized(picture, (16, 24), fit).size == (24, 16)
    padded = resized(picture, (16, 24), "pad")
    assert padded.getpixel((0, 8)) == (0, 0, 0)
    assert padded.getpixel((12, 8)) == (255, 255, 255)
    halves = Image.new("L", (40, 20))
    halves.paste(255, (0, 0, 20, 20))
    assert resized(halves, (20, 10), "crop").getpixel((2, 10)) == 255


def test_a_folder_of_rectangles_trains_a_model(tmp_path):
    (tmp_path / "data").mkdir()
    for number, picture in enumerate(ganzoo.to_pil(WIDE)):
        picture.resize((48, 32)).save(tmp_path / f"data/{number}.png")
    run = ganzoo.train("dcgan", str(tmp_path / "data"), out=tmp_path / "run", device="cpu", **TINY)
    assert run.model.sample(2).shape == (2, 3, 16, 24)
    assert json.loads((run.folder / "config.json").read_text())["hyperparameters"][
        "image_size"
    ] == [16, 24]


def test_rectangles_are_cropped_at_random():
    settings = {**TINY, "width": 2, "patch_layers": 1, "load_size": (18, 27)}
    model = ganzoo.create("cut", nce_features=4, nce_patches=8, blocks=1, **settings)
    tall = torch.rand(8, 3, 18, 27) * 2 - 1
    trainer = ganzoo.Trainer(model, (tall, tall.flip(0)), device="cpu")
    assert trainer.batch(0).a.shape == (4, 3, 16, 24)
    next(trainer)


def test_tensors_of_another_size_are_refused():
    with pytest.raises(DataError, match=r"16,24"):
        ganzoo.Trainer(ganzoo.create("dcgan", **TINY), WIDE[..., :20], device="cpu")


@pytest.mark.parametrize("name", ["dcgan", "lsgan", "cdcgan"])
def test_dcgans_have_the_same_tensors_for_squares_and_rectangles(name):
    classes = {"classes": 2} if name == "cdcgan" else {}
    wide = ganzoo.create(name, **TINY, **classes)
    square = ganzoo.create(name, **{**TINY, "image_size": 16}, **classes)
    assert wide.state_dict().keys() == square.state_dict().keys()
    assert wide.sample(1).shape == (1, 3, 16, 24)


@pytest.mark.slow
def test_a_rectangle_is_exported(tmp_path):
    ganzoo.create("dcgan", **TINY).save(tmp_path / "model")
    from ganzoo.use.export import export

    lines = list(export(tmp_path / "model", tmp_path / "model.pt2"))
    assert "latents" in lines[0]


# Translations of another size, or with other channels


class Enlarges(ganzoo.Model):
    """Twice the size, from images that it makes smaller itself (super-resolution)."""

    task = "image-to-image"
    directions = ("enlarge",)
    scale = 2

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Conv2d(hp.channels, hp.channels, 3, padding=1)

    def losses(self, real):
        small = avg_pool2d(real, 2)
        yield self.generator, (self.translated(small, "enlarge") - real).square().mean()

    def translated(self, images, direction):
        return self.generator(interpolate(images, scale_factor=2)).tanh()

    def preview(self, batch):
        return batch


class Colours(ganzoo.Model):
    """Grey to colour, from images that it makes grey itself."""

    task = "image-to-image"
    directions = ("colour",)
    in_channels = 1

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Conv2d(1, hp.channels, 1)

    def losses(self, real):
        grey = real.mean(1, keepdim=True)
        yield self.generator, (self.translated(grey, "colour") - real).square().mean()

    def translated(self, images, direction):
        return self.generator(images).tanh()

    def preview(self, batch):
        return batch


def test_a_translation_may_be_larger(tmp_path):
    run = ganzoo.train(Enlarges, WIDE, batch_size=4, steps=2, out=tmp_path / "run", device="cpu")
    assert run.model.translate(WIDE[:2]).shape == (2, 3, 32, 48)


def test_a_translation_may_have_other_channels(tmp_path):
    run = ganzoo.train(Colours, WIDE, batch_size=4, steps=2, out=tmp_path / "run", device="cpu")
    model = run.model
    assert model.translate(WIDE[:2, :1]).shape == (2, 3, 16, 24)
    assert model.translate(Image.new("RGB", (24, 16))).shape == (1, 3, 16, 24)
    with pytest.raises(UsageError, match=r"\(n, 1, height, width\)"):
        model.translate(WIDE[:2])


# More than two domains, and styles


class Star(ganzoo.Model):
    """One generator for all pairs of domains (StarGAN: Choi et al. 2018, arXiv:1711.09020)."""

    task = "image-to-image"
    view = ganzoo.Labelled

    class Hparams(ganzoo.Hparams):
        classes: int | None = None

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Conv2d(hp.channels + hp.classes, hp.channels, 1)

    @property
    def directions(self):
        names = self.class_names
        return tuple(f"{a}to{b}" for a in names for b in names if a != b)

    def losses(self, batch):
        real, labels = batch
        yield self.generator, (self.in_class(real, labels) - real).square().mean()

    def in_class(self, images, labels):
        one_hot = nn.functional.one_hot(labels, self.hp.classes).to(images.dtype)
        planes = one_hot[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return self.generator(torch.cat([images, planes], 1)).tanh()

    def translated(self, images, direction):
        number = self.class_names.index(direction.split("to")[1])
        labels = torch.full((len(images),), number, device=images.device)
        return self.in_class(images, labels)

    def preview(self, batch):
        return batch.images


class Styled(Colours):
    """With styles of its own."""

    in_channels = None

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Conv2d(3, 3, 1)

    def losses(self, real):
        yield (
            self.generator,
            self.translated(real, "colour", style=real.mean((2, 3))).square().mean(),
        )

    def styles(self, n, seed):
        return ganzoo.noise(n, 3, seed=seed)

    def style_of(self, images, direction):
        return images.mean((2, 3))

    def translated(self, images, direction, *, style):
        return (self.generator(images) + style[:, :, None, None]).tanh()


def test_directions_may_follow_from_the_classes(tmp_path):
    labels = torch.arange(12) % 3
    run = ganzoo.train(
        Star, (WIDE, labels), batch_size=4, steps=2, out=tmp_path / "run", device="cpu"
    )
    model = run.model
    assert len(model.directions) == 6
    first, other = (model.translate(WIDE[:2], direction) for direction in ("0to1", "0to2"))
    assert not first.equal(other)
    with pytest.raises(UsageError, match="0to1"):
        model.translate(WIDE[:2], "0to9")


def test_a_translation_has_a_random_style_or_that_of_a_picture():
    model = ganzoo.create(Styled, image_size=(16, 24), channels=3)
    one, same, other = (model.translate(WIDE[:2], seed=seed) for seed in (0, 0, 1))
    assert one.equal(same)
    assert not one.equal(other)
    assert model.translate(WIDE[:1], seed=0)[0].allclose(one[0], atol=1e-6)
    red = Image.new("RGB", (24, 16), "red")
    assert model.translate(WIDE[:2], style=red).shape == (2, 3, 16, 24)
    with pytest.raises(UsageError, match="style"):
        model.translate(WIDE[:3], style=WIDE[:2])


def test_a_translator_without_styles_takes_none():
    model = ganzoo.create(Colours, image_size=(16, 24), channels=3)
    with pytest.raises(Unsupported, match="style"):
        model.translate(WIDE[:1, :1], style=WIDE[:1])
