"""Folders and zips as people have them: every kind of file is used or skipped as documented."""

import io
import json
import os
import stat
import struct
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps, features

import ganzoo
from ganzoo.data.open import open_data

SIZE = 16
RANDOM = np.random.default_rng(0)
HP = ganzoo.create("dcgan", image_size=SIZE, width=2, batch_size=2).hp


def noise(mode, size=(24, 20)):
    """A picture of random pixels in any mode."""
    picture = Image.fromarray(RANDOM.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    if mode in ("RGBA", "LA"):
        picture.putalpha(
            Image.fromarray(RANDOM.integers(0, 256, (size[1], size[0]), dtype=np.uint8))
        )
    return picture.convert(mode)


def saved(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def exif(orientation):
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def frames(form):
    return saved(noise("RGB"), form, save_all=True, append_images=[noise("RGB"), noise("RGB")])


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def bomb(side):
    """A PNG of some bytes that says that it has side * side pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def flipped(content):
    """The same bytes with one of them, in the middle, turned over."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


grey16 = Image.fromarray(RANDOM.integers(0, 65536, (20, 24), dtype=np.uint16))
twin = saved(noise("RGB"), "PNG")
mpo = saved(noise("RGB"), "MPO", save_all=True, append_images=[noise("RGB")])

GOOD = {
    "rgb.jpg": saved(noise("RGB"), "JPEG"),
    "progressive.jpg": saved(noise("RGB"), "JPEG", progressive=True),
    "UPPER.JPG": saved(noise("RGB"), "JPEG"),
    "grey.png": saved(noise("L"), "PNG"),
    "grey and alpha.png": saved(noise("LA"), "PNG"),
    "rgba.png": saved(noise("RGBA"), "PNG"),
    "palette.png": saved(noise("P"), "PNG"),
    "palette with transparency.png": saved(noise("P"), "PNG", transparency=bytes(range(256))),
    "16 bit.png": saved(grey16, "PNG"),
    "16 bit.pgm": b"P5 24 20 65535\n" + np.asarray(grey16).astype(">u2").tobytes(),
    "cmyk.jpg": saved(noise("CMYK"), "JPEG"),
    "one bit.bmp": saved(noise("1"), "BMP"),
    "lies on its side.jpg": saved(noise("RGB"), "JPEG", exif=exif(6)),
    "exif that is broken.jpg": saved(
        noise("RGB"), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01"
    ),
    "animated.gif": frames("GIF"),
    "animated.png": frames("PNG"),
    "pages.tif": frames("TIFF"),
    "a phone's.mpo": mpo,
    "icon.ico": saved(noise("RGBA", (32, 32)), "ICO", sizes=[(32, 32)]),
    "no ending": saved(noise("RGB"), "PNG"),
    "a png that says jpeg.jpg": saved(noise("RGB"), "PNG"),
    "caf\u00e9 \u732b.png": saved(noise("RGB"), "PNG"),
    "small.png": saved(noise("RGB", (4, 5)), "PNG"),
    "very wide.png": saved(noise("RGB", (300, 16)), "PNG"),
    "one.png": twin,
    "the same again.png": twin,
    "deep/er/and deeper.png": saved(noise("RGB"), "PNG"),
}
if features.check("webp"):
    GOOD["web.webp"] = saved(noise("RGB"), "WEBP")
BAD = {
    "empty.png": (b"", "empty"),
    "truncated.jpg": (saved(noise("RGB", (64, 64)), "JPEG")[:-900], "truncated"),
    "truncated.png": (saved(noise("RGB", (64, 64)), "PNG")[:-900], "truncated"),
    "flipped.png": (flipped(saved(noise("RGB", (64, 64)), "PNG")), "corrupt"),
    "a web page.jpg": (b"<!DOCTYPE html><title>404</title>", "corrupt"),
    "labels.csv": (b"file,label\n", "not an image"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
    "program.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 24 20\n", "corrupt"),
    "bomb.png": (bomb(20_000), "decompression bomb"),
    "smaller bomb.png": (bomb(10_000), "decompression bomb"),
    "a pixel.png": (saved(noise("RGB", (1, 1)), "PNG"), "too small"),
    "floats.tif": (saved(Image.fromarray(np.ones((20, 24), np.float32)), "TIFF"), "unsupported"),
    "32 bit.tif": (saved(Image.fromarray(np.ones((20, 24), np.int32)), "TIFF"), "unsupported"),
    ".hidden.png": (twin, "hidden"),
    ".git/config": (b"[core]", "hidden"),
}
LITTER = ["deep/.DS_Store", "Thumbs.db", "desktop.ini", "._rgb.jpg", "__MACOSX/._rgb.jpg"]


def expected(content):
    """The pixels by Pillow's own conversion."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the broken EXIF
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if picture.mode in ("I", "I;16"):
        picture = Image.fromarray((np.asarray(picture) // 256).astype(np.uint8))
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    fitted = ImageOps.fit(picture.convert("RGB"), (SIZE, SIZE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(fitted).copy()).permute(2, 0, 1)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A folder of everything above and of odd file names, with what is wrong with each."""
    folder = tmp_path_factory.mktemp("odd")
    for name, content in [*GOOD.items(), *((name, content) for name, (content, _) in BAD.items())]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name in LITTER:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\0\5\x16\7")
    (folder / "link.png").symlink_to(folder / "grey.png")
    (folder / "broken link.png").symlink_to(folder / "nothing.png")
    (folder / "deep" / "loop").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.png")
    bad = {
        name.replace("config", "").rstrip("/") if ".git" in name else name: kind
        for name, (_, kind) in BAD.items()
    }
    return folder, bad | {"broken link.png": "unreadable", "pipe.png": "not a file"}


def test_at_least_25_kinds_are_made():
    assert len(GOOD) >= 25
    assert len(BAD) >= 15


def test_every_odd_file_is_used_or_skipped_as_documented(odd, ganzoo_command, tmp_path):
    folder, bad = odd
    done = ganzoo_command(
        "data",
        "check",
        folder,
        "--model",
        "dcgan",
        "--set",
        f"image_size={SIZE}",
        "--json",
        "--sheet",
        "contact-sheet.png",
    )
    assert done.exit_code == 1, done.output
    report = json.loads(done.stdout)
    skipped = {
        finding["name"]: finding["kind"] for finding in report["findings"] if finding["skipped"]
    }
    assert skipped == bad
    assert report["usable"] == len(GOOD) + 1
    assert report["files"] == len(GOOD) + 1 + len(bad)
    noted = {
        (finding["name"], finding["kind"])
        for finding in report["findings"]
        if not finding["skipped"]
    }
    for note in [
        ("animated.gif", "animated"),
        ("animated.png", "animated"),
        ("pages.tif", "animated"),
        ("lies on its side.jpg", "turned"),
        ("cmyk.jpg", "converted"),
        ("16 bit.png", "converted"),
        ("small.png", "enlarged"),
        ("the same again.png", "duplicate"),
        ("link.png", "duplicate"),
    ]:
        assert note in noted, note
    assert ("a phone's.mpo", "animated") not in noted
    assert not [finding for finding in report["findings"] if not finding["detail"]]
    with Image.open("contact-sheet.png") as sheet:
        assert min(sheet.size) > 300


def test_the_good_ones_are_all_used_with_pillows_own_pixels(odd, caplog):
    folder, bad = odd
    data = open_data(str(folder), HP)
    names = sorted([*GOOD, "link.png"])
    assert len(data) == len(names)
    images = data.parts[0].images
    for name, pixels in zip(names, images, strict=True):
        content = GOOD["grey.png" if name == "link.png" else name]
        assert torch.equal(pixels, expected(content)), name
    (note,) = caplog.messages
    assert f"{len(bad)} of {len(bad) + len(names)}" in note
    assert "hidden" in note
    assert "ganzoo data check" in note


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (4, "RGBA")])
def test_grey_and_transparent_pictures_are_pillows_too(odd, channels, mode):
    folder, _ = odd
    data = open_data(str(folder), HP.replaced({"channels": channels}))
    names = sorted([*GOOD, "link.png"])
    for name in ("rgb.jpg", "rgba.png", "grey.png"):
        picture = Image.open(folder / name).convert(mode)
        fitted = np.asarray(ImageOps.fit(picture, (SIZE, SIZE), Image.Resampling.BICUBIC)).reshape(
            SIZE, SIZE, channels
        )
        assert torch.equal(
            data.parts[0].images[names.index(name)].permute(1, 2, 0),
            torch.from_numpy(fitted.copy()),
        )


