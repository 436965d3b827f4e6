"""Data sets of the Hugging Face hub: `hf:owner/name[:config][@revision]`.

They are fetched once, by the library `datasets` in a process of its own (extra `hub`), and read from its
cache from then on: with the revision pinned, nothing is asked of the network. A token is taken from the
environment by the hub's client and by nothing here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from domains.sources import hub_child
from domains.sources.arrow import EXTRA
from domains.sources.files import SavedSource, open_local
from domains.sources.limits import LARGEST_DOWNLOAD, megabytes
from domains.sources.pinned import PinnedSource
from meta_search.errors import DomainError
from meta_search.fetching.cache import cache_folder, locked
from meta_search.text import one_line, without_passwords

__all__ = ["HubPath", "open_hub"]

_FORM = re.compile(
    r"hf:(?P<name>[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?)"
    r"(?::(?P<config>[\w.+ -]+))?(?:@(?P<revision>[\w./-]+))?"
)
FORM = "hf:owner/name, hf:owner/name:config or hf:owner/name:config@revision"
TIMEOUT_S = 3600.0
NO_NETWORK = (
    *("ConnectionError", "ConnectError", "ConnectTimeout", "ReadTimeout", "TimeoutException", "TimeoutError"),
    *("OfflineModeIsEnabled", "LocalEntryNotFoundError", "NetworkError", "TransportError", "gaierror"),
)
PINNED = re.compile(r"[0-9a-f]{40}")
_PASSED = re.compile(
    r"(HF|XDG|LC|SSL|CURL|REQUESTS)_\w+|PATH|HOME|USER|LANG|TZ|TMPDIR|PYTHONPATH|VIRTUAL_ENV|LD_LIBRARY_PATH"
    r"|\w+_(proxy|PROXY)"
)
_NAMED = re.compile(r"\['([^\]]*)'\]")


class HubPath(NamedTuple):
    """What `domain.path` names.

    Attributes:
        name: `owner/name`, or the name alone of the hub's oldest data sets.
        config: Configuration, or empty for the only one or the default.
        revision: Branch, tag or commit, or empty for the newest.
    """

    name: str
    config: str
    revision: str

    @classmethod
    def of(cls, path: str) -> HubPath:
        """What a path says.

        Raises:
            DomainError: It is none of this form.
        """
        found = _FORM.fullmatch(path)
        if found is None or ".." in path:
            raise DomainError(f"domain.path={path}: must be {FORM}")
        return cls(found["name"], found["config"] or "", found["revision"] or "")

    def at(self, sha: str) -> HubPath:
        """The same at a commit."""
        return self._replace(revision=sha)

    def __str__(self) -> str:
        config = f":{self.config}" if self.config else ""
        return f"hf:{self.name}{config}{f'@{self.revision}' if self.revision else ''}"

    @property
    def folder(self) -> Path:
        """Where it is noted what is in the cache, and where a user may put files."""
        return cache_folder("data") / "hub" / self.name.replace("/", "--") / (self.config or "default")

    @property
    def note(self) -> Path:
        """The note on what was fetched of a commit."""
        return self.folder / f".{self.revision}.json"


def open_hub(path: str, wanted: Sequence[str] = ()) -> PinnedSource | SavedSource:
    """The source that a path names, fetched if it is not there yet.

    Files that lie in its folder of the cache stand in for it, as where there is no network.

    Raises:
        DomainError: It cannot be had; one line that says which file to put where.
    """
    named = HubPath.of(path)
    try:
        named.folder.mkdir(parents=True, exist_ok=True)
        if _put_there(named):
            source = open_local(named.folder, wanted, named.name)
            put = f"read from {named.folder}, where somebody put it; the hub was not asked"
            return PinnedSource(source, named.name, str(named), (put,))
        with locked(named.folder / ".lock"):
            pinned, files, told = _had(named)
    except OSError as error:
        raise DomainError(f"{named}: cannot be kept in {named.folder}: {error.strerror or error}") from error
    saved = SavedSource(named.folder, named.name, files, wanted, str(pinned))
    return PinnedSource(saved, named.name, str(pinned), told)


def _put_there(named: HubPath) -> bool:
    """Whether a user has put files into the folder."""
    return any(not path.name.startswith(".") for path in named.folder.iterdir())


def _had(named: HubPath) -> tuple[HubPath, Mapping[str, Sequence[Path]], tuple[str, ...]]:
    """The commit, its Arrow files by split, and lines for the user."""
    if PINNED.fullmatch(named.revision):
        found = _noted(named)
        if found is not None:
            return named, found, ()
    made = _fetched(named)
    pinned = named.at(str(made["sha"]))
    pinned.note.write_text(json.dumps(made, indent=1), encoding="utf-8")
    found = _noted(pinned)
    if found is None:
        raise DomainError(f"{named}: the library datasets left no files of it in its cache")
    told = (
        ()
        if pinned == named
        else (f"is at revision {pinned.revision}: name it as {pinned} to have the same again",)
    )
    return pinned, found, told


def _noted(named: HubPath) -> Mapping[str, Sequence[Path]] | None:
    """What was fetched before, as far as it is still in the cache of `datasets`."""
    try:
        files = json.loads(named.note.read_text(encoding="utf-8"))["files"]
        found = {str(split): [Path(file) for file in listed] for split, listed in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if found and all(file.is_file() for listed in found.values() for file in listed) else None


def _fetched(named: HubPath) -> Mapping[str, Any]:
    """What the child fetched.

    Raises:
        DomainError: It could not; one line.
    """
    told = _child(named, {})
    if _is_cut_off(told):  # what `datasets` itself has in its cache does without
        again = _child(named, {"HF_HUB_OFFLINE": "1"})
        told = again if "sha" in again and PINNED.fullmatch(str(again["sha"])) else told
    if "sha" in told:
        return told
    raise DomainError(f"{named}: {_why(named, told)}")


def _child(named: HubPath, environment: Mapping[str, str]) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory(prefix="meta-search-") as scratch:
        result = Path(scratch) / "result.json"
        words = [named.name, named.config, named.revision, str(LARGEST_DOWNLOAD)]
        command = [sys.executable, "-P", str(hub_child.__file__), str(result), *words]
        shown = None if sys.stderr.isatty() else subprocess.DEVNULL
        try:
            subprocess.run(
                command,
                check=False,
                timeout=TIMEOUT_S,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=shown,
                env={**_environment(), **environment},
            )
        except subprocess.TimeoutExpired:
            return {"error": ["TimeoutError"], "why": f"did not come within {TIMEOUT_S:.0f} s"}
        with contextlib.suppress(OSError, ValueError):
            told: Mapping[str, Any] = json.loads(result.read_text(encoding="utf-8"))
            return told
    return {"error": ["ended"], "why": "the library datasets ended without a word"}


def _environment() -> dict[str, str]:
    """What the child needs of the environment: no keys but the hub's, and no token that lies in a file."""
    kept = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
    return {**kept, "HF_TOKEN_PATH": os.devnull, "HF_HUB_DISABLE_TELEMETRY": "1"}


