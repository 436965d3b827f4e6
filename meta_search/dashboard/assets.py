"""The files of the page, as the wheel carries them: read once, kept packed."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

__all__ = ["INDEX", "Asset", "assets"]

INDEX = "index.html"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
PACKED = (".html", ".js", ".css", ".svg", ".json", ".txt")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file.

    Attributes:
        plain: What it holds.
        packed: The same by gzip; `b""` where that gains nothing.
        kind: Its media type.
        tag: Its ETag: of what it holds.
    """

    plain: bytes
    packed: bytes
    kind: str
    tag: str


def assets() -> Mapping[str, Asset]:
    """Path below the server's root -> file; empty where the page was not built."""
    static = resources.files("meta_search.dashboard").joinpath("static")
    return {name: _asset(name, file) for name, file in _files(static)} if static.is_dir() else {}


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.is_dir():
            yield from _files(file, f"{prefix}{file.name}/")
        elif _ending(file.name) in KINDS:
            yield f"{prefix}{file.name}", file


def _asset(name: str, file: Traversable) -> Asset:
    plain = file.read_bytes()
    ending = _ending(name)
    packed = gzip.compress(plain, 9, mtime=0) if ending in PACKED else b""
    tag = f'"{hashlib.sha256(plain).hexdigest()[:24]}"'
    return Asset(plain, packed if len(packed) < len(plain) else b"", KINDS[ending], tag)


def _ending(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""
