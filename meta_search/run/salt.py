"""The secret of a run with which whatever an agent's process sees of it is hashed.

Seed, item and repeat are a handful of small numbers and names: of a plain hash of them, an agent's process
finds out in no time which item of which split it is on. So the hash has a salt. It lies in the archive (a
resume and a replay have the same) and never enters a sandbox.

Two runs with one seed must compare, random numbers of their agents included. So the salt is made of the seed
and of this account's key. Where no such key can be kept, or on another machine, the salt is another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from pathlib import Path

from archive.readers import has_rows
from archive.records import Archive
from meta_search.config import Config
from meta_search.errors import ArchiveError
from meta_search.run.account_key import account_key
from meta_search.run.folder import ARCHIVE, PAID
from meta_search.run.fork import folder_of

__all__ = ["salt_for"]

DIGITS = 32


def salt_for(config: Config, folder: Path) -> str:
    """The salt of a run: that of its earlier sessions, or of the run that it takes answers from, else a
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
    taken = config.llm.recording or (folder_of(config) if config.llm.mode != "replay" else None)
    if kept is None and taken:
        with Archive(Path(taken)) as archive:
            kept = archive.meta("salt") or ""
    return _made(config.seed) if kept is None else str(kept)


def _made(seed: int) -> str:
    key = account_key() or secrets.token_bytes(32)  # nothing can be kept: a key for this once
    return hmac.digest(key, f"run/{seed}".encode(), hashlib.sha256).hex()[:DIGITS]
