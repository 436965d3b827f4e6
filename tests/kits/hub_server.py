"""A hub on loopback: repositories of small files, served as the Hugging Face hub serves data sets."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["Hub", "hub"]


class Hub:
    """Repositories with their commits.

    Attributes:
        commits: Repository -> commit -> path -> bytes.
        refs: Repository -> branch or tag -> commit.
        private: Repository -> the token that it needs.
        gated: Repositories that nobody has access to.
        asked: Method and path of each request so far.
        tokens: What stood in the header Authorization of each.
    """

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, dict[str, bytes]]] = {}
        self.refs: dict[str, dict[str, str]] = {}
        self.private: dict[str, str] = {}
        self.gated: set[str] = set()
        self.asked: list[str] = []
        self.tokens: list[str] = []
        self.url = ""

    def commit(self, name: str, files: Mapping[str, bytes], ref: str = "main") -> str:
        """Add a commit; its id is a digest of its files."""
        digest = hashlib.sha1()
        for path, data in sorted(files.items()):
            digest.update(path.encode() + b"\0" + data)
        sha = digest.hexdigest()
        self.commits.setdefault(name, {})[sha] = dict(files)
        self.refs.setdefault(name, {})[ref] = sha
        return sha

    def answer(self, method: str, target: str, token: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        parts = urlsplit(target)
        words = [unquote(word) for word in parts.path.strip("/").split("/")]
        api = words[:1] == ["api"]
        words = words[1:] if api else words
        if words[:1] != ["datasets"]:
            return 404, {}, b"{}"
        name = "/".join(words[1:3])
        if name not in self.commits or self.private.get(name, token) != token:
            return 401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b"{}"
        rest = words[3:]
        if not api and name in self.gated and rest[:1] == ["resolve"]:
            return 403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}, b"{}"
        rev = rest[1] if len(rest) > 1 else "main"
        sha = self.refs[name].get(rev, rev)
        if sha not in self.commits[name]:
            return 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}, b"{}"
        files = self.commits[name][sha]
        if api:
            query = parse_qs(body.decode() if method == "POST" else parts.query)
            told = json.dumps(self._api(name, sha, files, rest, query))
            return 200, {"Content-Type": "application/json"}, told.encode()
        path = "/".join(rest[2:])
        if path not in files:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}, b""
        etag = f'"{_oid(files[path])}"'
        return 200, {"X-Repo-Commit": sha, "ETag": etag}, files[path]

    def _api(
        self, name: str, sha: str, files: Mapping[str, bytes], rest: list[str], query: Mapping[str, Any]
    ) -> Any:
        if rest[:1] == ["tree"]:
            below = "/".join(rest[2:])
            found = [_entry(path, data) for path, data in files.items() if path.startswith(below)]
            if query.get("recursive", ["false"])[0].lower() in ("true", "1"):
                return [*_folders(files, below), *found]
            prefix = f"{below}/" if below else ""
            here = [entry for entry in found if "/" not in entry["path"][len(prefix) :]]
            return [*(f for f in _folders(files, below) if "/" not in f["path"][len(prefix) :]), *here]
        if rest[:1] == ["paths-info"]:
            wanted = query.get("paths", [])
            found = [_entry(path, files[path]) for path in wanted if path in files]
            return [*found, *(f for f in _folders(files, "") if f["path"] in wanted)]
        return {
            "_id": sha[:24],
            "id": name,
            "sha": sha,
            "private": name in self.private,
            "gated": "manual" if name in self.gated else False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "lastModified": "2026-01-01T00:00:00.000Z",
            "siblings": [{"rfilename": path} for path in files],
        }


def _oid(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def _entry(path: str, data: bytes) -> dict[str, Any]:
    return {"type": "file", "path": path, "size": len(data), "oid": _oid(data)}


def _folders(files: Mapping[str, bytes], below: str) -> list[dict[str, Any]]:
    found = {"/".join(path.split("/")[:n]) for path in files for n in range(1, path.count("/") + 1)}
    prefix = f"{below}/" if below else ""
    paths = [path for path in sorted(found) if path.startswith(prefix)]
    return [{"type": "directory", "path": path, "oid": _oid(path.encode())} for path in paths]


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub that serves while the block runs; `Hub.url` is for HF_ENDPOINT."""
    held = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            held.asked.append(f"{self.command} {self.path}")
            held.tokens.append(token)
            status, headers, data = held.answer(self.command, self.path, token, body)
            start, end = 0, len(data)
            ranged = self.headers.get("Range", "")
            if status == 200 and ranged.startswith("bytes="):
                first, _, last = ranged[6:].partition("-")
                start, end = int(first or 0), int(last) + 1 if last else len(data)
                status, headers = 206, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[start:end])

        do_GET = do_HEAD = do_POST = _answer

        def log_message(self, *args: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
