"""Faces: who is drawn, what can be chosen, and that a choice changes nothing else."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from ganzoo_faces import artist, studio
from ganzoo_faces.people import person
from ganzoo_faces.styles import ATTRIBUTES, Style

import ganzoo
from ganzoo.data.files import Folder
from ganzoo.data.open import open_data
from ganzoo.data.picture import decoded
from ganzoo.data.source import open_source
from ganzoo.use.export_data import export_data

ADVENTURER = Style("adventurer")


def faces(text):
    return open_source(f"faces:{text}")


def numbers(items):
    return [int(item.name.split("-")[1]) for item in items]


def values(items, attribute):
    return {item.attributes[attribute] for item in items}


def pixels(item):
    return np.asarray(decoded(item)[0]).astype(int)


def test_a_person_is_a_function_of_the_style_and_the_number_alone():
    many, few = faces("n=8").items(), faces("n=2,first=5").items()
    assert numbers(few) == [5, 6]
    for one, other in zip(many[5:7], few, strict=True):
        assert (one.name, one.attributes) == (other.name, other.attributes)
        assert (pixels(one) == pixels(other)).all()
    assert all(set(item.attributes) == set(ATTRIBUTES) for item in many)


def test_it_is_drawn_in_the_size_that_the_model_asks_for_unless_the_text_has_one():
    source = faces("n=2")
    assert source.info.size == source.items()[0].read().width == 64
    assert source.at_size(24).items()[0].read().size == (24, 24)
    fixed = faces("n=2,size=40").at_size(24)
    assert fixed.info.size == fixed.items()[0].read().width == 40
    hp = ganzoo.Hparams(image_size=16, load_size=20, batch_size=1)
    (images,) = open_data("faces:n=2", hp).parts
    drawn = np.asarray(source.at_size(20).items()[0].read())
    assert (images.images[0].permute(1, 2, 0).numpy() == drawn).all()


@pytest.mark.parametrize(
    ("background", "colour"),
    [("red", (255, 0, 0)), ("ffeedd", (255, 238, 221)), ("", (255, 255, 255))],
)
def test_the_background_is_a_colour_by_its_name_or_in_hex(background, colour):
    text = f"n=1,size=16,background={background}" if background else "n=1,size=16"
    picture = faces(text).items()[0].read()
    assert picture.getpixel((0, 0)) == colour


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("hair", "blond"),
        ("hair", "brown"),
        ("hair", "ff8800"),
        ("skin", "dark"),
        ("length", "long"),
        ("glasses", "yes"),
    ],
)
def test_a_value_is_equal_for_everybody(attribute, value):
    items = faces(f"n=12,{attribute}={value}").items()
    assert values(items, attribute) == {value}
    assert len(values(items, "skin" if attribute != "skin" else "hair")) > 1


def test_a_name_may_stand_for_several_colours_of_the_style():
    colours = set()
    for number in range(40):
        options = person(ADVENTURER, number, None, {"hair": "brown"}).options
        drawn = artist.avatar("adventurer", options).to_json()["options"]
        colours.update(drawn.get("hairColor", []))
    assert len(colours) == 3


def test_the_bald_are_counted_and_left_out_where_the_colour_of_hair_is_asked_for():
    everybody = faces("n=90").items()
    bald = [item for item in everybody if item.attributes["hair"] == "none"]
    assert bald
    assert len(everybody) == 90
    for text in ("label=hair", "hair=blond", "hair=blond/black"):
        items = faces(f"n=90,{text}").items()
        assert len(items) == 90 - len(bald)
        assert "none" not in values(items, "hair")


@pytest.mark.parametrize("label", ATTRIBUTES)
def test_any_attribute_can_be_the_class(label):
    source = faces(f"n=40,label={label}")
    items = source.items()
    assert all(item.label == item.attributes[label] for item in items)
    assert values(items, label) <= set(source.info.classes)


def test_looks_are_left_out():
    looks = "hair:blond+glasses:yes;length:short+skin:dark"
    before, after = faces("n=300").items(), faces(f"n=300,without={looks}").items()

    def is_left_out(item):
        have = item.attributes
        blond_with_glasses = have["hair"] == "blond" and have["glasses"] == "yes"
        return blond_with_glasses or (have["length"], have["skin"]) == ("short", "dark")

    kept = [item.name for item in before if not is_left_out(item)]
    assert [item.name for item in after] == kept
    assert len(kept) < len(before)
    assert {"blond"} < values(after, "hair")


@pytest.mark.parametrize(
    ("attribute", "a", "b"),
    [("hair", "blond", "black"), ("glasses", "yes", "no"), ("length", "short", "long")],
)
def test_a_slash_makes_domains_of_disjoint_persons_and_pairs_of_the_same(attribute, a, b):
    source = faces(f"n=20,first=100,{attribute}={a}/{b}")
    first, second = source.domains()
    assert (values(first, attribute), values(second, attribute)) == ({a}, {b})
    assert set(numbers(first)) <= set(range(100, 110))
    assert set(numbers(second)) <= set(range(110, 120))
    assert [item.name for item in source.items()] == [item.name for item in [*first, *second]]
    pairs = source.pairs()
    assert len(pairs) > 15
    for one, other in pairs:
        assert numbers([one]) == numbers([other])
        assert (one.attributes[attribute], other.attributes[attribute]) == (a, b)
    assert source.info.classes == (a, b)


def drawn(one):
    options = artist.avatar("adventurer", one.options).to_json()["options"]
    return {name: value for name, value in options.items() if name != "backgroundColor"}


CHANGED = {"hair": "hairColor", "skin": "skinColor", "length": "hairVariant", "glasses": "glasses"}
EXCEPTIONS = {"length": ("earrings", "hairColor")}
"""A hair may hide the earrings or bring them out; who was bald gets a colour with the hair."""


@pytest.fixture(scope="module")
def originals():
    """200 persons, and what is drawn of each."""
    people = [person(ADVENTURER, number, "ffffff", {}) for number in range(200)]
    return list(zip(people, map(drawn, people), strict=True))


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_an_attribute_changes_only_what_it_names(originals, attribute):
    value = {"hair": "red", "skin": "tan", "length": "long", "glasses": "yes"}[attribute]
    changed = 0
    for original, before in originals:
        other = person(ADVENTURER, original.number, "ffffff", {attribute: value})
        after = drawn(other)
        differing = {name for name in before | after if before.get(name) != after.get(name)}
        allowed = (CHANGED[attribute], *EXCEPTIONS.get(attribute, ()))
        assert all(name.startswith(allowed) for name in differing)
        bald = original.attributes["hair"] == "none"
        expected = original.attributes | {attribute: value}
        if bald and attribute == "hair":
            expected = original.attributes
        elif bald and attribute == "length":
            expected["hair"] = other.attributes["hair"]  # it has hair now
        assert other.attributes == expected
        changed += bool(differing)
    assert changed > 50


def test_the_colour_of_hair_changes_pixels_of_the_hair_alone():
    sides = {}
    for colours in ("00ff00/ff00ff", "blond/black"):
        pairs = faces(f"n=40,size=48,hair={colours}").pairs()
        for one, other in pairs:
            difference = np.abs(pixels(one) - pixels(other)).max(axis=2)
            sides.setdefault(numbers([one])[0], []).append(difference > 0)
    assert len(sides) > 30
    for hair, changed in sides.values():
        assert changed.any()
        assert not (changed & ~hair).any()
        assert (changed & hair).sum() > 0.9 * hair.sum()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hair=blont", "did you mean 'blond'"),
        ("nose=red", "choose from background, first, glasses, hair, label, length, n"),
        ("n=0", "n=0"),
        ("n=ten", "n=ten is no whole number"),
        ("n", "write n=..."),
        ("n=1,n=2", "two values"),
        ("size=4", "from 8"),
        ("hair=blond/black,skin=tan/dark", "hair and skin have a slash"),
        ("hair=blond/black/red", "two values"),
        ("n=1,hair=blond/black", "too few"),
        ("label=hair,hair=blond", "equal for everybody"),
        ("label=nose", "label"),
        ("style=adventurr", "did you mean 'adventurer'"),
        ("style=bottts,hair=red", "no hair"),
        ("style=lorelei,label=length", "no length"),
        ("without=hair", "without=hair:VALUE"),
        ("without=nose:red", "nose"),
        ("background=rot", "no colour"),
    ],
)
def test_a_wrong_request_is_one_line_and_nothing_is_written(ganzoo_command, text, reason):
    done = ganzoo_command("data", "export", f"faces:{text}", "out")
    assert done.exit_code in (1, 2)
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not os.listdir()
    assert not Path(os.environ["GANZOO_CACHE"]).exists()


@pytest.mark.parametrize("name", ["dicebear", "resvg_py"])
def test_without_its_packages_it_says_how_to_install_them(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ganzoo.DataError, match=rf"{name}.*ganzoo\[faces\]"):
        faces("n=2")


@pytest.mark.parametrize("model", ["dcgan-mini", "cdcgan-mini", "cyclegan-mini", "pix2pix-mini"])
def test_a_model_that_learns_faces_never_takes_other_data_instead(
    monkeypatch, ganzoo_command, model
):
    monkeypatch.setitem(sys.modules, "dicebear", None)
    done = ganzoo_command("train", model)
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    for way_out in ("pip install 'ganzoo[faces]'", "--data digits", "--data digits-photo"):
        assert way_out in line
    assert not Path("runs").exists()


def test_without_a_slash_there_are_no_domains_and_no_pairs():
    for part in ("domains", "pairs"):
        with pytest.raises(ganzoo.DataError, match="slash"):
            getattr(faces("n=2"), part)()


def test_the_licence_names_the_artist():
    assert "CC BY 4.0 (Adventurer by Lisa Wischofsky" in faces("n=2").licence
    assert "CC0" in faces("n=2,style=pixel-art").licence


def test_an_exported_folder_has_the_same_pixels_labels_and_attributes():
    export_data("faces:n=20,label=hair", Path("out"), size=24)
    before = faces("n=20,label=hair").at_size(24)
    after = {item.name: item for item in Folder("out").items()}
    items = before.items()
    assert len(after) == len(items)
    for item in items:
        same = after[f"{item.label}/{item.name}.png"]
        assert (same.label, same.attributes) == (item.label, item.attributes)
        assert (pixels(same) == pixels(item)).all()


def test_processes_draw_what_this_process_draws_and_end_with_it(monkeypatch):
    people = [{"seed": "0"}, {"seed": "1", "hairColor": ["#ff0000"]}]
    here = studio.Studio("adventurer", 16, 2)
    monkeypatch.setattr(studio, "MANY", 2)
    drawing = studio.Studio("adventurer", 16, 2)
    for options in people:
        assert drawing.picture(options).tobytes() == here.picture(options).tobytes()
    (process,) = drawing._processes
    assert process.poll() is None
    del drawing
    assert process.poll() == 0


@pytest.mark.slow
def test_a_thousand_faces_are_the_same_from_processes(monkeypatch):
    hp = ganzoo.Hparams(batch_size=1)
    drawn_by_processes = open_data("faces:n=1000,size=16", hp)
    monkeypatch.setattr(studio, "MANY", 1001)
    monkeypatch.setenv("GANZOO_CACHE", "another")
    assert open_data("faces:n=1000,size=16", hp).fingerprint == drawn_by_processes.fingerprint


def test_a_drawing_process_that_is_killed_is_an_error_and_the_next_face_has_another(monkeypatch):
    monkeypatch.setattr(studio, "MANY", 1)
    drawing = studio.Studio("adventurer", 16, 1)
    options = {"seed": "0"}
    before = drawing.picture(options)
    (process,) = drawing._processes
    monkeypatch.setattr(process, "poll", lambda: None)  # it dies after it was looked at
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(OSError, match=r"ended|pipe"):
        drawing.picture(options)
    monkeypatch.undo()
    assert drawing.picture(options).tobytes() == before.tobytes()
