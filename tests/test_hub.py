"""push, pull and ids of the Hub, against a server on 127.0.0.1 that speaks its protocol."""

import json
import os
import re
import shutil

import huggingface_hub
import pytest
import torch
from hub_server import READER, WRITER, Hub
from PIL import Image
from support import TINY

import ganzoo
from ganzoo.errors import HubError, StateError, UsageError

SMALL = {"image_size": 8, "channels": 1, "width": 4, "batch_size": 8, "latent_dim": 4}
pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=:DeprecationWarning"
)  # what huggingface_hub does
ID = "ada/digits"
NAMES = {"config.json", "model.safetensors", "README.md", "samples.png"}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run of two steps, with a picture and a file that is nobody's business."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    trainer = ganzoo.Trainer(ganzoo.create("dcgan-mini", **SMALL, steps=2), "digits", device="cpu")
    for _ in trainer:
        pass
    trainer.save(folder)
    Image.new("RGB", (8, 8)).save(folder / "samples.png")
    (folder / "notes.txt").write_text("mine alone")
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, of the test's own."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture(scope="session")
def server():
    """One for all tests: a client reads its certificates for every new connection pool."""
    with Hub() as hub:
        yield hub
        huggingface_hub.close_session()


@pytest.fixture
def hub(server, tmp_path, monkeypatch):
    """The empty server, for huggingface_hub in this process, which read its environment before."""
    server.reset()
    constants = huggingface_hub.constants
    files = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("HF_TOKEN", WRITER)
    monkeypatch.setattr(
        "time.sleep", lambda seconds: None
    )  # the client waits before it tries again
    fresh_cache(tmp_path / "hf", monkeypatch)
    return server


