"""How much is read at most, so that no file, archive or hub repository fills memory or disk."""

from __future__ import annotations

from meta_search.errors import DomainError

__all__ = [
    "LARGEST_DOWNLOAD",
    "LARGEST_FILE",
    "LARGEST_RECORD",
    "LARGEST_UNPACKED",
    "LARGEST_WHOLE",
    "MB",
    "MOST_FILES",
    "Meter",
    "megabytes",
]

MB = 2**20
LARGEST_FILE = 4096 * MB  # of a file as it lies there
LARGEST_UNPACKED = 8192 * MB  # of what a compressed file holds
LARGEST_WHOLE = 256 * MB  # of a JSON object that has to be read whole, as one of columns
LARGEST_RECORD = 64 * MB  # characters of a row, a line or a cell
LARGEST_DOWNLOAD = 4096 * MB  # of a hub's configuration, or of what a wheel holds
MOST_FILES = 10_000  # of a folder
RATIO = 250  # unpacked to packed: text comes to 3 to 50, a bomb to 1,000 and more
FREE = 64 * MB  # unpacked before the ratio counts


class Meter:
    """Counts what a compressed file unpacks to, and stops a bomb.

    Args:
        place: The file, for errors.
        packed: Its size in bytes.
    """

    def __init__(self, place: str, packed: int) -> None:
        self._place = place
        self._most = min(LARGEST_UNPACKED, max(FREE, RATIO * packed))
        self._seen = 0

    def add(self, size: int) -> None:
        """Count further bytes.

        Raises:
            DomainError: They are too many.
        """
        self._seen += size
        if self._seen > self._most:
            raise DomainError(
                f"{self._place}: unpacks to more than {megabytes(self._most)}, which is too much for its "
                "size: unpack it yourself if it is sound"
            )


def megabytes(size: int) -> str:
    """A size in words, as `256 MB`."""
    return f"{size // MB:,} MB"
