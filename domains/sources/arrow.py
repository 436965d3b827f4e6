"""pyarrow, asked for only where a file needs it: parquet, Arrow's own files, zstd."""

from __future__ import annotations

from typing import IO, Any

from meta_search.errors import DomainError

__all__ = ["EXTRA", "pyarrow_for", "zstd"]

EXTRA = "pip install 'meta-search[hub]'"


def pyarrow_for(place: str, instead: str) -> Any:
    """The library with its readers.

    Args:
        place: What needs it, for errors.
        instead: What to do without it.

    Raises:
        DomainError: It is not installed.
    """
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError as error:
        raise DomainError(f"{place}: needs pyarrow: {EXTRA}, or {instead}") from error
    return pyarrow


def zstd(place: str, file: IO[bytes]) -> Any:
    """What a file holds that is packed with zstd.

    Raises:
        DomainError: pyarrow is not installed.
    """
    pyarrow = pyarrow_for(place, "unpack it with `zstd -d`")
    return pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), "zstd")
