"""Hyperparameters: typed, checked, and read from what a person types."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import pytest

import ganzoo


@dataclass(frozen=True, kw_only=True)
class Many(ganzoo.Hparams):
    flag: bool = False
    mode: Literal["a", "b"] = "a"
    widths: tuple[int, ...] = (1, 2)
    stages: tuple[tuple[int, int], ...] = ((1, 2), (3, 4))
    classes: int | None = None
    bounded: Annotated[int, ganzoo.Range(1, 8)] = 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lr=1e-3", 0.001),
        ("lr=1", 1.0),
        ("steps=1e4", 10_000),
        ("steps=2_000", 2000),
        ("batch-size=8", 8),
        ("flag=yes", True),
        ("mode=b", "b"),
        ("widths=(4, 5, 6)", (4, 5, 6)),
        ("widths=", ()),
        ("betas=0,0.9", (0.0, 0.9)),
        ("classes=none", None),
        ("classes=10", 10),
        ("seed=9007199254740993", 9007199254740993),
    ],
)
def test_values_are_read_as_the_type_of_the_field(text, value):
    name, parsed = Many.parse(text)
    assert parsed == value
    assert type(parsed) is type(value)
    assert getattr(Many().replaced({name: parsed}), name) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr=fast", "float"),
        ("steps=1.5", "int"),
        ("steps=inf", "int"),
        ("lr=nan", "finite"),
        ("lr=-1", "from 0 to 100"),
        ("flag=maybe", "bool"),
        ("mode=c", "'a' or 'b'"),
        ("betas=0.5", "float, float"),
        ("betas=0.5,1", "betas=0.5,1"),
        ("bounded=9", "from 1 to 8"),
        ("batch_size=0", "from 1 to 1,048,576"),
        ("classes=many", "int or none"),
        ("widht=3", "did you mean 'widths'"),
        ("lr", "key=value"),
    ],
)
def test_a_wrong_value_says_what_was_expected(text, message):
    with pytest.raises(ganzoo.UsageError) as caught:
        Many().replaced(dict([Many.parse(text)]))
    assert message in str(caught.value)
    assert text.partition("=")[0] in str(caught.value)


@pytest.mark.parametrize("value", ["8", 8.0, True, None, [8]])
def test_python_values_are_checked_too(value):
    with pytest.raises(ganzoo.HparamError, match="bounded"):
        Many(bounded=value)


def test_numbers_of_numpy_are_numbers():
    hp = Many(bounded=np.int64(8), widths=np.arange(3), classes=np.uint8(2))
    assert hp == Many(bounded=8, widths=(0, 1, 2), classes=2)
    assert type(hp.bounded) is int
    for wrong in (np.float32(8), np.bool_(True), np.array([8])):
        with pytest.raises(ganzoo.HparamError, match="bounded"):
            Many(bounded=wrong)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('bounded = "8"', "a whole number (int), from 1 to 8, not the text '8': write bounded = 8"),
        ('flag = "yes"', "true or false (bool), not the text 'yes': write flag = true"),
        ('widths = "4,5"', "a list (int, ...), not the text '4,5': write widths = [4, 5]"),
        ("betas = 0.5", "a list of 2 (float, float), from 0 to"),
        ('lr = "fast"', "a number (float), from 0 to 100, not the text 'fast'"),
        ("mode = 3", "expected 'a' or 'b'"),
        ("bounded: 8", "is no TOML"),
        ('{"bounded": 8}', "batch_size = 16"),
    ],
)
def test_a_wrong_line_of_a_file_says_what_to_write(tmp_path, line, message):
    file = tmp_path / "settings.toml"
    file.write_text(line)
    with pytest.raises(ganzoo.HparamError) as caught:
        Many.from_options(file, [])
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "null" not in str(caught.value)


def test_json_and_back():
    hp = Many(lr=1, widths=[3])
    assert (hp.lr, hp.widths) == (1.0, (3,))
    assert hp.to_json()["stages"] == [[1, 2], [3, 4]]
    assert Many().replaced(hp.to_json()) == hp


def test_what_is_none_is_filled_from_the_data():
    info = ganzoo.DataInfo(size=8, channels=1, classes=("x", "y"))
    assert Many().for_data(info).classes == 2
    assert Many(classes=5).for_data(info).classes == 5


def test_a_mistake_in_a_declaration_names_the_class_and_the_field():
    class Untyped(Many):
        bounded = 2
        CHOICES = (1, 2)

    class Bare(ganzoo.Hparams):
        width: int

    class Listed(ganzoo.Hparams):
        sizes: list[int] = field(default_factory=lambda: [1])

    class Mutable(ganzoo.Hparams):
        sizes: tuple[int, ...] = [1]

    class OldName(ganzoo.Hparams):
        fit: str = "crop"

    for kind, message in (
        (Untyped, "Untyped.bounded.*bounded: int = 2"),
        (Bare, "Bare.width.*default"),
        (Listed, "Listed.sizes.*tuple"),
        (Mutable, "Mutable.*sizes"),
        (OldName, "OldName.fit.*resize"),
    ):
        with pytest.raises(ganzoo.PluginError, match=message):
            kind.annotations()
        with pytest.raises(ganzoo.PluginError, match=message):
            kind(**({"width": 1} if kind is Bare else {}))


def test_a_new_default_keeps_the_range_it_had():
    @dataclass(frozen=True, kw_only=True)
    class Redeclared(Many):
        bounded: int = 2
        lr: float = 0.1

    with pytest.raises(ganzoo.HparamError, match="bounded=9"):
        Redeclared(bounded=9)
    assert Redeclared().lr == 0.1


def test_a_size_that_is_halved_again_and_again_is_one_number_doubled():
    @dataclass(frozen=True, kw_only=True)
    class Sized(ganzoo.Hparams):
        image_size: Annotated[int, ganzoo.PowersOfTwo(8, 64)] | None = None

    assert [Sized(image_size=size).image_size for size in (8, 16, 32, 64, None)] == [
        8,
        16,
        32,
        64,
        None,
    ]
    with pytest.raises(ganzoo.HparamError, match="image_size"):
        Sized(image_size=24)
    with pytest.raises(ganzoo.HparamError, match="image_size"):
        Sized(image_size=128)
