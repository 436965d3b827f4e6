"""Run folders: which one is meant, making one, and its `config.json`.

`RUN` is a run folder or `latest`, `RUN:AGENT` an agent of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from archive.readers import has_rows
from archive.schema import FILE_NAME as ARCHIVE
from domains.given import FILE as GIVEN_FILE
from domains.given_rows import FILE as ROWS_FILE
from meta_search.config import Config, from_mapping
from meta_search.errors import ArchiveError, ConfigError, MetaSearchError
from meta_search.report.files import digest_of, read_small, write_whole
from meta_search.run.secrets import stored
from meta_search.text import shell_path

__all__ = [
    "ARCHIVE",
    "KEPT",
    "LOG",
    "SIGNATURE",
    "earlier_runs",
    "new_folder",
    "read_config",
    "resolve",
    "resume_command",
    "same_models",
    "same_task",
    "split_agent",
    "task_of",
    "undone",
    "write_config",
]

LOG = "log.txt"
CONFIG = "config.json"
STARTING = "{} has no agents yet: it is starting, or was killed before it began; try again in a minute"
SIGNATURE = "signature.json"  # see `run.ownership`
KEPT = "domain"  # folder of a recording that holds a copy of the domain's file, or of what came from Python
PAID = ("calls", "results")  # tables of an archive: without a row in them, nothing was sent or run
ROOM_MB = 200  # free on the disk, without which no run starts
MOST_LOOKED_AT = 40  # earlier runs, the newest
BEFORE: Mapping[str, Mapping[str, Any]] = {
    "domain": {"dealing": "row"},
    "sandbox": {"tokens": None},
    "author": {"teach": False, "lessons": 0},
}
"""Keys that older configurations lack, with what runs did without them."""


def resolve(run: str | Path, root: str | Path = "runs") -> Path:
    """The folder of a run.

    Args:
        run: A run folder, its name under `root`, its archive file, or `latest`: the newest under `root`
            that came so far as to have agents.
        root: Where runs lie.

    Raises:
        ArchiveError: There is no such run; one line.
    """
    folder = Path(run)
    if str(run) == "latest" and not (folder / ARCHIVE).is_file():
        runs = sorted((path.parent for path in Path(root).glob(f"*/{ARCHIVE}")), key=_started, reverse=True)
        found = next((run for run in runs if has_rows(run, ("agents", *PAID))), None)
        if found is None:
            if begun := [path.parent for path in Path(root).glob(f"*/{CONFIG}")]:
                raise ArchiveError(STARTING.format(max(begun, key=_started)))
            raise ArchiveError(f"no run under {root}/ yet: start one with `meta-search run`")
        return found
    if folder.name == ARCHIVE and folder.is_file():
        return folder.parent
    for place in (folder, Path(root) / folder):
        if (place / ARCHIVE).is_file():
            return place
    if folder.is_dir() and (runs := sorted(path.parent for path in folder.glob(f"*/{ARCHIVE}"))):
        raise ArchiveError(f"{run} holds {len(runs)} runs: name one of them, as {shell_path(runs[0])}")
    for place in (folder, Path(root) / folder):
        if (place / CONFIG).is_file() and not os.path.lexists(place / ARCHIVE):
            raise ArchiveError(STARTING.format(place))
    if folder.is_dir():
        raise ArchiveError(f"{run} is not a run folder: it holds no {ARCHIVE}")
    raise ArchiveError(f"{run}: no such run folder; `latest` takes the newest under {root}/")


def _started(folder: Path) -> tuple[float, str]:
    """When a run began: its config is written once, its archive until the end."""
    config = folder / CONFIG
    return (config if config.is_file() else folder / ARCHIVE).stat().st_mtime, folder.name


def split_agent(text: str) -> tuple[str, str | None]:
    """`RUN:AGENT` as (RUN, AGENT); AGENT is None where only a run is named, or a file that has a colon."""
    run, colon, agent = text.rpartition(":")
    if not colon or not run or "/" in agent or Path(text).exists():
        return text, None
    return run, agent


def new_folder(config: Config) -> Path:
    """Make the run's folder, with `config.json` in it.

    Raises:
        ConfigError: It exists and holds a run, cannot be written, or the disk has no room.
    """
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{config.domain.name}-s{config.seed}"
    folder = Path(config.run.dir) if config.run.dir else Path(config.run.root) / name
    number = 1
    while not config.run.dir and folder.exists():
        number += 1
        folder = Path(config.run.root) / f"{name}-{number}"
    if (folder / ARCHIVE).exists():
        raise ConfigError(f"run.dir={folder} holds a run already: `{resume_command(folder)}` goes on with it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)  # prompts, answers and code are their owner's
        free = shutil.disk_usage(folder).free // 2**20
        if free < ROOM_MB:
            raise ConfigError(f"no room on the disk of {folder}: {free} MB free, a run needs {ROOM_MB} MB")
    except OSError as error:
        raise ConfigError(f"cannot write the run folder {folder}: {error.strerror or error}") from error
    write_config(folder, config)
    return folder


@contextlib.contextmanager
def undone(folder: Path) -> Iterator[None]:
    """Take a new run's folder away where the block ends before anything was sent or run: a start that failed
    leaves no run behind.

    Args:
        folder: Made by `new_folder`; what others keep in it stays.
    """
    try:
        yield
    except BaseException:
        if not ((folder / ARCHIVE).exists() and has_rows(folder, PAID)):
            ours = ("config.json*", f"{SIGNATURE}*", f"{ARCHIVE}*", "llama-*.log", LOG)
            for path in [path for pattern in ours for path in folder.glob(pattern)]:
                path.unlink(missing_ok=True)
            shutil.rmtree(folder / KEPT, ignore_errors=True)
            with contextlib.suppress(OSError):  # somebody keeps other things there
                folder.rmdir()
        raise


def write_config(folder: Path, config: Config) -> None:
    """Write `config.json`: at the start of a run, and where `resume` changes it.

    Raises:
        ConfigError: It cannot be written.
    """
    text = json.dumps(stored(config), indent=2, ensure_ascii=False) + "\n"
    try:
        write_whole(folder / CONFIG, text)  # without it there is no run
    except OSError as error:
        raise ConfigError(f"cannot write the run folder {folder}: {error.strerror or error}") from error


def read_config(folder: Path) -> Config:
    """The configuration that a run was started with.

    Raises:
        ArchiveError: The folder holds no readable `config.json`.
    """
    try:
        mapping = json.loads(read_small(folder / CONFIG))
    except (OSError, ValueError, RecursionError) as error:
        raise ArchiveError(f"{folder} is no run folder: its config.json cannot be read") from error
    try:
        return from_mapping(_as_it_was(mapping))
    except MetaSearchError as error:  # of the folder, not of what was typed
        raise ArchiveError(f"{folder}: its config.json cannot be used: {error}") from error


def _as_it_was(mapping: Any) -> Any:
    """A stored configuration, with what its run did where there was no key yet."""
    if not isinstance(mapping, dict):
        return mapping
    groups = {name: {**keys, **mapping[name]} for name, keys in BEFORE.items() if _is_group(mapping, name)}
    return {**mapping, **groups}


def _is_group(mapping: Mapping[str, Any], name: str) -> bool:
    return isinstance(mapping.get(name), dict)


def earlier_runs(config: Config, but: Path) -> Sequence[Path]:
    """Folders of the runs under `run.root`, the one that was written last first; the newest only, where
    there are many.

    Args:
        config: The run that begins.
        but: Its own folder.
    """

    def age(path: Path) -> float:
        try:
            return -path.stat().st_mtime
        except OSError:
            return 0.0

    found = sorted(Path(config.run.root).glob(f"*/{ARCHIVE}"), key=age)[:MOST_LOOKED_AT]
    return [path.parent for path in found if path.parent.resolve() != but.resolve()]


def resume_command(folder: Path) -> str:
    """What to type to go on with a search; it works when it is pasted, whatever the folder is called.

    One that a Python function scores is gone on with from Python.
    """
    if (folder / KEPT / GIVEN_FILE).exists():
        return f"meta_search.resume({str(folder)!r}, score=…)"
    return f"meta-search resume {shell_path(folder)}"


def same_task(one: Config, other: Config) -> bool:
    """Whether what one run found out tells all of another: same domain, same models."""
    return same_models(one, other) and task_of(one) == task_of(other)


def task_of(config: Config) -> tuple[object, ...]:
    """What tells the domain of a run from others."""
    domain = config.domain
    return domain.name, _items(domain.path), tuple(domain.families), domain.task


def same_models(one: Config, other: Config) -> bool:
    """Whether two runs ask the same models, so that one tells something of the other."""

    def asked(config: Config) -> tuple[object, ...]:
        llm = config.llm
        return llm.provider, llm.task.model, tuple(llm.meta_models)

    return asked(one) == asked(other)


def _items(path: str | None) -> str | None:
    """What tells tasks apart: where their file lies; of items that came from Python, what they are."""
    file = Path(path or "-")
    if file.parent.name != KEPT or file.name not in (GIVEN_FILE, ROWS_FILE) or not file.is_file():
        return path
    try:
        return digest_of(file)
    except (OSError, ValueError):  # it may be a stranger's run that names it
        return path
