"""Models that are asked for attributes or texts: data, use, errors, the command line."""

import json

import pytest
import torch
from PIL import Image
from torch import nn

import ganzoo
from ganzoo.cli import main
from ganzoo.data.attributes import Attributes, Categories, Numbers
from ganzoo.errors import DataError, HparamError, StateError, UnknownName, UsageError

TINY = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 4, "steps": 4}
COLOURS = ["black", "blond", "red"]
KNOWN = [{"hair": COLOURS[i % 3], "glasses": "yes" if i % 4 == 0 else "no"} for i in range(24)]
IMAGES = torch.rand(24, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return ganzoo.train("attribute-dcgan", (IMAGES, KNOWN), out=out, device="cpu", **TINY)


# What is known of images


def test_texts_are_values_and_numbers_are_numbers():
    images = [{"hair": "red", "age": str(age), "text": "a face"} for age in range(5)]
    attributes = Attributes.of([*images, {}])
    assert attributes.structure == {"age": "number", "hair": ["red"]}
    assert attributes.length == 2
    condition = attributes.encoded([{"hair": "red", "age": "2"}, {}])
    assert condition.tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_what_is_not_asked_for_follows_the_frequencies():
    kind = Categories({"": 1, "black": 2, "red": 1})
    drawn = [kind.drawn(uniform) for uniform in (0.0, 0.3, 0.7, 0.99)]
    assert drawn == ["", "black", "black", "red"]
    numbers = Numbers.of([0.0, 1.0, 2.0])
    assert [numbers.drawn(uniform) for uniform in (0.0, 0.5, 0.75)] == [0.0, 1.0, 1.5]


def test_asking_for_one_attribute_leaves_the_draws_of_others():
    attributes = Attributes.of(KNOWN)
    for number in range(8):
        free = attributes.completed({}, 3, number)
        asked = attributes.completed({"hair": "red"}, 3, number)
        assert asked == free | {"hair": "red"}


def test_attributes_survive_json():
    attributes = Attributes.of([{"hair": "red", "age": str(age)} for age in range(5)])
    assert Attributes.from_json(json.loads(json.dumps(attributes.to_json()))) == attributes


# Training


def test_a_batch_has_the_condition_of_each_image():
    trainer = ganzoo.Trainer(
        ganzoo.create("attribute-dcgan", data=(IMAGES, KNOWN), **TINY), (IMAGES, KNOWN)
    )
    images, condition = trainer.batch(0)
    assert condition.shape == (4, 5)
    for image, row in zip(images, condition, strict=True):
        number = int((IMAGES - image).abs().sum((1, 2, 3)).argmin())
        assert row.equal(trainer.model.condition([KNOWN[number]])[0])


@pytest.mark.parametrize("form", ["list", "dicts", "metadata.csv", "metadata.jsonl"])
def test_attributes_come_from_any_form_of_data(form, tmp_path):
    pictures = ganzoo.to_pil(IMAGES)
    if form == "list":
        data = list(zip(pictures, KNOWN, strict=True))
    elif form == "dicts":
        data = [{"image": picture, **known} for picture, known in zip(pictures, KNOWN, strict=True)]
    else:
        is_table = form == "metadata.csv"
        lines = ["file_name,hair,glasses"] if is_table else []
        for number, (picture, known) in enumerate(zip(pictures, KNOWN, strict=True)):
            row = {"file_name": f"{number:02}.png", **known}
            picture.save(tmp_path / row["file_name"])
            lines.append(",".join(row.values()) if is_table else json.dumps(row))
        (tmp_path / form).write_text("\n".join(lines))
        data = str(tmp_path)
    model = ganzoo.create("attribute-dcgan", data=data, **TINY)
    assert model.attributes == Attributes.of(KNOWN)
    trainer = ganzoo.Trainer(model, data, device="cpu")
    assert trainer.batch(0).condition.shape == (4, 5)
    next(trainer)


def test_of_two_tables_the_csv_is_used_and_a_warning_says_so(tmp_path, caplog):
    for number, picture in enumerate(ganzoo.to_pil(IMAGES[:4])):
        picture.save(tmp_path / f"{number}.png")
    (tmp_path / "metadata.csv").write_text("file_name,hair\n0.png,red\n1.png,black\n")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "0.png", "hair": "grey"}')
    model = ganzoo.create("attribute-dcgan", data=str(tmp_path), **TINY)
    assert model.attributes.structure == {"hair": ["black", "red"]}
    assert "two tables" in caplog.text


