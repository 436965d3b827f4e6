"""Files of a run folder, which may be a stranger's: no link is followed, no pipe waited for."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import IO

__all__ = ["digest_of", "open_to_append", "read_small", "write_whole"]

MOST = 16 * 2**20  # bytes of a file that is read whole
LARGEST = 256 * 2**20  # bytes of one of which a digest is made


def read_small(path: Path, encoding: str = "utf-8", follow: bool = False) -> str:
    """The text of a plain file.

    Args:
        path: The file.
        encoding: Of the text.
        follow: Whether it may be a link: where the user has named it, not a folder of somebody's.

    Raises:
        OSError: It cannot be read, or is a link or no file.
        ValueError: It is too large, or no text in UTF-8.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    with os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST:
            raise ValueError(f"{path} is no plain file of at most {MOST // 2**20} MB")
        return file.read(MOST + 1).decode(encoding)


def digest_of(path: Path) -> str:
    """The sha256 of a plain file, which is never held in memory as a whole.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no plain file, or larger than any that is looked at.
    """
    found, left = hashlib.sha256(), LARGEST
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path} is no plain file")
        while part := file.read(2**20):
            left -= len(part)
            if left < 0:
                raise ValueError(f"{path} is larger than {LARGEST // 2**20} MB")
            found.update(part)
    return found.hexdigest()


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file all of it or not at all. A link in its place is replaced, never followed.

    Args:
        path: The file.
        text: What it holds; half surrogates, which a model's JSON may hold, become question marks.
        mode: As `open` takes it; the umask is taken off.

    Raises:
        OSError: It cannot be written.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(part, flags, mode), "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def open_to_append(path: Path) -> IO[str]:
    """A file to add lines to.

    Raises:
        OSError: It cannot be written, or is a link.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o644), "a", encoding="utf-8", errors="replace")