def _is_cut_off(told: Mapping[str, Any]) -> bool:
    """Whether the hub could not be reached; an answer of its own is none."""
    return not told.get("status") and bool(set(NO_NETWORK) & set(told.get("error", ())))


def _why(named: HubPath, told: Mapping[str, Any]) -> str:
    """Why it could not be fetched, and what to do."""
    kinds, why = set(told.get("error", ())), str(told.get("why", ""))
    if _is_cut_off(told):
        config = f" of the configuration {named.config}" if named.config else ""
        return (
            f"cannot be reached (no network?): put its files{config} (as train.parquet, test.jsonl, …) into "
            f"{named.folder}, or name a file of yours with domain.path=FILE"
        )
    if "ImportError" in kinds:
        return f"needs the library datasets: {EXTRA}"
    if "TooLarge" in kinds:
        return (
            f"is {megabytes(int(why))}, more than {megabytes(LARGEST_DOWNLOAD)}: name a smaller configuration"
        )
    if "GatedRepoError" in kinds or "gated dataset" in why:
        return f"is gated: ask for access at huggingface.co/datasets/{named.name}, then set HF_TOKEN"
    if "RevisionNotFoundError" in kinds:
        return f"has no revision {named.revision!r}"
    if {"RepositoryNotFoundError", "DatasetNotFoundError"} & kinds or told.get("status") in (401, 404):
        return "is not on the hub, or is private: check the name, or set HF_TOKEN"
    if "scripts are no longer supported" in why or "loading script" in why:
        return (
            "would run a script of its author, which is never done: try "
            f"{named.at('refs/convert/parquet')}, which the hub itself has converted"
        )
    if "onfig" in why and (names := _NAMED.search(why)):
        return (
            f"has several configurations: name one, as {named._replace(config=names[1].split(chr(39))[0])}; "
            + (f"there are {one_line(names[1].replace(chr(39), ''), 200)}")
        )
    if "BuilderConfig" in why:
        return f"has no such configuration: {one_line(why, 300)}"
    kind = next(iter(told.get("error", ())), "")
    return f"cannot be fetched: {kind}: {one_line(without_passwords(why), 200)}"
