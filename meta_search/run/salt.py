"""The secret of a run with which whatever an agent's process sees of it is hashed.

Seed, item and repeat are a handful of small numbers and names: of a plain hash of them, an agent's process
finds out in no time which item of which split it is on. So the hash has a salt. It lies in the archive (a
resume and a replay have the same) and never enters a sandbox.

Two runs with one seed must compare, random numbers of their agents included. So the salt is made of the seed
and of a key of this account on this machine, which is drawn once and lies in a file that nobody else can
read. Where no such file can be kept, or on another machine, the salt is another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from archive.readers import has_rows
from archive.records import Archive
from meta_search.config import Config
from meta_search.errors import ArchiveError
from meta_search.run.folder import ARCHIVE, PAID

__all__ = ["key_file", "salt_for"]

DIGITS = 32
KEY_BYTES = 32


def salt_for(config: Config, folder: Path) -> str:
    """The salt of a run: that of its earlier sessions, or of the recording that it takes answers from, else a
    new one. `""`, which salts nothing, where these are older than salts.

    Args:
        config: The configuration.
        folder: The run folder.

    Raises:
        ArchiveError: The recording cannot be read.
    """
    kept = None
    if (folder / ARCHIVE).exists():
        with contextlib.suppress(ArchiveError), Archive(folder) as archive:  # killed before it had tables
            kept = archive.meta("salt")
        if kept is None and has_rows(folder, PAID):
            kept = ""
    if kept is None and config.llm.recording:
        with Archive(Path(config.llm.recording)) as archive:
            kept = archive.meta("salt") or ""
    return _made(config.seed) if kept is None else str(kept)


def key_file() -> Path:
    """Where the key of this account lies."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "meta-search" / "key"


def _made(seed: int) -> str:
    try:
        key = _key(key_file())
    except (OSError, RuntimeError):  # no home, or nothing can be kept there
        key = secrets.token_bytes(KEY_BYTES)
    return hmac.digest(key, f"run/{seed}".encode(), hashlib.sha256).hex()[:DIGITS]


def _key(file: Path) -> bytes:
    """The key in a file, drawn where there is none.

    Raises:
        OSError: It cannot be read or kept, or others may have read it.
    """
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as fresh:
            fresh.write(secrets.token_bytes(KEY_BYTES))
        try:
            with contextlib.suppress(FileExistsError):  # another run was first: its key it is
                os.link(part, file)
        finally:
            part.unlink()
    found = file.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(f"{file} may be read by others")
    key = file.read_bytes()
    if len(key) < KEY_BYTES:
        raise OSError(f"{file} holds no key")
    return key
