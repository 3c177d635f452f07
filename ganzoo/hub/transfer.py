"""The Hugging Face Hub: push the public part of a run, pull one and verify it before it is used."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is httpx's
    EntryNotFoundError,
    HTTPError,
    LocalEntryNotFoundError,
)

from ganzoo.errors import HubError, PluginError, StateError
from ganzoo.files import new_folder, writing
from ganzoo.hub.errors import hub_errors_as_one_line
from ganzoo.model.contract import Model
from ganzoo.state.card import is_untouched, write_card
from ganzoo.state.config import CONFIG, WEIGHTS, Config
from ganzoo.state.run import UPLOADED, Run
from ganzoo.state.weights import read_weights, write_weights

PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
NAME = r"(?![^@]*--)(?!.*\.\.)(\w[\w.-]{0,95}/\w[\w.-]{0,95})(?:@([\w./+-]+))?"
ID = re.compile(f"(?:hf:)?{NAME}", re.ASCII)
"""user/name or user/name@revision, with or without `hf:`."""


@dataclass(frozen=True)
class Pushed:
    """A push, or a dry run: the address, and the size of each file by name.

    `changed` is False if the Hub had all of them already.
    """

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
    """Uploads weights, configuration, card and pictures of a run, or a model, as one commit.

    The repository is made if it does not exist. Token and endpoint are huggingface_hub's own
    (`hf auth login`, HF_TOKEN, HF_ENDPOINT). An unchanged run uploads nothing; a card that was
    edited on the Hub is left alone; of a local path, only the last component is uploaded. Raises
    StateError if the run is incomplete, PluginError if its model is registered under no name, and
    HubError if the Hub refuses.
    """
    name, revision = _parsed(id, revision)
    with tempfile.TemporaryDirectory() as aside:  # a training may change the run at any moment
        copy = Run(aside)
        if isinstance(run, Model):
            _write_model(run, copy)
        else:
            _copy_run(Run(run), copy)
        config, _ = read_weights(copy.folder)
        message = message or f"{config.model}, step {config.step}"
        files = {path.name: path.stat().st_size for path in copy.uploaded_files()}
        with hub_errors_as_one_line(id):
            api = HfApi(library_name="ganzoo")
            pushed = Pushed(f"{api.endpoint}/{name}", files, changed=True, notes=[])
            if dry_run:
                return pushed
            # None: as the settings of the account say
            api.create_repo(name, private=private or None, exist_ok=True)
            if revision:
                api.create_branch(name, branch=revision, exist_ok=True)
            remote = api.repo_info(name, revision=revision)
            if private and not remote.private:
                raise HubError(
                    f"{id} is there, and public: make it private in its settings, "
                    "or leave --private away"
                )
            _leave_edited_card(pushed, copy, id, name, remote.sha)
            commit = api.create_commit(  # not upload_folder: with Xet, that may make several
                name,
                [CommitOperationAdd(file, copy.folder / file) for file in files],
                commit_message=message,
                revision=revision,
                parent_commit=remote.sha,  # refused if somebody edits the card at this moment
            )
    return replace(pushed, changed=commit.oid != remote.sha)


def pull(id: str, *, revision: str | None = None, out: str | Path | None = None) -> Path:  # noqa: A002
    """Downloads what is published as `user/name` or `user/name@revision`, and verifies its sha256.

    Returns the folder in huggingface_hub's cache, or its copy `out`. Raises HubError if the Hub
    refuses, and StateError if ganzoo did not write the repository or its weights are damaged.
    """
    name, revision = _parsed(id, revision)
    if out is None:
        return _download(id, name, revision)
    with new_folder(Path(out), must_be_free=True) as aside:
        for path in Run(_download(id, name, revision)).uploaded_files():
            shutil.copyfile(path, aside / path.name)
    return Path(out)


def resolve_run(run: str | Path) -> Path:
    """The folder of a RUN: a path, or an id of the Hub, which is pulled.

    An id is `hf:user/name` or `hf:user/name@revision`. Without `hf:` it is one only if nothing here
    has that name, and `user` is neither a folder here nor `runs`: the Hub is not asked about a typo
    in a path.
    """
    text = run if isinstance(run, str) else run.as_posix()
    if text.startswith("hf:"):
        return pull(text)
    if os.path.lexists(run) or not ID.fullmatch(text):
        return Path(run)
    user = text.partition("/")[0]
    if user == "runs" or os.path.lexists(user):
        raise StateError(f"there is no run {text}; on the Hub it would be hf:{text}")
    try:
        return pull(text)
    except HubError as cause:
        raise HubError(f"there is no folder {text} here; and {cause}") from cause


def _parsed(id: str, revision: str | None) -> tuple[str, str | None]:  # noqa: A002
    """Name and revision, which may stand in the id or beside it."""
    text = f"{id}@{revision}" if revision else id
    match = ID.fullmatch(text)
    if not match:
        raise HubError(f"{text!r} is no id: user/name, or user/name@revision")
    return match[1], match[2]


def _copy_run(run: Run, copy: Run) -> None:
    """Copies the public part of a run."""
    if not run.folder.is_dir():
        raise StateError(f"there is no run {run}")
    run.publish()  # repairs what a kill has torn
    config, _ = read_weights(run.folder)  # an error names the file in the run
    if not config.distribution:
        raise _unregistered(config.model)
    with writing(copy.folder):
        for path in run.uploaded_files():
            shutil.copyfile(path, copy.folder / path.name)
        if config != config.public():
            copy.config.write_text(config.public().to_json(), encoding="utf-8")


def _write_model(model: Model, copy: Run) -> None:
    """Writes a model as the public part of a run."""
    if model.plugin is None:
        raise _unregistered(model.display_name)
    config = Config.of(model, trainer=model.default_trainer, precision="fp32", data={})
    write_weights(copy.folder, model, config.public())
    write_card(copy.folder, model)


def _unregistered(name: str) -> PluginError:
    return PluginError(
        f"{name} is registered under no name, so nobody could load it: add an entry point"
    )


def _leave_edited_card(pushed: Pushed, copy: Run, id: str, name: str, commit: str | None) -> None:  # noqa: A002
    """Takes the card out of the upload if somebody edited it on the Hub."""
    card = copy.card.name
    if card not in pushed.files:
        return
    try:
        file = hf_hub_download(name, card, revision=commit, library_name="ganzoo")
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        return
    remote = Path(file).read_bytes()
    if remote != copy.card.read_bytes() and not is_untouched(remote.decode(errors="replace")):
        del pushed.files[card]
        pushed.notes.append(
            f"the card of {id} was edited on the Hub, and stays; "
            "to replace it, delete it there first"
        )


def _download(id: str, name: str, revision: str | None) -> Path:  # noqa: A002
    """The folder in the cache, verified."""
    folder = _snapshot(id, name, revision, CONFIG)
    try:
        Config.read(folder / CONFIG)  # another library's stops here, before its weights come down
        folder = _snapshot(id, name, revision, *UPLOADED)
        _verify(id, name, folder)
    except StateError as cause:
        reason = str(cause).replace(str(folder), id) + _only_pickles(name, revision)
        raise StateError(f"{reason}; nothing of {id} is used: ask whoever published it") from cause
    return folder


def _snapshot(id: str, name: str, revision: str | None, *patterns: str) -> Path:  # noqa: A002
    """The folder in the cache with these files, of the top of the repository alone."""
    with hub_errors_as_one_line(id):
        folder = snapshot_download(
            name,
            revision=revision,
            allow_patterns=list(patterns),
            ignore_patterns=["*/*"],
            library_name="ganzoo",
        )
    return Path(folder)


def _verify(id: str, name: str, folder: Path) -> None:  # noqa: A002
    """Raises StateError unless the weights are whole; damaged ones are downloaded again first."""
    try:
        read_weights(folder)
    except StateError as damage:
        if not (folder / WEIGHTS).exists():
            raise
        try:
            with hub_errors_as_one_line(id):
                for file in (CONFIG, WEIGHTS):
                    hf_hub_download(
                        name, file, revision=folder.name, force_download=True, library_name="ganzoo"
                    )
        except HubError as cause:
            raise StateError(f"{damage}; and it cannot be downloaded again: {cause}") from cause
        read_weights(folder)


def _only_pickles(name: str, revision: str | None) -> str:
    """Says so if a repository has pickles instead; empty if not, or if the Hub cannot be asked."""
    files: list[str] = []
    with suppress(OSError, HTTPError):  # it only adds to an error that is raised anyway
        files = HfApi(library_name="ganzoo").list_repo_files(name, revision=revision)
    pickles = [file for file in files if file.lower().endswith(PICKLES)]
    if not pickles or WEIGHTS in files:
        return ""
    return f"; {pickles[0]} is a pickle, and opening one can run code: ask for safetensors"