def test_a_picture_that_is_not_square_is_cropped_stretched_or_padded(tmp_path):
    picture = noise("RGB", (64, 16))
    for i in range(2):
        picture.save(tmp_path / f"{i}.png")

    def first(fit):
        return (
            open_data(str(tmp_path), HP.replaced({"fit": fit}))
            .parts[0]
            .images[0]
            .permute(1, 2, 0)
            .numpy()
        )

    np.testing.assert_array_equal(first("crop"), picture.crop((24, 0, 40, 16)))
    shrunk = picture.resize((16, 16), Image.Resampling.BICUBIC, reducing_gap=2.0)
    np.testing.assert_array_equal(first("stretch"), shrunk)
    assert (first("pad")[:6] == 0).all()
    assert (first("pad")[6:10] != 0).any()


def test_strict_refuses_and_training_counts_in_one_line(odd, ganzoo_command, caplog):
    folder, bad = odd
    words = [
        "train",
        "dcgan-mini",
        "--data",
        folder,
        "--set",
        "image_size=16",
        "--set",
        "width=4",
        "--set",
        "steps=1",
    ]
    words += ["--set", "batch_size=4"]
    refused = ganzoo_command(*words, "--strict")
    assert refused.exit_code == 1
    assert f"{len(bad)} of" in refused.stderr
    assert ".git" in refused.stderr
    assert not Path("runs").exists()
    done = ganzoo_command(*words)
    assert done.exit_code == 0, done.output
    assert caplog.text.count("cannot use") == 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "images"),
        ({"a.txt": b"a", "b.jpg": b"b"}, "1 not an image, 1 corrupt"),
        ({"a.png": twin, "b.jpg": b"b"}, r"1 corrupt.* 2"),
    ],
)
def test_nothing_or_too_little_left_is_an_error(tmp_path, files, message):
    folder = tmp_path / "few"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(ganzoo.DataError, match=message):
        open_data(str(folder), HP)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_skipped(tmp_path, caplog):
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(twin)
    (tmp_path / "0.png").chmod(0)
    open_data(str(tmp_path), HP)
    assert "1 unreadable" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_utf8_can_be_read_and_printed(tmp_path, caplog):
    for i in range(2):
        (tmp_path / f"{i}.png").write_bytes(twin)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).write_bytes(saved(noise("RGB"), "PNG"))
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfe.jpg")).write_bytes(b"nothing")
    data = open_data(str(tmp_path), HP)
    assert len(data) == 3
    caplog.text.encode()