def fresh_cache(folder, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def published(hub, run, tmp_path, monkeypatch):
    """The run, pushed by somebody else: the cache here knows nothing of it."""
    ganzoo.push(run, ID)
    fresh_cache(tmp_path / "mine", monkeypatch)
    hub.requests.clear()
    return hub.repos[ID]


@pytest.fixture
def hub_env(published, hub, tmp_path):
    """The environment of a process that asks the server, with this process's cache."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("HF_")},
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_CACHE": huggingface_hub.constants.HF_HUB_CACHE,
        "HF_HUB_DISABLE_XET": "1",
    }


def sizes(folder):
    return {name: (folder / name).stat().st_size for name in NAMES}


def refusal(error, call, *args, **kwargs):
    """The one line that the call is refused with."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    assert "Traceback" not in message
    return message


def edited(card):
    return card.replace(b"# dcgan-mini", b"# Ada's digits")


# Up


def test_what_was_pushed_is_loaded_by_its_id_and_makes_the_same_images(
    hub, run, tmp_path, monkeypatch
):
    done = ganzoo.push(run, ID)
    assert done.changed
    assert done.url == f"{hub.url}/{ID}"
    fresh_cache(tmp_path / "elsewhere", monkeypatch)
    assert torch.equal(ganzoo.load(ID).sample(4, seed=1), ganzoo.load(run).sample(4, seed=1))
    folder = ganzoo.pull(ID)
    assert (folder / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()


def test_only_the_published_part_goes_up_and_in_one_commit(hub, run):
    done = ganzoo.push(run, ID, message="first light")
    assert set(hub.repos[ID].tip()) == {*NAMES, ".gitattributes"}
    assert done.files == sizes(run)
    assert hub.repos[ID].titles == ["initial commit", "first light"]


def test_pushing_again_uploads_nothing(hub, run):
    ganzoo.push(run, ID)
    hub.requests.clear()
    assert not ganzoo.push(run, ID).changed
    assert not hub.asked("PUT|/commit/")
    assert len(hub.repos[ID].titles) == 2


def test_a_message_says_model_and_step_where_none_is_given(hub, run):
    ganzoo.push(run, ID)
    assert hub.repos[ID].titles[-1] == "dcgan-mini, step 2"


def test_a_model_is_pushed_without_a_run(hub, run):
    model = ganzoo.load(run)
    done = ganzoo.push(model, ID)
    assert set(done.files) == {"config.json", "model.safetensors", "README.md"}
    assert torch.equal(ganzoo.load(ID).sample(4, seed=1), model.sample(4, seed=1))


def test_the_words_of_hugging_face_push_and_load(hub, run, monkeypatch, tmp_path):
    model = ganzoo.load(run)
    assert model.push_to_hub(f"hf-hub:{ID}", commit_message="hello") == f"{hub.url}/{ID}"
    assert hub.repos[ID].titles[-1] == "hello"
    fresh_cache(tmp_path / "elsewhere", monkeypatch)
    kind = type(model)
    commit = hub.repos[ID].branches["main"]
    loaded = [
        kind.from_pretrained(ID),
        ganzoo.Model.from_pretrained(f"hf:{ID}", revision=commit),
        ganzoo.create(f"hf-hub:{ID}@{commit}", pretrained=True),
        ganzoo.create(f"hf:{ID}", steps=9),
    ]
    for one in loaded:
        assert type(one) is kind
        assert torch.equal(one.sample(3), model.sample(3))
    assert loaded[3].hp.steps == 9
    assert loaded[3].classes == model.classes
    assert "pretrained" in refusal(UsageError, ganzoo.create, f"hf:{ID}", pretrained="digits")
    assert "CDCGAN" in refusal(StateError, ganzoo.models["cdcgan"].load().from_pretrained, ID)


def test_an_id_is_not_mistaken_for_a_path(hub, run):
    for path in ("runs/digits", "./digits", "../digits", "~/digits"):
        assert "user/name" in refusal(HubError, ganzoo.load(run).push_to_hub, path)
        refusal(StateError, ganzoo.Model.from_pretrained, path)
    assert not hub.requests


def test_a_dry_run_asks_the_hub_nothing(hub, run, ganzoo_command):
    assert ganzoo.push(run, ID, dry_run=True).files == sizes(run)
    done = ganzoo_command("push", run, ID, "--dry-run")
    assert ID in done.output
    assert "model.safetensors" in done.output
    assert not hub.requests


def test_a_branch_is_made_where_it_is_new_and_main_stays(hub, run):
    ganzoo.push(run, ID, revision="better")
    assert set(hub.repos[ID].tip()) == {".gitattributes"}
    assert "config.json" in hub.repos[ID].tip("better")
    assert not ganzoo.push(run, f"{ID}@better").changed
    assert ganzoo.load(f"{ID}@better").classes == tuple("0123456789")


def test_what_is_no_whole_run_is_not_pushed(hub, run, tmp_path):
    (run / "model.safetensors").unlink()
    shutil.rmtree(run / "train")
    assert "model.safetensors" in refusal(StateError, ganzoo.push, run, ID)
    assert str(tmp_path / "none") in refusal(StateError, ganzoo.push, tmp_path / "none", ID)
    assert not hub.requests


def test_weights_that_were_torn_are_made_again_before_they_go_up(hub, run):
    whole = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").write_bytes(whole[:100])
    ganzoo.push(run, ID)
    assert hub.repos[ID].tip()["model.safetensors"] == whole


def test_a_pulled_folder_is_pushed_under_another_name(published, hub):
    ganzoo.push(ganzoo.pull(ID), "bob/digits")
    ours = {name: content for name, content in published.tip().items() if name != ".gitattributes"}
    assert {name: hub.repos["bob/digits"].tip()[name] for name in ours} == ours


def test_a_card_that_was_edited_on_the_hub_stays(published, run):
    card = edited(published.tip()["README.md"])
    published.commit({"README.md": card})
    done = ganzoo.push(run, ID)
    assert not done.changed
    assert ID in done.notes[0]
    (run / "README.md").write_bytes(edited((run / "README.md").read_bytes()) + b"mine\n")
    assert ganzoo.push(run, ID).notes
    assert published.tip()["README.md"] == card


def test_a_card_that_was_edited_here_goes_up_once_and_stays_as_it_is(published, run):
    card = edited((run / "README.md").read_bytes())
    (run / "README.md").write_bytes(card)
    assert ganzoo.push(run, ID).changed
    assert published.tip()["README.md"] == card
    again = ganzoo.push(run, ID)
    assert not again.changed
    assert not again.notes
    assert (run / "README.md").read_bytes() == card


def test_a_card_that_is_edited_on_the_hub_during_a_push_is_not_lost(
    published, hub, run, monkeypatch
):
    (run / "README.md").write_bytes(edited((run / "README.md").read_bytes()))
    upload = huggingface_hub.HfApi.create_commit

    def late(*args, **kwargs):
        published.commit({"README.md": b"---\ntags: [mine]\n---\n"})
        return upload(*args, **kwargs)

    monkeypatch.setattr(huggingface_hub.HfApi, "create_commit", late)
    assert "status 412" in refusal(HubError, ganzoo.push, run, ID)
    assert published.tip()["README.md"] == b"---\ntags: [mine]\n---\n"


def test_a_card_whose_metadata_the_hub_refuses_says_which(hub, run):
    (run / "README.md").write_text("---\n{broken\n---\n# Mine\n")
    assert "{broken" in refusal(HubError, ganzoo.push, run, ID)
    assert not hub.asked("/commit/")


def test_private_means_private(hub, run, monkeypatch):
    ganzoo.push(run, ID, private=True)
    assert hub.repos[ID].private
    assert not ganzoo.push(run, ID).changed
    ganzoo.push(run, "ada/open")
    requests = len(hub.asked("/commit/"))
    assert "public" in refusal(HubError, ganzoo.push, run, "ada/open", private=True)
    assert len(hub.asked("/commit/")) == requests


# Down


def test_a_revision_is_what_it_was_after_the_branch_has_moved(published, hub, run, ganzoo_command):
    first = published.branches["main"]
    before = ganzoo.load(run).sample(4, seed=1)
    ganzoo.push(ganzoo.create("dcgan-mini", **SMALL, seed=5), ID)
    assert torch.equal(ganzoo.load(f"{ID}@{first}").sample(4, seed=1), before)
    assert not torch.equal(ganzoo.load(ID).sample(4, seed=1), before)
    assert ganzoo.pull(ID, revision=first) == ganzoo.pull(f"{ID}@{first}") != ganzoo.pull(ID)
    assert "revision" in refusal(HubError, ganzoo.load, f"{ID}@nowhere")


def test_a_download_that_is_cut_in_the_middle_goes_on_there(published, hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 256)
    hub.cut.add("model.safetensors")
    folder = ganzoo.pull(ID)
    assert (folder / "model.safetensors").read_bytes() == published.tip()["model.safetensors"]
    first, second = hub.asked("GET .*/model.safetensors")
    half = len(published.tip()["model.safetensors"]) // 2
    assert first.range is None
    assert half - 256 < int(second.range.removeprefix("bytes=").removesuffix("-")) <= half


def test_other_bytes_of_equal_size_are_refused_until_the_hub_has_the_right_ones(
    published, hub, tmp_path
):
    hub.corrupt.add("model.safetensors")
    for _ in range(2):
        message = refusal(StateError, ganzoo.pull, ID, out=tmp_path / "out")
        assert f"{ID}/model.safetensors" in message
        assert "sha256" in message
    refusal(StateError, ganzoo.load, ID)
    assert not (tmp_path / "out").exists()
    hub.corrupt.clear()
    assert ganzoo.load(ID)


def test_a_damaged_cache_is_mended(published, hub):
    weights = ganzoo.pull(ID) / "model.safetensors"
    weights.resolve().write_bytes(b"rubbish")
    assert ganzoo.load(ID)
    weights.unlink()
    assert ganzoo.load(ID)


def test_a_damaged_cache_that_cannot_be_mended_says_both(published, hub):
    weights = ganzoo.pull(ID) / "model.safetensors"
    weights.resolve().write_bytes(b"rubbish")
    hub.refuse(503)
    message = refusal(StateError, ganzoo.load, ID)
    assert "model.safetensors" in message
    assert "status 503" in message


def test_what_is_in_the_cache_is_used_while_the_hub_is_in_trouble(published, hub):
    ganzoo.pull(ID)
    hub.refuse(503)
    assert ganzoo.load(ID)


def test_a_private_repository_needs_a_token(hub, run, tmp_path, monkeypatch):
    ganzoo.push(run, ID, private=True)
    fresh_cache(tmp_path / "mine", monkeypatch)
    monkeypatch.setenv("HF_TOKEN", READER)
    assert ganzoo.load(ID)
    monkeypatch.delenv("HF_TOKEN")
    fresh_cache(tmp_path / "theirs", monkeypatch)
    assert "hf auth login" in refusal(HubError, ganzoo.load, ID)
    assert not list((tmp_path / "theirs").rglob("*.safetensors"))


def test_pull_copies_to_a_new_folder_and_never_over_another(published, hub, tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("deep/new", "empty"):
        copy = ganzoo.pull(ID, out=tmp_path / name)
        assert {path.name for path in copy.iterdir()} == {
            "config.json",
            "model.safetensors",
            "README.md",
            "samples.png",
        }
        assert not any(path.is_symlink() for path in copy.iterdir())
        assert ganzoo.load(copy)
    hub.requests.clear()
    (tmp_path / "file").write_text("mine")
    for taken in ("empty", "file", "work"):  # the last is the current folder, and empty
        assert "--out" in refusal(UsageError, ganzoo.pull, ID, out=tmp_path / taken)
    assert "--out" in refusal(UsageError, ganzoo.pull, ID, out=".")
    assert str(tmp_path / "file" / "below") in refusal(
        StateError, ganzoo.pull, ID, out=tmp_path / "file" / "below"
    )
    assert (tmp_path / "file").read_text() == "mine"


def test_a_file_that_appears_in_the_target_during_the_download_is_kept(
    published, tmp_path, monkeypatch
):
    (tmp_path / "out").mkdir()
    copy = shutil.copyfile

    def meanwhile(source, target):
        (tmp_path / "out" / "notes.txt").write_text("mine")
        return copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", meanwhile)
    assert str(tmp_path / "out") in refusal(StateError, ganzoo.pull, ID, out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]


# What strangers publish


@pytest.mark.parametrize(
    "config", [None, b'{"architectures": ["BertModel"]}'], ids=["no config", "another's config"]
)
def test_a_repository_of_pickles_is_refused_with_the_reason(hub, config):
    files = {"pytorch_model.bin": b"\x80\x04.", **({"config.json": config} if config else {})}
    hub.create("eve/bert", files)
    message = refusal(StateError, ganzoo.load, "eve/bert")
    assert "pytorch_model.bin" in message
    assert "safetensors" in message
    assert not hub.asked("GET .*resolve.*bin")


def test_pickles_in_the_place_of_the_weights_are_refused_with_the_reason(published, hub):
    tree = published.tip()
    tree["model.pt"] = tree.pop("model.safetensors")
    message = refusal(StateError, ganzoo.load, ID)
    assert "model.safetensors" in message
    assert "model.pt" in message


def test_a_repository_without_config_is_refused(hub):
    hub.create("eve/empty")
    assert "config.json" in refusal(StateError, ganzoo.load, "eve/empty")


def test_weights_of_another_library_are_not_even_downloaded(hub):
    hub.create("eve/bert", {"config.json": b"{}", "model.safetensors": b"x" * 1000})
    assert "eve/bert/config.json" in refusal(StateError, ganzoo.load, "eve/bert")
    assert not hub.asked("model.safetensors")


def test_a_newer_format_says_so(published):
    config = json.loads(published.tip()["config.json"])
    published.commit({"config.json": json.dumps({**config, "format": 99}).encode()})
    assert "pip install -U ganzoo" in refusal(StateError, ganzoo.load, ID)


def test_no_file_leaves_the_folder_and_no_other_file_comes_down(published, hub, tmp_path):
    strange = [
        "../../../../evil.png",
        "/evil.png",
        "sub/evil.png",
        "a.png/b.png",
        "..\\..\\evil.txt",
        "setup.py",
    ]
    published.commit(dict.fromkeys(strange, b"evil"))
    out = ganzoo.pull(ID, out=tmp_path / "out")
    assert {path.name for path in out.iterdir()} == NAMES
    assert not hub.asked("GET .*evil|b.png|setup.py")
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes()[:9] == b"evil"
    ]


@pytest.mark.parametrize(
    "id", ["digits", "a/b/c", "ada/", "ada/../x", "ada/a--b", "ada/x@", "ada/x@a/../b", ""]
)
def test_what_is_no_id_is_refused_before_anything_is_asked(hub, run, id):  # noqa: A002
    assert "user/name" in refusal(HubError, ganzoo.pull, id)
    assert "user/name" in refusal(HubError, ganzoo.push, run, id, dry_run=True)
    assert "user/name" in refusal(HubError, ganzoo.pull, ID, revision="../../x")
    assert not hub.requests


# What the Hub says


STATUSES = {
    401: "HF_TOKEN",
    403: "token",
    404: "name",
    409: "again",
    429: "wait",
    500: "again",
    503: "again",
}


@pytest.mark.parametrize(("status", "words"), STATUSES.items())
@pytest.mark.parametrize("place", ["/commit/", "PUT /large/"])
def test_a_push_that_the_hub_refuses_is_one_line_and_leaves_nothing(hub, run, place, status, words):
    hub.refuse(status, place)
    message = refusal(HubError, ganzoo.push, run, ID)
    assert message.startswith(f"{ID}: ")
    assert words in message
    assert f"status {status}" in message
    assert set(hub.repos[ID].tip()) == {".gitattributes"}
    hub.faults.clear()
    assert ganzoo.push(run, ID).changed


@pytest.mark.parametrize(("status", "words"), STATUSES.items())
@pytest.mark.parametrize("place", ["/revision/|/tree/", "/resolve/", "GET .*/model.safetensors"])
def test_a_pull_that_the_hub_refuses_is_one_line_and_leaves_nothing(
    published, hub, tmp_path, place, status, words
):
    hub.refuse(status, place)
    message = refusal(HubError, ganzoo.pull, ID, out=tmp_path / "out")
    assert message.startswith(f"{ID}: ")
    assert words in message
    assert f"status {status}" in message
    assert not (tmp_path / "out").exists()
    hub.faults.clear()
    assert ganzoo.pull(ID, out=tmp_path / "out")


def test_errors_that_the_hub_names_say_what_to_do(published, hub, run, monkeypatch):
    hub.refuse(403, "/revision/", times=1, code="GatedRepo")
    assert "access" in refusal(HubError, ganzoo.pull, ID)
    assert "repository" in refusal(HubError, ganzoo.pull, "ada/nothing")
    monkeypatch.setenv("HF_TOKEN", READER)
    assert "status 403" in refusal(HubError, ganzoo.push, run, ID)
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    assert "hf auth login" in refusal(HubError, ganzoo.push, run, ID)


def test_a_server_that_is_not_there_says_so_at_once(hub, run, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "HF_ENDPOINT" in refusal(HubError, ganzoo.push, run, ID)
    message = refusal(HubError, ganzoo.load, "ada/my-gan")
    assert "ada/my-gan" in message
    assert "cache" in message
    assert "HF_ENDPOINT" in message
    assert not waits


def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_hub(published, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    fresh_cache(tmp_path / "file" / "hf", monkeypatch)
    message = refusal(HubError, ganzoo.pull, ID)
    assert str(tmp_path / "file") in message
    assert "HF_HOME" in message


# Where a run is asked for, and the command


def test_an_id_stands_wherever_a_run_does(published, ganzoo_command):
    done = ganzoo_command("sample", ID, "-n", 4, "--out", "grid.png")
    assert done.exit_code == 0, done.output
    with Image.open("grid.png") as picture:
        assert picture.size
    words = [
        "--from",
        ID,
        *TINY,
        "--set",
        "latent_dim=4",
        "--set",
        "steps=1",
        "--device",
        "cpu",
        "--out",
        "run",
    ]
    done = ganzoo_command("train", "dcgan-mini", *words)
    assert done.exit_code == 0, done.output
    assert ID in done.output + done.stderr
    assert ganzoo.load("run").origin.startswith("dcgan-mini ")


def test_a_folder_of_that_name_goes_before_the_hub(published, hub, run):
    shutil.copytree(run, ID)
    assert ganzoo.load(ID)
    assert not hub.requests


def test_the_command_pushes_and_pulls(hub, run, ganzoo_command):
    done = ganzoo_command("push", run, ID, "--private", "--message", "hello")
    assert done.exit_code == 0, done.output
    assert re.search(r"[\d,]+ bytes.*" + f"{hub.url}/{ID}", done.output)
    assert hub.repos[ID].private
    again = ganzoo_command("push", run, ID)
    assert f"{hub.url}/{ID}" in again.output
    assert "bytes" not in again.output
    done = ganzoo_command("pull", ID, "--revision", "main", "--out", "copy")
    assert done.stdout == "copy\n"
    failed = ganzoo_command("pull", "ada/nothing")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("Error: ada/nothing: ")
    assert failed.stderr.count("\n") == 1


def test_a_process_reads_the_environment_and_prints_the_folder_alone(
    published, hub_env, process, tmp_path
):
    done = process("-m", "ganzoo", "pull", ID, env=hub_env)
    assert done.stdout.endswith(f"/snapshots/{published.branches['main']}\n")
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(str(tmp_path / "mine"))


def test_offline_the_cache_is_enough_and_what_is_not_there_says_so(
    published, hub, run, monkeypatch
):
    ganzoo.pull(ID)
    ganzoo.push(run, "ada/part")
    (ganzoo.pull("ada/part") / "model.safetensors").unlink()
    hub.requests.clear()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert len(ganzoo.load(ID).sample(4, seed=1)) == 4
    calls = [(ganzoo.load, "ada/unknown"), (ganzoo.pull, f"{ID}@other"), (ganzoo.push, run, ID)]
    unknown, other, pushed, part = (
        refusal(HubError, *call) for call in [*calls, (ganzoo.load, "ada/part")]
    )
    for line in (unknown, other, part):
        assert "cache" in line
        assert "HF_HUB_OFFLINE" in line
    assert pushed.startswith(f"{ID}: ")
    assert "HF_HUB_OFFLINE" in pushed
    assert "cache" not in pushed
    assert not hub.requests


def test_a_strangers_package_publishes_weights_that_lie_on_the_hub(
    published, run, distribution, ganzoo_command
):
    site = distribution("their-weights", {"their": "their_weights"}, group="ganzoo.weights")
    (site / "their_weights").mkdir()
    (site / "their_weights/__init__.py").write_text(
        "raise RuntimeError('nobody needs to import this')\n"
    )
    commit = huggingface_hub.HfApi().repo_info(ID).sha
    digest = json.loads((run / "config.json").read_text())["weights"]["sha256"]
    row = {
        "model": "dcgan-mini",
        "name": "theirs",
        "licence": "cc0-1.0",
        "hub": ID,
        "revision": commit,
    }
    declaration = site / "their_weights/weights.json"
    declaration.write_text(json.dumps({"weights": [{**row, "sha256": digest}]}))
    assert (
        f"dcgan-mini  theirs  cc0-1.0  {ID}@{commit}"
        in ganzoo_command("list", "--pretrained").output
    )
    model = ganzoo.create("dcgan-mini", pretrained="theirs")
    assert torch.equal(model.sample(3), ganzoo.load(run).sample(3))
    assert torch.equal(ganzoo.create("dcgan-mini", pretrained=ID).sample(3), model.sample(3))
    declaration.write_text(json.dumps({"weights": [{**row, "sha256": "0" * 64}]}))
    assert "sha256" in refusal(StateError, ganzoo.create, "dcgan-mini", pretrained="theirs")
