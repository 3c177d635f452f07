"""Discovery: everything is listed, nothing is imported, and a broken plugin fails alone."""

import json

import pytest
from support import write_metadata

import ganzoo

RAISES = (
    '"""Doc."""\nclass Broken:\n    """A model whose module raises."""\n    task = "x"\n1 / 0\n'
)


def test_summary_and_task_are_read_from_the_source(ganzoo_command):
    rows = json.loads(ganzoo_command("list", "--json").output)
    dcgan = next(row for row in rows if row["name"] == "dcgan")
    assert "Radford" in dcgan["summary"]
    assert dcgan["distribution"] == "ganzoo"
    assert {row["task"] for row in rows if row["name"].startswith("dcgan")} == {
        "unconditional-image-generation"
    }


def test_a_list_says_which_models_are_conditional(ganzoo_command):
    lines = ganzoo_command("list", "dcgan").output.splitlines()
    tasks = dict(line.split()[:2] for line in lines)
    assert tasks["dcgan-mini"] == "unconditional-image-generation"
    assert tasks["cdcgan"] == tasks["cdcgan-mini"] == "class-conditional-image-generation"
    rows = json.loads(ganzoo_command("list", "cdcgan", "--json").output)
    assert {row["task"] for row in rows} == {"unconditional-image-generation"}  # the Hub's tag
    assert {row["view"] for row in rows} == {"Labelled"}


def test_a_broken_a_missing_and_a_clashing_plugin_are_listed_and_fail_alone(
    distribution, ganzoo_command, process, site_env
):
    site = distribution("zoo-raises", {"raises": "raising:Broken"}, raising=RAISES)
    distribution("zoo-missing", {"missing": "nowhere.deep:Gone", "dcgan-mini": "nowhere:Gone"})
    listed = process("-m", "ganzoo", "list", env=site_env(site)).stdout
    assert "A model whose module raises." in listed
    assert "missing" in listed
    assert "zoo-missing/dcgan-mini" in listed
    with pytest.raises(ganzoo.PluginError, match=r"zoo-raises.*ZeroDivisionError"):
        ganzoo.create("raises")
    with pytest.raises(ganzoo.PluginError, match=r"zoo-missing.*nowhere"):
        ganzoo.create("missing")
    with pytest.raises(ganzoo.NameClash, match="zoo-missing/dcgan-mini"):
        ganzoo.create("dcgan-mini")
    assert ganzoo.create("ganzoo/dcgan-mini", width=2).hp.width == 2
    assert ganzoo.create("dcgan", width=2).hp.width == 2
    checked = ganzoo_command("list", "--check")
    assert checked.exit_code == 1
    assert checked.output.count("ZeroDivisionError") == 1
    assert checked.output.count("ModuleNotFoundError") == 2


def test_a_module_that_exits_or_is_no_python_does_not_end_the_listing(distribution, ganzoo_command):
    distribution("zoo-odd", {"odd": "odd_one:X"}, odd_one="this is not python (")
    distribution("zoo-leaves", {"leaves": "leaving:X"}, leaving="raise SystemExit(3)")
    assert "odd" in ganzoo_command("list").output
    for name in ("odd", "leaves"):
        with pytest.raises(ganzoo.PluginError):
            ganzoo.create(name)


def test_an_object_that_is_no_model_says_what_it_lacks(distribution):
    source = "import ganzoo\nclass Plain: pass\nclass NoTask(ganzoo.Model): pass\n"
    distribution(
        "zoo-plain", {"plain": "plain_one:Plain", "no-task": "plain_one:NoTask"}, plain_one=source
    )
    with pytest.raises(ganzoo.PluginError, match=r"ganzoo\.Model"):
        ganzoo.create("plain")
    with pytest.raises(ganzoo.PluginError, match=r"NoTask.*\btask\b"):
        ganzoo.create("no-task")


