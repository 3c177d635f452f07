"""The Hugging Face Hub: push a run's published part, pull what somebody published, verified before it is used."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is httpx's, which need not be named
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ganzoo.card import is_untouched, write_card
from ganzoo.errors import HubError, PluginError, StateError
from ganzoo.files import new_folder
from ganzoo.model import Model
from ganzoo.state import Config, publish, read_weights, write_weights

PUBLISHED = ("config.json", "model.safetensors", "README.md", "LICENSE", "*.png")
"""What of a run's folder goes up and comes down; nothing else is ever read from a repository."""
PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")
"""user/name, or user/name@revision."""


@dataclass(frozen=True)
class Pushed:
    """What a push did, or would do: where to look, and the files; `changed` is False when the Hub has them already."""

    url: str
    files: dict[str, int]
    changed: bool
    notes: list[str]


def push(
    run: str | Path | Model,
    id: str,  # noqa: A002  (what the Hub calls it)
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
    dry_run: bool = False,
) -> Pushed:
    """Uploads weights, configuration, card and pictures of a run, or a model, as one commit; makes the repository.

    The token, the endpoint and so on are huggingface_hub's own (`hf auth login`, HF_TOKEN, HF_ENDPOINT). An unchanged
    run uploads nothing; a card that was edited on the Hub is left alone. Raises StateError for what is no whole run,
    HubError for what the Hub says.
    """
    if isinstance(run, Model):
        with tempfile.TemporaryDirectory() as aside:
            _write(run, Path(aside))
            return push(aside, id, private=private, revision=revision, message=message, dry_run=dry_run)
    folder = Path(run)
    if not folder.is_dir():
        raise StateError(f"there is no run {folder}")
    publish(folder)  # what was torn when a process was killed is made again
    config, _ = read_weights(folder)
    names = sorted({path.name for pattern in PUBLISHED for path in folder.glob(pattern)})
    files = {name: (folder / name).stat().st_size for name in names}
    with saying(id):
        api = HfApi(library_name="ganzoo")
        url = f"{api.endpoint}/{id}"
        if dry_run:
            return Pushed(url, files, changed=True, notes=[])
        api.create_repo(id, private=private, exist_ok=True)
        if revision:
            api.create_branch(id, branch=revision, exist_ok=True)
        notes = []
        if "README.md" in files and not _card_may_go(folder, id, revision):
            del files["README.md"]
            notes.append(f"the card of {id} was edited on the Hub, and is left as it is")
        before = api.repo_info(id, revision=revision).sha
        commit = api.upload_folder(
            repo_id=id,
            folder_path=folder,
            revision=revision,
            allow_patterns=list(files),
            commit_message=message or f"{config.model}, step {config.step}",
        )
        return Pushed(url, files, changed=commit.oid != before, notes=notes)


def pull(id: str, *, revision: str | None = None, out: str | Path | None = None) -> Path:  # noqa: A002
    """The folder of what was published under an id, `user/name` or `user/name@revision`: weights verified by sha256.

    It is huggingface_hub's cache, or a copy of it in `out`. Raises HubError for what the Hub says, StateError when the
    repository is none of ganzoo's or its weights are not what config.json says.
    """
    if not ID.fullmatch(id):
        raise HubError(f"{id!r} is no id of the Hub: user/name, or user/name@revision")
    name, _, at = id.partition("@")
    revision = revision or at or None
    with saying(id):
        try:
            hf_hub_download(name, "config.json", revision=revision, library_name="ganzoo")
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            raise StateError(f"{id} {_what_it_is(name, revision)}") from None
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=list(PUBLISHED), library_name="ganzoo"))
    try:
        read_weights(folder)
    except StateError as cause:
        raise StateError(f"{id}: {cause}; nothing of it is used") from cause
    if out is None:
        return folder
    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StateError(f"{target} is there already: choose another folder with --out")
    target.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(target) as aside:
        for pattern in PUBLISHED:
            for path in folder.glob(pattern):
                (aside / path.name).write_bytes(path.read_bytes())
    return target


