"""`ganzoo data export`: any source as a folder that is read back as the same data."""

import csv
import json
import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

import ganzoo
from ganzoo.data.files import Folder, Zip
from ganzoo.data.picture import decoded
from ganzoo.use.export_data import export_data


def draw(path, level=0, **options):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10), (level, 40, 200 - level)).save(path, **options)


def seen(item):
    picture, _ = decoded(item)
    return picture.mode, picture.size, picture.tobytes()


def metadata(folder):
    with open(Path(folder, "metadata.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_files_are_copied_byte_for_byte_with_their_classes_and_folders(ganzoo_command):
    draw("trees/ash/1.jpg", 1)
    draw("trees/ash/deep/1.PNG", 2)
    draw("trees/elm/1.webp", 3)
    done = ganzoo_command("data", "export", "trees", "copy")
    assert done.exit_code == 0, done.output
    assert "copy: 3 images" in done.output
    for name in ("ash/1.jpg", "elm/1.webp"):
        assert Path("copy", name).read_bytes() == Path("trees", name).read_bytes()
    names = [item.name for item in Folder("copy").items()]
    assert names == ["ash/1.jpg", "ash/deep/1.png", "elm/1.webp"]
    assert metadata("copy")[2] == {"file_name": "elm/1.webp", "label": "elm"}
    manifest = json.loads(Path("copy/manifest.json").read_text())
    assert manifest["source"] == "trees"


def test_images_without_classes_lie_at_the_top_and_are_called_by_their_format(distribution):
    code = """
import io
from PIL import Image
import ganzoo

class Shades:
    licence = "CC0-1.0"
    info = ganzoo.DataInfo(size=9, channels=3)
    def __init__(self, argument):
        pass
    def items(self):
        shades = {"a/1": "JPEG", "A/1": "GIF", "b:2": "PNG", "../3": None}
        return [ganzoo.Item(name, self.reads(form)) for name, form in shades.items()]
    def reads(self, form):
        picture = Image.new("RGBA" if form is None else "RGB", (9, 9), "red")
        if form is None:
            return lambda: picture
        file = io.BytesIO()
        picture.save(file, form)
        return file.getvalue
"""
    distribution("shades", {"shades": "shades:Shades"}, group="ganzoo.datasets", shades=code)
    export_data("shades", Path("out"))
    names = sorted(os.listdir("out"))
    assert names == [
        "A_1-1.gif",
        "__3.png",
        "a_1.jpeg",
        "b_2.png",
        "manifest.json",
        "metadata.csv",
    ]
    assert json.loads(Path("out/manifest.json").read_text())["licence"] == "CC0-1.0"
    items = {item.name: item for item in Folder("out").items()}
    assert seen(items["__3.png"])[0] == "RGBA"
    assert {item.label for item in items.values()} == {None}


def test_two_domains_are_read_back_as_two_domains():
    draw("horses/trainA/1.png", 1)
    draw("horses/trainA/deep/1.png", 2)
    draw("horses/trainB/1.jpg", 3)
    export_data("horses", Path("out"), view="domains")
    a, b = Folder("out").domains()
    assert [item.name for item in a] == ["A/1.png", "A/deep/1.png"]
    assert [item.name for item in b] == ["B/1.jpg"]
    before = Folder("horses").domains()
    assert list(map(seen, [*a, *b])) == list(map(seen, [*before[0], *before[1]]))


def test_pairs_are_read_back_as_pairs():
    for i in range(3):
        picture = Image.new("RGB", (20, 10), (i, 0, 0))
        picture.paste((0, i, 0), (10, 0, 20, 10))
        Path("maps").mkdir(exist_ok=True)
        picture.save(f"maps/{i}.png")
    export_data("maps", Path("out"), view="pairs")
    assert sorted(os.listdir("out/A")) == sorted(os.listdir("out/B")) == ["0.png", "1.png", "2.png"]
    for before, after in zip(Folder("maps").pairs(), Folder("out").pairs(), strict=True):
        assert list(map(seen, before)) == list(map(seen, after))


def test_what_cannot_be_used_is_left_out_and_counted(ganzoo_command, caplog):
    draw("in/1.png")
    Path("in/2.png").write_bytes(b"no picture")
    done = ganzoo_command("data", "export", "in", "out")
    assert done.exit_code == 0
    assert "1 of 2" in caplog.text
    assert "2.png" in caplog.text
    assert sorted(os.listdir("out")) == ["1.png", "manifest.json", "metadata.csv"]
    Path("in/1.png").unlink()
    with pytest.raises(ganzoo.DataError, match="no image"):
        export_data("in", Path("none"))
    assert not Path("none").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("in", "full"), "full already exists"),
        (("in", "in/out"), "lies inside in"),
        (("in", "out", "--size", "8"), "size of their own"),
        (("in", "out", "--view", "domains"), "not two domains"),
        (("missing", "out"), "missing"),
        (("twins", "out"), "names of folders"),
    ],
)
def test_what_cannot_be_written_is_one_line_and_writes_nothing(ganzoo_command, words, reason):
    draw("in/1.png")
    draw("full/1.png")
    for name in ("a:b", "a?b"):
        draw(f"twins/{name}/1.png")
    done = ganzoo_command("data", "export", *words)
    assert done.exit_code
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("out").exists()
    assert os.listdir("full") == ["1.png"]


def test_attributes_come_from_the_metadata_beside_the_images(ganzoo_command):
    draw("in/1.png", 1)
    draw("in/cats/2.png", 2)
    draw("in/cats/3.png", 3)
    Path("in/metadata.csv").write_text('\ufefffile_name,fur,label\n1.png,"long, ""soft""",x\n')
    Path("in/cats/metadata.csv").write_text("fur,eyes,file_name\nshort,,2.png\n")
    Path("in/metadata.jsonl").write_text("{}")
    with zipfile.ZipFile("in.zip", "w") as archive:
        for path in Path("in").rglob("*.*"):
            archive.write(path)
    for source in (Folder("in"), Zip("in.zip")):
        attributes = {item.name: dict(item.attributes) for item in source.items()}
        assert attributes == {
            "1.png": {"fur": 'long, "soft"'},
            "cats/2.png": {"fur": "short"},
            "cats/3.png": {},
        }
    assert "3 files, 3 usable" in ganzoo_command("data", "check", "in").output
    export_data("in", Path("out"))
    assert {"file_name": "cats/2.png", "label": "cats", "fur": "short"} in metadata("out")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name,fur\n1.png,long\n", "no column file_name"),
        (b"file_name,fur\n1.png,long,short\n", "more cells"),
        (b"file_name,fur\n\xff.png,long\n", "utf-8"),
        (b'file_name,fur\n1.png,"long\n', "unexpected end"),
        (b"", "no column"),
        (b"file_name,fur\n1.png," + 200_000 * b"x", "field"),
    ],
)
def test_a_broken_metadata_file_is_a_warning_and_the_images_are_used(caplog, content, reason):
    draw("in/1.png")
    Path("in/metadata.csv").write_bytes(content)
    (item,) = Folder("in").items()
    assert item.attributes == {}
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "metadata.csv of in is not used" in record.message
    assert reason in record.message
