"""The Hugging Face Hub: push the public part of a run, pull one and verify it; what a RUN is."""

import logging
import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import NamedTuple, Self

from huggingface_hub import (
    CommitOperationAdd,
    HfApi,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is httpx's
    EntryNotFoundError,
    HTTPError,
    LocalEntryNotFoundError,
)

from ganzoo.discovery.pretrained import PretrainedWeights, declared, find
from ganzoo.errors import HubError, PluginError, StateError
from ganzoo.files import expanded, new_folder, writing
from ganzoo.hub.errors import hub_errors_as_one_line
from ganzoo.model.contract import Model
from ganzoo.state.card import is_untouched
from ganzoo.state.config import CONFIG, WEIGHTS, Config
from ganzoo.state.run import UPLOADED, Run
from ganzoo.state.saved import write_model
from ganzoo.state.weights import read_weights

logger = logging.getLogger(__name__)
PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
ID = re.compile(
    r"(?:hf:|hf-hub:)?(?![^@]*--)(?!.*\.\.)(\w[\w.-]{0,95}/\w[\w.-]{0,95})(?:@([\w./+-]+))?",
    re.ASCII,
)
"""user/name or user/name@revision, with or without one of PREFIXES."""
PREFIXES = ("hf:", "hf-hub:")
"""What makes an id of any text; timm writes `hf-hub:`."""


def has_prefix(text: str) -> bool:
    """Whether it says itself that it is an id of the Hub."""
    return text.startswith(PREFIXES)


@dataclass(frozen=True)
class Pushed:
    """A push, or a dry run: the address, and the size of each file by name.

    `changed` is False if the Hub had all of them already.
    """

    url: str
    files: dict[str, int]
    changed: bool
    notes: list[str]


class Repo(NamedTuple):
    """A repository of the Hub at a revision, or at its main branch."""

    name: str
    revision: str | None

    @classmethod
    def of(cls, id: str, revision: str | None) -> Self:  # noqa: A002
        """The revision may stand in the id or beside it. Raises HubError if it is no id."""
        text = f"{id}@{revision}" if revision else id
        match = ID.fullmatch(text)
        if not match or text.startswith("runs/"):  # a path, in the wrong place
            raise HubError(f"{text!r} is no id: user/name, or user/name@revision")
        return cls(match[1], match[2])

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name


def push(
    run: str | PathLike[str] | Model,
    id: str,  # noqa: A002  (what the Hub calls it)
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
    dry_run: bool = False,
) -> Pushed:
    """Uploads weights, configuration, card and pictures of a RUN, or a model, as one commit.

    The repository is made if it does not exist. Token and endpoint are huggingface_hub's own
    (`hf auth login`, HF_TOKEN, HF_ENDPOINT). An unchanged run uploads nothing; a card that was
    edited on the Hub is left alone; of a local path, only the last component is uploaded. Raises
    StateError if the run is incomplete, PluginError if its model is registered under no name, and
    HubError if the Hub refuses.
    """
    repo = Repo.of(id, revision)
    with tempfile.TemporaryDirectory() as temporary:  # a training may change the run at any moment
        copy = Run(temporary)
        config = _copy_public(run, copy)
        files = {path.name: path.stat().st_size for path in copy.uploaded_files()}
        with hub_errors_as_one_line(id):
            api = HfApi(library_name="ganzoo")
            pushed = Pushed(
                f"{api.endpoint}/{repo.name}",
                files,
                changed=True,
                notes=[],
            )
            if dry_run:
                return pushed
            tip = _tip(api, repo, private)
            if _card_was_edited(repo.name, tip, copy.card):
                del files[copy.card.name]
                pushed.notes.append(
                    f"the card of {id} was edited on the Hub, and stays; "
                    "to replace it, delete it there first"
                )
            commit = api.create_commit(  # not upload_folder: with Xet, that may make several
                repo.name,
                [CommitOperationAdd(name, copy.folder / name) for name in files],
                commit_message=message or f"{config.model}, step {config.step}",
                revision=repo.revision,
                parent_commit=tip,  # refused if somebody edits the card at this moment
            )
    return replace(pushed, changed=commit.oid != tip)


def pull(
    id: str,  # noqa: A002  (what the Hub calls it)
    *,
    revision: str | None = None,
    out: str | Path | None = None,
) -> Path:
    """Downloads a repository, `user/name` or `user/name@revision`, and verifies its sha256.

    Returns the folder in huggingface_hub's cache, or its copy `out`. Raises HubError if the Hub
    refuses, UsageError if `out` is not free, and StateError if ganzoo did not write the repository
    or its weights are damaged.
    """
    repo = Repo.of(id, revision)
    if out is None:
        return _download(repo)
    target = expanded(out)
    with new_folder(target, must_be_free=True) as unfinished:
        for path in Run(_download(repo)).uploaded_files():
            shutil.copyfile(path, unfinished / path.name)
    return target


def resolve_run(run: str | PathLike[str]) -> Path:
    """A RUN is a path, else pretrained weights, else an id of the Hub, which is pulled.

    Pretrained weights are `MODEL:NAME`, or `MODEL` for its first, as packages declare them. An id
    is `hf:user/name`, with `@revision` if need be. Without `hf:` it is one only if `user` is
    neither `runs` nor a folder here: the Hub is not asked about a typo in a path. It is logged what
    was taken, unless it is a path. Raises StateError if it is none of the three, or if the sha256
    of declared weights is another one; HubError if the Hub refuses.
    """
    text = run if isinstance(run, str) else Path(run).as_posix()
    if has_prefix(text):
        return _pulled(text)
    path = expanded(run)
    if os.path.lexists(path):
        return path
    model, _, name = text.partition(":")
    weights = find(model, name or None)
    if weights:
        message = f"{text}: the pretrained weights {weights.described}"
        own = Path("runs", text)
        if own.is_dir():
            message += f"; not your own run, {own}"
        logger.info(message)
        return pretrained_folder(weights)
    user = text.partition("/")[0]
    if not ID.fullmatch(text) or user == "runs" or os.path.lexists(user):
        raise _no_run(text)
    try:
        return _pulled(text)
    except HubError as cause:
        raise HubError(f"no folder {text} here; and {cause}") from cause