def located(run: str | Path) -> Path:
    """A folder as it is; what looks like an id of the Hub, and is no folder here, is pulled first."""
    path, text = Path(run), str(run)
    if os.path.lexists(path) or not ID.fullmatch(text):
        return path
    try:
        return pull(text)
    except HubError as cause:
        raise HubError(f"there is no folder {text} here; and {cause}") from cause


@contextmanager
def saying(id: str) -> Iterator[None]:  # noqa: A002
    """Turns what huggingface_hub raises into one line with the way out."""
    try:
        yield
    except HFValidationError as cause:
        raise HubError(f"{id!r} is no id of the Hub: user/name ({_first(cause)})") from cause
    except (OfflineModeIsEnabled, LocalEntryNotFoundError) as cause:
        raise HubError(
            f"{id} is not in the cache, and the Hub cannot be asked: it is out of reach, or HF_HUB_OFFLINE is set"
        ) from cause
    except GatedRepoError as cause:
        raise HubError(f"{id} is gated: ask for access on its page, then hf auth login") from cause
    except RevisionNotFoundError as cause:
        raise HubError(f"{id} has no such revision: name a branch, a tag or a commit that it has") from cause
    except RepositoryNotFoundError as cause:
        raise HubError(
            f"the Hub has no {id}, or it is private and this token may not read it: check the name, or hf auth login"
        ) from cause
    except HfHubHTTPError as cause:
        raise HubError(f"{id}: {_refusal(cause)}") from cause
    except (OSError, HTTPError) as cause:
        raise HubError(
            f"{id}: the Hub cannot be reached ({_first(cause)}): check the network and HF_ENDPOINT"
        ) from cause


def _refusal(cause: HfHubHTTPError) -> str:
    status = cause.response.status_code if cause.response is not None else 0
    known = {
        401: "the Hub wants to know who you are: hf auth login, or set HF_TOKEN",
        403: "this token may not do that: use one that may write there (hf auth login)",
        404: "the Hub has no such thing",
        409: "the Hub has it already, and it was changed meanwhile: try again",
        429: "the Hub has had too many requests: wait a few minutes",
    }
    if status in known:
        return f"{known[status]} (status {status})"
    if status >= 500:
        return f"the Hub is in trouble (status {status}): try again later; what was uploaded is not lost"
    return _first(cause)


def _first(cause: BaseException) -> str:
    return " ".join(str(cause).split())[:200] or type(cause).__name__


def _card_may_go(folder: Path, id: str, revision: str | None) -> bool:  # noqa: A002
    """Whether the card may take the place of the Hub's: that one is none, or was not edited, or both are the same."""
    try:
        there = Path(hf_hub_download(id, "README.md", revision=revision)).read_text(encoding="utf-8")
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        return True
    here = (folder / "README.md").read_text(encoding="utf-8")
    return is_untouched(there) or not is_untouched(here)


def _what_it_is(name: str, revision: str | None) -> str:
    """Why a repository without config.json is refused."""
    files = HfApi(library_name="ganzoo").list_repo_files(name, revision=revision)
    if pickles := [file for file in files if file.lower().endswith(PICKLES)]:
        return (
            f"has no config.json of ganzoo, but {pickles[0]}: a pickle, which can run code when it is opened, and is "
            "not; ask for safetensors (the authors' weights of CycleGAN can be had with ganzoo import)"
        )
    return "is no repository of ganzoo: it has no config.json"


def _write(model: Model, folder: Path) -> None:
    """A model as the published part of a run."""
    if model.plugin is None:
        raise PluginError(f"{model.called} is registered under no name, so it could not be loaded: add an entry point")
    config = Config.of(model, model.plugin, trainer=model.default_trainer, precision="fp32", data={})
    write_weights(folder, model, config)
    write_card(folder, model)