def test_the_attributes_travel_with_the_weights(run):
    loaded = ganzoo.load(run)
    assert loaded.attributes == Attributes.of(KNOWN)
    assert json.loads((run.folder / "config.json").read_text())["attributes"].keys() == {
        "glasses",
        "hair",
    }


def test_a_run_goes_on_bit_for_bit(run, tmp_path):
    data = IMAGES, KNOWN
    half = ganzoo.Trainer(ganzoo.create("attribute-dcgan", data=data, **TINY), data, device="cpu")
    next(half)
    half.save(tmp_path / "half")
    resumed = ganzoo.Trainer.resume(tmp_path / "half", data, device="cpu")
    list(resumed)
    resumed.save(tmp_path / "half")
    whole = (run.folder / "model.safetensors").read_bytes()
    assert (tmp_path / "half/model.safetensors").read_bytes() == whole


def test_changed_attributes_are_changed_data(run):
    other = [{**KNOWN[0], "hair": "red"}, *KNOWN[1:]]
    with pytest.raises(StateError, match="content"):
        ganzoo.Trainer.resume(run.folder, (IMAGES, other), device="cpu")


def test_data_without_attributes_are_refused(tmp_path):
    for number, picture in enumerate(ganzoo.to_pil(IMAGES)):
        picture.save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match=r"metadata\.csv"):
        ganzoo.create("attribute-dcgan", data=str(tmp_path), **TINY)
    with pytest.raises(DataError, match="attributes"):
        ganzoo.create("attribute-dcgan", data=[Image.new("L", (8, 8))] * 8, **TINY)


def test_the_length_of_the_condition_is_left_to_the_data():
    model = ganzoo.create("attribute-dcgan", condition=7, **TINY)
    with pytest.raises(HparamError, match="condition=7"):
        ganzoo.Trainer(model, (IMAGES, KNOWN), device="cpu")


# Use


def test_where_changes_what_is_drawn(run):
    model = ganzoo.load(run)
    red = model.sample(6, seed=1, where={"hair": "red"})
    assert red.shape == (6, 1, 8, 8)
    assert not red.equal(model.sample(6, seed=1, where={"hair": "black"}))
    each = [{"hair": COLOURS[i % 3]} for i in range(6)]
    assert model.sample(6, seed=1, where=each)[2].allclose(red[2], atol=1e-6)
    assert model.sample(2, seed=1).allclose(model.sample(6, seed=1)[:2], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"where": {"hiar": "red"}}, UnknownName, "hair"),
        ({"where": {"hair": "blont"}}, UnknownName, "blond"),
        ({"where": [{"hair": "red"}]}, UsageError, "need as many"),
        ({"where": ["red"] * 4}, UsageError, "by attribute"),
        ({"labels": 1}, UsageError, "no classes"),
        ({"prompt": "a face"}, UsageError, "reads no text"),
        ({"truncation": 0.7}, UsageError, "truncation"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(run, options, error, words):
    with pytest.raises(error, match=words):
        ganzoo.load(run).sample(4, **options)


def test_other_models_take_no_attributes():
    with pytest.raises(UsageError, match="no attributes"):
        ganzoo.create("dcgan", **TINY).sample(1, where={"hair": "red"})
    with pytest.raises(UsageError, match="no attributes yet"):
        ganzoo.create("attribute-dcgan", condition=5, **TINY).sample(1)


def test_the_command_asks_by_attribute(run, tmp_path, capsys):
    out = tmp_path / "a.png"
    words = ["sample", str(run), "-n", "4", "--out", str(out)]
    main(
        [*words, "--where", "hair=red, glasses=no", "--where", "hair=black"], standalone_mode=False
    )
    assert out.exists()
    main(["show", str(run)], standalone_mode=False)
    assert "black, blond, red" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("hair", "name=value"),
        ("hair=red,hair=black", "contradict"),
        ("hair=", "name=value"),
        ("hair=rot", "red"),
    ],
)
def test_a_wrong_where_is_one_line(run, tmp_path, capsys, where, words):
    with pytest.raises(SystemExit):
        main(["sample", str(run), "--where", where, "--out", str(tmp_path / "a.png")])
    assert words in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