def pretrained_folder(weights: PretrainedWeights) -> Path:
    """The folder of declared weights; those on the Hub are pulled.

    Raises StateError if they have another sha256 than their package declares.
    """
    folder = weights.folder or pull(f"{weights.hub}@{weights.revision}")
    if weights.sha256 not in ("", Config.read(folder / CONFIG).sha256):
        raise StateError(f"{folder} has another sha256 than {weights.package} declares")
    return folder


def _copy_public(run: str | PathLike[str] | Model, copy: Run) -> Config:
    """Copies what is uploaded of a run, or writes a model, without local paths.

    Raises StateError if the run is incomplete, PluginError if nobody else could load the model.
    """
    if isinstance(run, Model):
        write_model(copy.folder, run)
    else:
        source = Run(resolve_run(run))
        source.publish()  # repairs what a kill has torn
        source.read_with_fallback(read_weights)  # an error names the file in the run
        with writing(copy.folder):
            for path in source.uploaded_files():
                shutil.copyfile(path, copy.folder / path.name)
    config, _ = read_weights(copy.folder)
    if not config.distribution:
        raise PluginError(
            f"{config.model} is registered under no name, so nobody could load it: "
            "add an entry point"
        )
    public = config.public()
    if public != config:
        copy.config.write_text(public.to_json())
    return config


def _tip(api: HfApi, repo: Repo, private: bool) -> str | None:
    """The newest commit of the branch; makes repository and branch if they do not exist."""
    # None: as the settings of the account say
    api.create_repo(repo.name, private=private or None, exist_ok=True)
    if repo.revision:
        api.create_branch(repo.name, branch=repo.revision, exist_ok=True)
    info = api.repo_info(repo.name, revision=repo.revision)
    if private and not info.private:
        raise HubError(
            f"{repo} already exists and is public: "
            "make it private in its settings, or leave --private out"
        )
    return info.sha


def _card_was_edited(name: str, commit: str | None, card: Path) -> bool:
    """Whether somebody edited the card on the Hub, and it is not the local one."""
    if not card.exists():
        return False
    try:
        file = hf_hub_download(name, card.name, revision=commit)
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        return False
    remote = Path(file).read_bytes()
    return remote != card.read_bytes() and not is_untouched(remote.decode(errors="replace"))


def _download(repo: Repo) -> Path:
    """The folder in the cache, verified."""
    folder = _snapshot(repo, CONFIG)
    try:
        Config.read(folder / CONFIG)  # another library's stops here, before its weights come down
        folder = _snapshot(repo, *UPLOADED)
        _verify(repo, folder)
    except StateError as cause:
        reason = str(cause).replace(str(folder), str(repo)) + _only_pickles(repo)
        raise StateError(
            f"{reason}; nothing of {repo} is used: ask whoever published it"
        ) from cause
    return folder


def _snapshot(repo: Repo, *patterns: str) -> Path:
    """The folder in the cache with these files, of the top of the repository alone."""
    with hub_errors_as_one_line(str(repo)):
        folder = snapshot_download(
            repo.name,
            revision=repo.revision,
            allow_patterns=list(patterns),
            ignore_patterns=["*/*"],
            library_name="ganzoo",
        )
    return Path(folder)


def _verify(repo: Repo, folder: Path) -> None:
    """Raises StateError unless the weights are whole; damaged ones are downloaded again first."""
    try:
        read_weights(folder)
    except StateError as damage:
        if not (folder / WEIGHTS).exists():
            raise
        try:
            with hub_errors_as_one_line(str(repo)):
                for name in (CONFIG, WEIGHTS):
                    hf_hub_download(
                        repo.name,
                        name,
                        revision=folder.name,
                        force_download=True,
                    )
        except HubError as cause:
            raise StateError(f"{damage}; and it cannot be downloaded again: {cause}") from cause
        read_weights(folder)


def _only_pickles(repo: Repo) -> str:
    """Says so if a repository has pickles instead; empty if not, or if the Hub cannot be asked."""
    files: list[str] = []
    with suppress(OSError, HTTPError):  # it only adds to an error that is raised anyway
        files = HfApi().list_repo_files(repo.name, revision=repo.revision)
    pickles = [file for file in files if file.lower().endswith(PICKLES)]
    if not pickles or WEIGHTS in files:
        return ""
    return f"; {pickles[0]} is a pickle, and opening one can run code: ask for safetensors"


def _pulled(id: str) -> Path:  # noqa: A002
    folder = pull(id)
    logger.info(f"{id}: the repository of the Hub, at commit {folder.name[:12]}")
    return folder


def _no_run(text: str) -> StateError:
    """The error that names the three ways, and what may have been meant."""
    known, errors = declared()
    id_there = f"hf:{text}" if ID.fullmatch(text) else "hf:user/name"
    message = (
        f"there is no run {text!r}: give a folder, pretrained weights (ganzoo list --pretrained), "
        f"or an id of the Hub ({id_there})"
    )
    choices: dict[str, object] = {str(weights): weights for weights in known}
    choices |= Run(text).neighbours()
    close = get_close_matches(Path(text).name, choices, n=1)
    if close:
        message += f"; did you mean {choices[close[0]]}?"
    if errors:
        message += f" ({errors[0]})"
    return StateError(message)
