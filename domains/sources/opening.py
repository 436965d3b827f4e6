"""Opens a file of rows: no pipes, no devices, nothing too large; through gzip or zstd where it is packed."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from pathlib import Path
from typing import IO, Any

from domains.sources.arrow import zstd
from domains.sources.limits import LARGEST_FILE, Meter, megabytes
from meta_search.errors import DomainError

__all__ = ["opened", "packing", "peek"]

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 2**16


def peek(path: Path, size: int = CHUNK) -> bytes:
    """The first bytes of a file, as they lie there.

    Raises:
        DomainError: It cannot be read, or is no plain file.
    """
    with _plain(path) as file:
        return file.read(size)


def packing(path: Path) -> str:
    """What a file is packed with, by its first bytes: `gz`, `zst` or nothing."""
    start = peek(path, 4)
    return "gz" if start.startswith(GZIP) else "zst" if start == ZSTD else ""


def opened(path: Path) -> IO[bytes]:
    """A file's bytes, unpacked while they are read.

    Raises:
        DomainError: It cannot be read, is no plain file, or is too large; while it is read, that it is broken
            off, damaged, or unpacks to too much.
    """
    packed = packing(path)
    file = _plain(path)
    if not packed:
        return io.BufferedReader(file, CHUNK)
    size = os.fstat(file.fileno()).st_size
    try:
        inner = gzip.GzipFile(fileobj=file, mode="rb") if packed == "gz" else zstd(str(path), file)
    except BaseException:
        file.close()
        raise
    return io.BufferedReader(_Unpacked(inner, file, str(path), size), CHUNK)


def _plain(path: Path) -> io.FileIO:
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe is not waited for
        found = os.fstat(number)
        if stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_FILE:
            return io.FileIO(number)
        os.close(number)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(0, "Is a directory")
    except (OSError, ValueError) as error:  # a name with a NUL
        why = getattr(error, "strerror", None) or error
        raise DomainError(f"domain.path={path}: cannot be read: {why}") from error
    raise DomainError(f"domain.path={path}: is no plain file of at most {megabytes(LARGEST_FILE)}")


class _Unpacked(io.RawIOBase):
    """What a packed file holds, measured."""

    def __init__(self, inner: Any, file: IO[bytes], place: str, packed: int) -> None:
        self._inner, self._file, self._place = inner, file, place
        self._meter = Meter(place, packed)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Further bytes.

        Raises:
            DomainError: They are damaged or too many.
        """
        try:
            found = self._inner.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            why = "is broken off" if isinstance(error, EOFError) else f"cannot be unpacked: {str(error)[:80]}"
            raise DomainError(f"{self._place}: {why}") from error
        self._meter.add(len(found))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close the file below as well."""
        if not self.closed:
            self._inner.close()
            self._file.close()
        super().close()
