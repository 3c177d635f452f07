"""A Hugging Face Hub on 127.0.0.1, with the protocol that push and pull need.

It is a reading of the client (1.33 and 2.4), not proof of the real Hub: plain HTTP, without Xet.
"""

import base64
import hashlib
import json
import re
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

WRITER, READER = "hf_writer", "hf_reader"
"""Tokens that the server knows; the second may only read."""
LARGE = (".safetensors", ".bin")
"""Endings of what goes by way of the large file storage."""
Tree = dict[str, bytes]


@dataclass
class Repo:
    """Commits by their hashes, and the branches that point at them."""

    private: bool = False
    commits: dict[str, Tree] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Tree, title: str = "by hand", branch: str = "main") -> str:
        """Adds or replaces files at the tip of a branch; gives the new commit's hash."""
        tree = {**self.commits.get(self.branches.get(branch, ""), {}), **files}
        self.titles.append(title)
        self.branches[branch] = hashlib.sha1(
            f"{title} {len(self.titles)}".encode(), usedforsecurity=False
        ).hexdigest()
        self.commits[self.branches[branch]] = tree
        return self.branches[branch]

    def find(self, revision: str) -> str | None:
        """The commit that a branch or a hash names."""
        return self.branches.get(revision, revision if revision in self.commits else None)

    def tip(self, branch: str = "main") -> Tree:
        """The files at the end of a branch."""
        return self.commits[self.branches[branch]]


class Request(NamedTuple):
    """What was asked of the server."""

    method: str
    path: str
    range: str | None
    size: int


@dataclass
class Fault:
    """A status that the next requests get whose `METHOD path` a pattern is found in."""

    status: int
    pattern: str
    times: int
    code: str


class Hub:
    """The server: `with Hub() as hub:`, then `hub.url`. Its content may be read and changed."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Bound", (Handler,), {"hub": self})
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.reset()

    def reset(self) -> None:
        """Forgets everything, for the next test."""
        self.repos: dict[str, Repo] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.cut: set[str] = set()
        """Names of files of which the next download breaks off in the middle."""
        self.corrupt: set[str] = set()
        """Files that are served with other bytes of the same number, under the same ETag."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def create(self, name: str, files: Tree | None = None, *, private: bool = False) -> Repo:
        """A repository as the Hub makes it, with these files."""
        self.repos[name] = Repo(private)
        self.repos[name].commit({".gitattributes": b"*.safetensors filter=lfs\n"}, "initial commit")
        if files:
            self.repos[name].commit(files)
        return self.repos[name]

    def refuse(self, status: int, pattern: str = "", *, times: int = 100, code: str = "") -> None:
        """Answers the next requests that match with this status and an X-Error-Code."""
        self.faults.append(Fault(status, pattern, times, code))

    def fault(self, request: str) -> Fault | None:
        """The fault that this request runs into, if any."""
        for fault in self.faults:
            if fault.times and re.search(fault.pattern, request):
                fault.times -= 1
                return fault
        return None

    def asked(self, pattern: str) -> list[Request]:
        """The requests so far in whose `METHOD path` the pattern is found."""
        return [
            request
            for request in self.requests
            if re.search(pattern, f"{request.method} {request.path}")
        ]