def test_a_folders_size_channels_and_classes_fill_what_a_model_leaves_open(tmp_path, toy):
    for label, size, mode in [("cat", 12, "L"), ("dog", 12, "L"), ("dog", 20, "L")]:
        (tmp_path / label).mkdir(exist_ok=True)
        for i in range(4 if size == 12 else 1):
            noise(mode, (size, size + 3)).save(tmp_path / label / f"{size}-{i}.png")
    hp = ganzoo.models["toy"].load().Hparams(batch_size=4)
    data = open_data(str(tmp_path), hp)
    assert (data.info.size, data.info.channels, data.info.classes) == (12, 1, ("cat", "dog"))
    assert data.parts[0].labels.tolist() == [0] * 4 + [1] * 5
    noise("RGB", (12, 12)).save(tmp_path / "cat" / "colour.png")
    assert open_data(str(tmp_path), hp).info.channels == 3


def zipped(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return str(path)


def test_a_zip_of_a_folder_is_that_folder(odd, tmp_path):
    folder, _ = odd
    files = [
        (path, path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "loop" not in str(path)
    ]
    archive = zipped(
        tmp_path / "odd.zip", [(f"odd/{name}", path.read_bytes()) for path, name in files]
    )
    from_zip, from_folder = open_data(archive, HP), open_data(str(folder), HP)
    assert from_zip.fingerprint == from_folder.fingerprint
    assert torch.equal(from_zip.parts[0].images, from_folder.parts[0].images)


def test_a_hostile_zip_is_harmless(tmp_path, ganzoo_command):
    target = tmp_path / "inner"
    target.mkdir()
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = zipped(
        target / "hostile.zip",
        [
            ("good/one.png", twin),
            ("good/two.png", saved(noise("RGB"), "PNG")),
            ("../outside.png", twin),
            ("good/../../further.png", twin),
            ("/absolute.png", twin),
            ("C:\\windows.png", twin),
            ("zeros.png", b"\0" * (65 * 2**20)),
            (link, "/etc/passwd"),
        ],
    )
    before = sorted(tmp_path.rglob("*"))
    done = ganzoo_command("data", "check", archive, "--sheet", tmp_path / "work" / "sheet.png")
    assert done.exit_code == 1
    for line in [
        "unsafe name: 4",
        "../outside.png",
        "good/../../further.png",
        "/absolute.png",
        "C:/windows.png",
        "compression bomb: 1",
        "zeros.png",
        "link: 1",
        "link.png",
    ]:
        assert line in done.output, line
    assert "68,157,440" in done.output
    assert len(open_data(archive, HP)) == 2
    assert [path for path in sorted(tmp_path.rglob("*")) if "cache" not in str(path)] == sorted(
        [*(path for path in before if "cache" not in str(path)), tmp_path / "work" / "sheet.png"]
    )


def test_damaged_and_encrypted_entries_are_skipped_and_damaged_zips_refused(tmp_path, caplog):
    archive = Path(
        zipped(tmp_path / "a.zip", [(f"{i}.png", saved(noise("RGB"), "PNG")) for i in range(4)])
    )
    content = bytearray(archive.read_bytes())
    content[100] ^= 255  # inside the first image
    second = content.find(b"PK\1\2", content.find(b"PK\1\2") + 1)
    content[second + 8] |= 1  # the second says that it is encrypted
    archive.write_bytes(content)
    data = open_data(str(archive), HP)
    assert len(data) == 2
    assert "1 corrupt, 1 encrypted" in caplog.text or "1 encrypted, 1 corrupt" in caplog.text
    archive.write_bytes(content[: len(content) // 2])
    with pytest.raises(ganzoo.DataError, match=r"a\.zip"):
        open_data(str(archive), HP)


def test_a_zips_classes_survive_unsafe_names_and_entries_that_share_bytes(tmp_path, caplog):
    entries = [
        (f"all/{label}/{i}.png", saved(noise("RGB"), "PNG"))
        for label in ("cat", "dog")
        for i in range(2)
    ]
    archive = Path(zipped(tmp_path / "a.zip", [*entries, ("/evil.png", twin), (".", twin)]))
    data = open_data(str(archive), HP, ganzoo.Labelled)
    assert data.info.classes == ("cat", "dog")
    assert data.parts[0].labels.tolist() == [0, 0, 1, 1]
    with zipfile.ZipFile(archive, "a") as found:
        found.filelist.append(found.filelist[0])
        found._didModify = True
    open_data(str(archive), HP)
    assert "2 compression bomb" in caplog.text


@pytest.mark.parametrize("content", [b"", b"PK\5\6" + b"\0" * 10, b"text"])
def test_what_is_no_zip_is_one_line(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ganzoo.DataError, match=r"a\.zip"):
        open_data(str(tmp_path / "a.zip"), HP)
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(ganzoo.DataError, match=r"pipe\.zip"):
        open_data(str(tmp_path / "pipe.zip"), HP)


def pictures(folder, *names, size=(12, 12), mode="L"):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise(mode, size).save(folder / name)
    return str(folder)


def test_files_beside_the_pictures_do_not_hide_what_those_are(tmp_path, toy, ganzoo_command):
    folder = pictures(tmp_path / "a", *(f"{i:03}.png" for i in range(64)))
    for i in range(64):
        (tmp_path / "a" / f"{i:03}.json").write_text("{}")
    info = open_data(folder, ganzoo.models["toy"].load().Hparams()).info
    assert (info.size, info.channels) == (12, 1)
    done = ganzoo_command("data", "check", folder)
    assert "64 usable" in done.output


def test_links_to_one_folder_under_two_names_are_both_followed(tmp_path):
    pictures(tmp_path / "pool", "1.png", "2.png")
    (tmp_path / "links").mkdir()
    for name in ("dog", "wolf"):
        (tmp_path / "links" / name).symlink_to(tmp_path / "pool")
    assert open_data(str(tmp_path / "links"), HP).info.classes == ("dog", "wolf")
    assert len(open_data(str(tmp_path / "links"), HP)) == 4


def test_pairs_of_equal_names_are_reported_and_numbers_are_no_endings(tmp_path, caplog):
    a = pictures(tmp_path / "A", "1.png", "1.jpg", "2.png", "s.001.png", "s.002.png")
    b = pictures(tmp_path / "B", "1.png", "2.png", "s.001.png", "s.002.png")
    data = open_data((a, b), HP, ganzoo.Pair)
    assert len(data) == 3
    assert "1 ambiguous" in caplog.text


def test_a_class_without_a_usable_image_is_said(tmp_path, caplog):
    folder = pictures(tmp_path / "a", "cats/1.png", "dogs/2.png")
    (tmp_path / "a" / "docs").mkdir()
    (tmp_path / "a" / "docs" / "readme.txt").write_text("words")
    open_data(folder, HP, ganzoo.Labelled)
    assert "class docs" in caplog.messages[1]


def test_neither_a_run_nor_a_contact_sheet_becomes_data(tmp_path, ganzoo_command, monkeypatch):
    pictures(tmp_path / "a", "1.png", "2.png")
    monkeypatch.chdir(tmp_path / "a")
    for words, option in (
        (["data", "check", ".", "--sheet", "sheet.png"], "--sheet"),
        (["train", "dcgan", "--data", "."], "--out"),
    ):
        done = ganzoo_command(*words)
        assert done.exit_code == 2
        assert option in done.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["1.png", "2.png"]


@pytest.mark.parametrize(("source", "message"), [("", "empty"), ("x" * 5000, "File name too long")])
def test_a_source_that_is_no_name_is_one_line(source, message, ganzoo_command):
    done = ganzoo_command("train", "dcgan-mini", "--data", source)
    assert done.exit_code == 1
    assert message in done.stderr
    assert len(done.stderr) < 300


def test_names_with_newlines_stay_on_one_line(tmp_path):
    pictures(tmp_path / "a", "1.png", "2.png")
    (tmp_path / "a" / "two\nlines.txt").write_text("words")
    with pytest.raises(ganzoo.DataError) as caught:
        open_data(str(tmp_path / "a"), HP, strict=True)
    assert "\n" not in str(caught.value)


def test_check_reads_colour_as_training_does_and_counts_pairs_once(tmp_path, ganzoo_command):
    pictures(tmp_path / "a", "A/1.png", "A/2.png")
    pictures(tmp_path / "a", "B/1.png", "B/2.png", mode="RGB")
    words = [
        "data",
        "check",
        tmp_path / "a",
        "--model",
        "cyclegan-mini",
        "--json",
        "--set",
        "image_size=32",
    ]
    report = json.loads(ganzoo_command(*words).stdout)
    assert (report["files"], report["usable"], report["skipped"]) == (4, 4, 0)
    assert {
        finding["detail"] for finding in report["findings"] if finding["kind"] == "converted"
    } == {"L to RGB"}
    noise("RGB", (24, 12)).save(tmp_path / "a" / "pair.png")
    pictures(tmp_path / "sides", "pair.png", size=(64, 32), mode="RGB")
    pictures(tmp_path / "sides", "square.png", size=(32, 32))
    words = ["data", "check", tmp_path / "sides", "--model", "pix2pix", "--json"]
    words += ["--set", "image_size=32", "--set", "load_size=32"]
    report = json.loads(ganzoo_command(*words).stdout)
    assert (report["files"], report["usable"], report["skipped"]) == (2, 1, 1), report


def test_a_sixteen_bit_picture_side_by_side_is_read_as_it_is_alone(tmp_path):
    for i in range(2):
        levels = np.full((16, 32), 1000 * (i + 1), dtype=">u2")
        levels[:, 16:] += 20_000
        (tmp_path / f"{i}.pgm").write_bytes(b"P5 32 16 65535\n" + levels.tobytes())
    images = open_data(str(tmp_path), HP.replaced({"channels": 1}), ganzoo.Pair).parts[0].images
    assert images[:, :, 0, 0].tolist() == [[1000 >> 8, 21_000 >> 8], [2000 >> 8, 22_000 >> 8]]


def test_check_prints_its_findings_and_draws_only_where_asked(tmp_path, ganzoo_command):
    folder = pictures(tmp_path / "a", "1.png", "2.png")
    done = ganzoo_command("data", "check", folder)
    assert done.exit_code == 0
    assert "--sheet FILE.png" in done.stdout
    assert not list(Path().iterdir())
    (tmp_path / "file").write_text("in the way")
    done = ganzoo_command("data", "check", folder, "--sheet", tmp_path / "file" / "sheet.png")
    assert done.exit_code == 1
    assert "2 usable" in done.stdout
    assert "--sheet" in done.stderr


def test_what_systems_leave_behind_is_no_fault(tmp_path, ganzoo_command, caplog):
    folder = pictures(tmp_path / "a", "1.png", "2.png")
    for name in LITTER:
        (tmp_path / "a" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "a" / name).write_bytes(b"\0")
    done = ganzoo_command("data", "check", folder)
    assert (done.exit_code, "2 files, 2 usable, 0 skipped" in done.stdout) == (0, True)
    open_data(folder, HP, strict=True)
    assert not [message for message in caplog.messages if "cannot use" in message]


def test_twins_in_two_domains_of_one_folder_are_named_so_without_a_model(tmp_path, ganzoo_command):
    for name in ("A/1.png", "A/2.png", "B/3.png", "C/4.png"):
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_bytes(twin)
    done = ganzoo_command("data", "check", tmp_path / "a", "--json")
    kinds = {one["name"]: one["kind"] for one in json.loads(done.stdout)["findings"]}
    assert kinds == {"A/2.png": "duplicate", "B/3.png": "in both domains", "C/4.png": "duplicate"}


def test_a_picture_of_12_bits_in_16_is_named_with_its_range(tmp_path, ganzoo_command):
    for name, high in (("narrow", 4095), ("full", 65535)):
        levels = np.linspace(7, high, 400).astype(np.uint16).reshape(20, 20)
        Image.fromarray(levels).save(tmp_path / f"{name}.png")
    done = ganzoo_command("data", "check", tmp_path, "--json")
    findings = json.loads(done.stdout)["findings"]
    (found,) = [one for one in findings if one["kind"] == "narrow range"]
    assert found["name"] == "narrow.png"
    assert "7 to 4,095" in found["detail"]


def test_a_training_on_nearly_black_pictures_warns(tmp_path, caplog):
    for name, level in {"dark": 4095, "bright": 40_000}.items():
        (tmp_path / name).mkdir()
        for i in range(2):
            levels = np.full((20, 20), level - i, np.uint16)
            Image.fromarray(levels).save(tmp_path / name / f"{i}.png")
        open_data(str(tmp_path / name), HP)
    (warning,) = [text for text in caplog.messages if "nearly black" in text]
    assert "dark" in warning
    assert "15 of 255" in warning


def test_a_tilde_is_the_home_folder_everywhere(tmp_path, ganzoo_command, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    pictures(tmp_path / "a", "1.png", "2.png")
    for source in ("~/a", "folder:~/a", Path("~/a")):
        assert len(open_data(source, HP)) == 2
    assert "2 usable" in ganzoo_command("data", "check", "~/a").stdout
    done = ganzoo_command("train", "dcgan", "--data", "~/a", "--out", tmp_path / "a" / "run")
    assert done.exit_code == 2
    assert "would become data" in done.stderr
    with pytest.raises(ganzoo.DataError, match="~nobody"):
        open_data("~nobody-here/a", HP)
