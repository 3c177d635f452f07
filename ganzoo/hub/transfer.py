"""The Hugging Face Hub: push a run's published part, pull what somebody published, verified before it is used."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is httpx's, which need not be named
    EntryNotFoundError,
    HTTPError,
    LocalEntryNotFoundError,
)

from ganzoo.errors import HubError, PluginError, StateError
from ganzoo.files import is_free, new_folder, writing
from ganzoo.hub.errors import hub_errors_as_one_line
from ganzoo.model.contract import Model
from ganzoo.state.card import is_untouched, write_card
from ganzoo.state.config import CONFIG, WEIGHTS, Config
from ganzoo.state.run import CARD, UPLOADED, Run
from ganzoo.state.weights import read_weights, write_weights

PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
ID = re.compile(r"(?![^@]*--)(?!.*\.\.)(\w[\w.-]{0,95}/\w[\w.-]{0,95})(?:@([\w./+-]+))?", re.ASCII)
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
    name, revision = _parsed(id, revision)
    with (
        tempfile.TemporaryDirectory() as aside
    ):  # a copy: a run that is being trained may change at any moment
        folder = Path(aside)
        _write(run, folder) if isinstance(run, Model) else _copy_run(Path(run), folder)
        config, _ = read_weights(folder)
        files = {path.name: path.stat().st_size for path in Run(folder).uploaded_files()}
        notes: list[str] = []
        with hub_errors_as_one_line(id):
            api = HfApi(library_name="ganzoo")
            url = f"{api.endpoint}/{name}"
            if dry_run:
                return Pushed(url, files, changed=True, notes=notes)
            api.create_repo(
                name, private=private or None, exist_ok=True
            )  # None: as the account's settings say
            if revision:
                api.create_branch(name, branch=revision, exist_ok=True)
            there = api.repo_info(name, revision=revision)
            if private and not there.private:
                raise HubError(
                    f"{id} is there, and public: make it private in its settings, or leave --private away"
                )
            if CARD in files and _card_stays(
                name, there.sha, (folder / CARD).read_bytes()
            ):
                del files[CARD]
                notes.append(
                    f"the card of {id} was edited on the Hub, and stays; to replace it, delete it there first"
                )
            commit = api.create_commit(  # not upload_folder: with Xet, that may make several
                name,
                [
                    CommitOperationAdd(path_in_repo=file, path_or_fileobj=folder / file)
                    for file in files
                ],
                commit_message=message or f"{config.model}, step {config.step}",
                revision=revision,
                parent_commit=there.sha,  # refused when somebody edits the card at this very moment
            )
    return Pushed(url, files, changed=commit.oid != there.sha, notes=notes)


def pull(id: str, *, revision: str | None = None, out: str | Path | None = None) -> Path:  # noqa: A002
    """The folder of what was published under an id, `user/name` or `user/name@revision`: weights verified by sha256.

    It is huggingface_hub's cache, or a copy of it in `out`. Raises HubError for what the Hub says, StateError when the
    repository is none of ganzoo's or its weights are not what config.json says.
    """
    name, revision = _parsed(id, revision)
    if out is not None and not is_free(Path(out)):  # before anything comes down
        raise StateError(f"{Path(out)} is there already: choose another folder with --out")
    folder = _snapshot(id, name, revision, CONFIG)
    try:
        Config.read(
            folder / CONFIG
        )  # what is none of ganzoo's stops here, before its weights come down
        folder = _snapshot(id, name, revision, *UPLOADED)
        _verify(id, name, folder)
    except StateError as cause:
        reason = str(cause).replace(str(folder), id) + _only_pickles(name, revision)
        raise StateError(f"{reason}; nothing of {id} is used: ask whoever published it") from cause
    if out is None:
        return folder
    target = Path(out)
    with new_folder(target) as aside:
        for path in Run(folder).uploaded_files():
            shutil.copyfile(path, aside / path.name)
        if target.exists():
            target.rmdir()  # refused where somebody put a file into it meanwhile
    return target


def resolve_run(run: str | Path) -> Path:
    """A folder as it is; what looks like an id of the Hub, and is no folder here, is pulled first."""
    path, text = Path(run), Path(run).as_posix()
    if os.path.lexists(path) or not ID.fullmatch(text):
        return path
    try:
        return pull(text)
    except HubError as cause:
        raise HubError(f"there is no folder {text} here; and {cause}") from cause


def _parsed(id: str, revision: str | None) -> tuple[str, str | None]:  # noqa: A002
    """The name and the revision, which stands in the id or beside it."""
    found = ID.fullmatch(f"{id}@{revision}" if revision else id)
    if not found:
        raise HubError(
            f"{id!r}{f' at {revision!r}' if revision else ''} is no id: user/name, or user/name@revision"
        )
    return found[1], found[2]


def _copy_run(run: Path, folder: Path) -> None:
    """The published part of a run."""
    if not run.is_dir():
        raise StateError(f"there is no run {run}")
    Run(run).publish()  # what was torn when a process was killed is made again
    read_weights(run)  # says what is missing by its own name
    with writing(folder):
        for path in Run(run).uploaded_files():
            shutil.copyfile(path, folder / path.name)


def _write(model: Model, folder: Path) -> None:
    """A model as the published part of a run."""
    if model.plugin is None:
        raise PluginError(
            f"{model.display_name} is registered under no name, so it could not be loaded: add an entry point"
        )
    config = Config.of(
        model, model.plugin, trainer=model.default_trainer, precision="fp32", data={}
    )
    write_weights(folder, model, config)
    write_card(folder, model)


def _card_stays(name: str, commit: str | None, here: bytes) -> bool:
    """Whether the Hub's card must be left alone: somebody edited it, and it is not the one that is here."""
    try:
        there = Path(
            hf_hub_download(name, CARD, revision=commit, library_name="ganzoo")
        ).read_bytes()
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        return False
    return there != here and not is_untouched(there.decode(errors="replace"))


def _snapshot(id: str, name: str, revision: str | None, *patterns: str) -> Path:  # noqa: A002
    """The folder of the cache with these files, from the top of the repository alone."""
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
    """Raises StateError unless the weights are whole; where the cache has damaged ones, they are downloaded again."""
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
    """Why there is nothing to read in a repository of pickles; empty for another, or when the Hub cannot be asked."""
    files: list[str] = []
    with suppress(OSError, HTTPError):  # it only adds to an error that is raised anyway
        files = HfApi(library_name="ganzoo").list_repo_files(name, revision=revision)
    pickles = [file for file in files if file.lower().endswith(PICKLES)]
    if not pickles or WEIGHTS in files:
        return ""
    return f"; {pickles[0]} is a pickle, and opening one can run code: ask for safetensors"