def test_summaries_follow_reexports_and_changes_of_the_file(tmp_path, distribution, ganzoo_command):
    distribution("zoo-deep", {"deep": "deep_package:Model"})
    package = tmp_path / "site" / "deep_package"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from .inner import Real as Model\nraise RuntimeError('imported')\n"
    )
    (package / "inner.py").write_text("class Base:\n  task = 't'\nclass Real(Base):\n  'First.'\n")

    def row():
        return next(row for row in json.loads(ganzoo_command("list", "deep", "--json").output))

    assert (row()["summary"], row()["task"]) == ("First.", "t")
    (package / "inner.py").write_text(
        "class Base:\n  task: str = 'u'\nclass Real(Base):\n  'Second one.'\n"
    )
    assert (row()["summary"], row()["task"]) == ("Second one.", "u")


@pytest.mark.parametrize(
    "content", [b"[ganzoo.models]\nno equals sign\n", b"[ganzoo.models]\nfa\xe7ade = a:B\n"]
)
def test_entry_points_that_cannot_be_read_hide_nobody_elses(
    tmp_path, distribution, ganzoo_command, content
):
    distribution("zoo-fine", {"fine": "raising:Broken"}, raising=RAISES)
    distribution("zoo-garbled", {"garbled": "nowhere:Gone"})
    (tmp_path / "site" / "zoo_garbled-1.0.dist-info" / "entry_points.txt").write_bytes(content)
    listed = ganzoo_command("list")
    assert listed.exit_code == 0
    assert "A model whose module raises." in listed.output
    assert ganzoo.create("dcgan-mini", width=2).hp.width == 2


def test_a_distribution_is_found_however_its_name_is_spelt(distribution):
    distribution("Zoo.Odd_Name", {"odd": "raising:Broken"}, raising=RAISES)
    assert ganzoo.models["zoo-odd-name/odd"].distribution == "Zoo.Odd_Name"


def test_unknown_names_are_answered_with_the_closest(ganzoo_command):
    with pytest.raises(ganzoo.UnknownName, match="did you mean 'dcgan'"):
        ganzoo.create("dcgam")
    with pytest.raises(ganzoo.UnknownName, match="did you mean 'alternating'"):
        ganzoo.trainers["alternate"]
    assert ganzoo.list_models("dc*") == ["dcgan", "dcgan-mini"]
    assert ganzoo.list_models("dcgan-m") == ["cdcgan-mini", "dcgan-mini"]
    assert "zzz" in ganzoo_command("list", "zzz").stderr


def test_trainers_and_data_sources_are_listed_too(toy, ganzoo_command):
    listed = ganzoo_command("list", "--kind", "trainer").output.splitlines()
    assert [line.split()[0] for line in listed] == ["alternating", "simultaneous", "toy-trainer"]
    assert "player" in listed[1]
    sources = json.loads(
        ganzoo_command("list", "toy", "--kind", "dataset", "--check", "--json").output
    )
    assert [(row["name"], row["problem"]) for row in sources] == [("toy-squares", None)]
    assert "zzz" in ganzoo_command("list", "zzz", "--kind", "dataset").stderr


def test_a_trainer_or_a_data_source_that_is_none_is_marked_and_said(distribution, ganzoo_command):
    source = "import ganzoo\nclass Loose: pass\ndef loose(): pass\n"
    for group, name in (("ganzoo.trainers", "odd-trainer"), ("ganzoo.datasets", "odd-data")):
        distribution(name, {name: "loose_one:Loose"}, group=group, loose_one=source)
    listed = ganzoo_command("list", "odd", "--kind", "trainer", "--check")
    assert "ganzoo.Trainer" in listed.output
    assert "info" in (ganzoo_command("list", "odd", "--kind", "dataset", "--check").output)
    done = ganzoo_command("train", "dcgan-mini", "--trainer", "odd-trainer")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "ganzoo.Trainer" in done.stderr
    assert "info" in ganzoo_command("train", "dcgan-mini", "--data", "odd-data").stderr


