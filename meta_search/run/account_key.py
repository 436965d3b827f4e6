"""The key of this account on this machine: drawn once, in a file that nobody else can read.

The salts of runs (`run/salt.py`) and their signatures (`run/ownership.py`) are made of it, each under words
of its own, so that one tells nothing of the other.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

__all__ = ["account_key", "key_file"]

BYTES = 32


def key_file() -> Path:
    """Where the key lies.

    Raises:
        RuntimeError: This account has no home.
    """
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "meta-search" / "key"


def account_key(make: bool = True) -> bytes | None:
    """The key; `None` where there is none, or others may have read it.

    Args:
        make: Whether to draw one where there is none.
    """
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        file = key_file()
        if make and not file.exists():
            _draw(file)
        found = file.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
            with open(file, "rb") as opened:
                key = opened.read(BYTES + 1)
            return key if len(key) == BYTES else None
    return None


def _draw(file: Path) -> None:
    """Write a new key at once and whole: of two runs that start together, both have the first one's."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(part, flags, 0o600), "wb") as fresh:
        fresh.write(secrets.token_bytes(BYTES))
    try:
        with contextlib.suppress(FileExistsError):
            os.link(part, file)
    finally:
        part.unlink()