# Texts


class Captioned(ganzoo.Model):
    """Draws what a text says, by the words in it (a bag of words)."""

    task = "unconditional-image-generation"
    view = ganzoo.Conditioned
    reads_text = True
    words = ("black", "red", "glasses")

    def __init__(self, hp):
        super().__init__(hp)
        self.generator = nn.Sequential(nn.Linear(7, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
        self.discriminator = nn.Linear(64 + 3, 1)

    def condition(self, requests):
        rows = []
        for request in requests:
            said = str(request.get("text", "")).split()
            rows.append([float(word in said) for word in self.words])
        return torch.tensor(rows).view(-1, 3)

    def losses(self, batch):
        real, said = batch
        fake = self.generator(torch.cat([self.randn(len(real), 4), said], 1))
        pairs = [torch.cat([images.flatten(1), said], 1) for images in (real, fake.detach())]
        on_real, on_fake = map(self.discriminator, pairs)
        yield (
            self.discriminator,
            ganzoo.losses.non_saturating_discriminator(on_real, on_fake),
        )
        with ganzoo.frozen(self.discriminator):
            on_fake = self.discriminator(torch.cat([fake.flatten(1), said], 1))
            yield self.generator, ganzoo.losses.non_saturating_generator(on_fake)

    def latents(self, n, seed):
        return ganzoo.noise(n, 4, seed=seed)

    def generate(self, latents, condition):
        return self.generator(torch.cat([latents, condition], 1))


def test_a_model_of_texts_is_trained_and_prompted(tmp_path):
    texts = [{"text": f"a face with {known['hair']} hair"} for known in KNOWN]
    run = ganzoo.train(
        Captioned, (IMAGES, texts), batch_size=4, steps=3, out=tmp_path / "run", device="cpu"
    )
    model = run.model
    red, black = (model.sample(2, prompt=f"{colour} hair") for colour in ("red", "black"))
    assert not red.equal(black)
    assert model.sample(2, prompt=["red hair", "black hair"])[0].allclose(red[0])


class KeywordOnly(Captioned):
    """Draws by itself, by keyword."""

    view = torch.Tensor

    def sample(self, n, *, seed=0, labels=None):
        return self.generator(ganzoo.noise(n, 7, seed=seed))


def test_a_plugin_may_draw_by_keyword(tmp_path):
    model = ganzoo.create(KeywordOnly)
    expected = model.sample(3, seed=2)
    assert torch.cat(list(model.sample_batches(3, seed=2))).equal(expected)
    run = tmp_path / "run"
    model.save(run)
    loaded = ganzoo.load(run, model=KeywordOnly)
    assert loaded.sample(3, seed=2).equal(expected)


# Settings of use


class Truncated(Captioned):
    """With a setting of use."""

    view = torch.Tensor

    class Use(ganzoo.Use):
        truncation: float = 1.0

    def latents(self, n, seed):
        return ganzoo.noise(n, 7, seed=seed)

    def generate(self, latents, labels=None, *, truncation):
        return self.generator(latents * truncation)


def test_a_setting_of_use_reaches_generate():
    model = ganzoo.create(Truncated)
    still, plain = model.sample(2, truncation=0.0), model.sample(2)
    assert still[0].equal(still[1])
    assert not plain[0].equal(plain[1])
    with pytest.raises(HparamError, match="truncation"):
        model.sample(1, truncation="much")
    with pytest.raises(UnknownName, match="truncation"):
        model.sample(1, truncate=0.5)


def test_a_setting_of_use_has_a_name_of_its_own():
    class Clashing(Truncated):
        class Use(ganzoo.Use):
            seed: int = 0

    with pytest.raises(ganzoo.PluginError, match="seed"):
        ganzoo.create(Clashing).sample(1)