def test_a_summary_and_a_task_are_those_of_another_package_too(distribution, ganzoo_command):
    distribution(
        "zoo-variant",
        {"variant": "variant:Mine", "same": "variant:LSGAN"},
        variant=("from ganzoo_dcgan import DCGAN, LSGAN\nclass Mine(DCGAN):\n    'Mine.'\n"),
    )
    rows = {row["name"]: row for row in json.loads(ganzoo_command("list", "--json").output)}
    assert (rows["variant"]["summary"], rows["variant"]["task"]) == (
        "Mine.",
        "unconditional-image-generation",
    )
    assert [rows["same"][key] for key in ("summary", "task")] == [
        rows["lsgan"][key] for key in ("summary", "task")
    ]


def test_a_class_can_be_created_without_a_name(toy):
    from ganzoo_toy import Toy

    registered = ganzoo.create(Toy, image_size=8, channels=1)
    assert registered.plugin.name == "toy"

    class Mine(Toy):
        """Mine."""

    assert ganzoo.create(Mine, image_size=8, channels=1).plugin is None


def test_a_hundred_installed_packages_are_listed_and_neither_they_nor_torch_are_imported(
    tmp_path, process, site_env
):
    """How long a thousand take: benchmarks/listing.py."""
    site = tmp_path / "site"
    for i in range(100):
        write_metadata(
            site, f"zoo-{i}", "1.0", {"ganzoo.models": {f"model-{i}": f"zoo_{i}:Broken"}}
        )
        (site / f"zoo_{i}.py").write_text(RAISES)
    code = (
        "import sys, ganzoo\nganzoo.list_models('dc*'), ganzoo.errors\n"
        "assert 'torch' not in sys.modules\n"
        "from ganzoo.cli import main\nmain(['list'], standalone_mode=False)\n"
        "heavy = {'torch', 'torchvision', 'timm', 'safetensors', 'numpy', 'PIL', 'ganzoo_dcgan'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert not [name for name in sys.modules if name.startswith('zoo_')]\n"
    )
    lines = process("-c", code, env=site_env(site)).stdout.splitlines()
    assert any(line.startswith("dcgan-mini") for line in lines)
    assert sum("A model whose module raises." in line for line in lines) == 100


def test_a_plugin_made_for_another_ganzoo_says_so_in_one_line(
    tmp_path, distribution, ganzoo_command
):
    """Its metadata are read before its module, which would fail in its own ways."""
    distribution("zoo-newer", {"newer": "newer_one:Broken"}, newer_one=RAISES)
    metadata = tmp_path / "site" / "zoo_newer-1.0.dist-info" / "METADATA"
    plain = metadata.read_text()
    metadata.write_text(
        f"{plain}Requires-Dist: torch>=2\n"
        "Requires-Dist: ganzoo[hf]<9,>=7.2 ; python_version >= '3'\n"
    )
    shown = ganzoo_command("show", "newer")
    assert shown.exit_code == 1
    assert shown.stderr.count("\n") == 1
    for word in ("ganzoo<9,>=7.2", ganzoo.__version__, "pip install -U ganzoo zoo-newer"):
        assert word in shown.stderr
    assert "ganzoo<9,>=7.2" in ganzoo_command("list", "newer", "--check").output
    fitting = (
        "ganzoo>=0.1,<1",
        "ganzoo>=9; extra == 'next'",
        "???",
        "ganzoo>=9; python_version ~= 'abc'",
    )
    for fits in (f"Requires-Dist: {text}" for text in fitting):
        metadata.write_text(f"{plain}{fits}\n")
        with pytest.raises(ganzoo.PluginError, match="ZeroDivisionError"):
            ganzoo.create("newer")


def test_an_unknown_name_among_many_is_answered_with_some():
    error = ganzoo.unknown("backbone", "-", [f"net{i}" for i in range(1000)])
    assert "net0" in str(error)
    assert "1,000 in all" in str(error)
    assert len(str(error)) < 500