class Handler(BaseHTTPRequestHandler):
    """One connection; `routes` says which method answers what."""

    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    routes = (
        (r"POST /api/repos/create", "create"),
        (r"POST /api/validate-yaml", "validate"),
        (r"POST /api/models/(\w[^/]*/[^/]+)/branch/(.+)", "branch"),
        (r"POST /api/models/(\w[^/]*/[^/]+)/preupload/(.+)", "preupload"),
        (r"POST /api/models/(\w[^/]*/[^/]+)/commit/(.+)", "commit"),
        (r"POST /([^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
        (r"PUT /large/(\w+)", "put"),
        (r"POST /large/(\w+)", "verify"),
        (r"GET /api/models/(\w[^/]*/[^/]+)/tree/([^/]+)", "tree"),
        (r"GET /api/models/(\w[^/]*/[^/]+)(?:/revision/(.+))?", "info"),
        (r"(?:GET|HEAD) /([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "resolve"),
    )

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        self.hub.requests.append(
            Request(self.command, unquote(path), self.headers.get("Range"), len(self.body))
        )
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.token = token if token in (WRITER, READER) else None
        if fault := self.hub.fault(f"{self.command} {unquote(path)}"):
            return self.refuse(fault.status, fault.code, "as the test wants it")
        if token and not self.token:
            return self.refuse(401, "", "Invalid credentials in Authorization header")
        if self.command == "POST" and "validate-yaml" not in path and self.token != WRITER:
            return self.refuse(403 if self.token else 401, "", "you may not write")
        for pattern, name in self.routes:
            if match := re.fullmatch(pattern, f"{self.command} {path}"):
                return getattr(self, name)(
                    *(unquote(part) if part else part for part in match.groups())
                )
        return self.refuse(404, "", "no such page")

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.hub.repos:
            return self.answer(
                {"url": f"{self.hub.url}/{name}", "error": "You already created this model repo"},
                409,
            )
        self.hub.create(
            name, private=asked.get("visibility") == "private" or bool(asked.get("private"))
        )
        return self.answer({"url": f"{self.hub.url}/{name}"})

    def validate(self) -> None:
        front = re.match(r"---\n(.+?\n)---\n", json.loads(self.body)["content"], re.DOTALL)
        if not front:
            return self.answer(
                {"warnings": [{"message": "empty or missing yaml metadata in repo card"}]}
            )
        wrong = [line for line in front[1].splitlines() if not re.match(r"\w+:|[ -]", line)]
        errors = [{"message": f"no YAML: {line}"} for line in wrong]
        return self.answer({"warnings": [], "errors": errors}, 400 if errors else 200)

    def branch(self, name: str, branch: str) -> None:
        repo = self.hub.repos[name]
        if branch in repo.branches:
            return self.answer({"error": "Reference already exists"}, 409)
        repo.branches[branch] = repo.branches["main"]
        return self.answer({}, 201)

    def preupload(self, name: str, revision: str) -> None:
        tree = self.hub.repos[name].tip(revision)
        files = []
        for path in (file["path"] for file in json.loads(self.body)["files"]):
            oid = _etag(path, tree[path]) if path in tree else None
            mode = "lfs" if path.endswith(LARGE) else "regular"
            files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self.answer({"files": files})

    def batch(self, name: str) -> None:
        objects = []
        for each in json.loads(self.body)["objects"]:
            link = {"href": f"{self.hub.url}/large/{each['oid']}"}
            missing = {"actions": {"upload": link, "verify": link}}
            objects.append(each if each["oid"] in self.hub.large else {**each, **missing})
        self.answer({"transfer": "basic", "objects": objects})

    def put(self, oid: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.large[oid] = self.body
        self.answer({})

    def verify(self, oid: str) -> None:
        self.answer({}, 200 if oid in self.hub.large else 404)

    def commit(self, name: str, revision: str) -> None:
        repo, files, header = self.hub.repos[name], {}, {}
        for line in map(json.loads, self.body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                header = value
            else:  # a file, or an lfsFile
                small = base64.b64decode(value.get("content", ""))
                files[value["path"]] = self.hub.large[value["oid"]] if "oid" in value else small
        if header.get("parentCommit", repo.branches[revision]) != repo.branches[revision]:
            return self.refuse(412, "", "A commit has happened since")
        oid = repo.commit(files, header["summary"], revision)
        return self.answer({"commitOid": oid, "commitUrl": f"{self.hub.url}/{name}/commit/{oid}"})

    def find(self, name: str, revision: str) -> tuple[Repo, str] | None:
        """The repository and the commit; refuses if there is none, or for another token."""
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and not self.token):
            return self.refuse(404 if self.token else 401, "RepoNotFound", "Repository not found")
        commit = repo.find(revision)
        return (repo, commit) if commit else self.refuse(404, "RevisionNotFound", "Invalid rev id")

    def info(self, name: str, revision: str | None) -> None:
        if found := self.find(name, revision or "main"):
            repo, commit = found
            files = [{"rfilename": path} for path in repo.commits[commit]]
            self.answer({"id": name, "sha": commit, "private": repo.private, "siblings": files})

    def tree(self, name: str, revision: str) -> None:
        if found := self.find(name, revision):
            entries = []
            for path, content in found[0].commits[found[1]].items():
                entry = {"type": "file", "path": path, "size": len(content), "oid": _git(content)}
                if path.endswith(LARGE):
                    entry["lfs"] = {
                        "oid": _etag(path, content),
                        "size": len(content),
                        "pointerSize": 130,
                    }
                entries.append(entry)
            self.answer(entries)

    def resolve(self, name: str, revision: str, path: str) -> None:
        if not (found := self.find(name, revision)):
            return None
        repo, commit = found
        content = repo.commits[commit].get(path)
        if content is None:
            return self.refuse(404, "EntryNotFound", "Entry not found")
        etag = _etag(path, content)
        if path in self.hub.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = int((re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "") or [0, 0])[1])
        headers = {
            "ETag": f'"{etag}"',
            "X-Linked-Etag": f'"{etag}"',
            "X-Linked-Size": str(len(content)),
        }
        headers |= {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.head(206 if start else 200, {"Content-Length": str(len(content) - start), **headers})
        if self.command == "HEAD":
            return None
        if path not in self.hub.cut:
            return self.wfile.write(content[start:])
        self.hub.cut.discard(path)
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True
        return self.connection.shutdown(socket.SHUT_RDWR)

    def refuse(self, status: int, code: str, message: str) -> None:
        self.answer(
            {"error": message},
            status,
            {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})},
        )

    def answer(
        self, document: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(document).encode()
        self.head(
            status,
            {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                **(headers or {}),
            },
        )
        if self.command != "HEAD":
            self.wfile.write(content)

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


def _git(content: bytes) -> str:
    """The hash that git gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _etag(path: str, content: bytes) -> str:
    """The hash that the Hub names a file's content by."""
    return hashlib.sha256(content).hexdigest() if path.endswith(LARGE) else _git(content)
