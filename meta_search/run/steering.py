"""Steering a search from outside: ask it for something, and see how it was steered.

Only the user whose run it is may: what is asked for is a file of theirs in the run's folder (`run.mailbox`),
which the engine takes in at its next step (`engine.steering`) and records as an event (`run.steered`).
"""

from __future__ import annotations

import os
import pwd
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.records import Archive, Event
from archive.writer import is_being_written
from meta_search.authors.check import check_source
from meta_search.config import Config, from_mapping, to_mapping
from meta_search.errors import ConfigError
from meta_search.run import ownership
from meta_search.run.events import Resumed
from meta_search.run.folder import ARCHIVE, read_config, resume_command
from meta_search.run.mailbox import post, waiting
from meta_search.run.steered import KEPT, Steered
from meta_search.text import one_line

__all__ = [
    "Asked",
    "ask",
    "limited",
    "limited_by",
    "limits_in",
    "me",
    "pause_of",
    "paused",
    "pending",
    "request",
    "steered_limits",
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was accepted.

    Attributes:
        steered: It.
        kept: Whether it waits for a `resume`, as the search does not go on.
    """

    steered: Steered
    kept: bool


def ask(folder: Path, command: Mapping[str, Any], who: str) -> str:
    """Ask a search for something, and return at once.

    Args:
        folder: The run's.
        command: `command` and its arguments, see `run.steered.COMMANDS`: `{"command": "limit", "limit":
            "budget.usd", "value": 5}`.
        who: Who asks, for people.

    Returns:
        Id of the request; the event has it, once it is taken in.

    Raises:
        ConfigError: It cannot be asked for, or not of this run, or not by this user; one line.
        ArchiveError: There is no such run or agent; one line.
    """
    return request(folder, command, who).steered.id


def request(folder: Path, command: Mapping[str, Any], who: str) -> Asked:
    """As `ask`, which also tells whether the request is kept for a `resume`."""
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    steered = Steered.asked(command, who, round(time.time(), 3), name)
    _check_owner(folder)
    config = read_config(folder)
    with Archive(folder) as archive:
        kept = _must_wait(folder, archive, config, steered)
        steered = _checked(steered, archive, config)
    try:
        post(folder, steered)
    except OSError as error:
        raise ConfigError(f"cannot write to {one_line(folder, 200)}: {error.strerror or error}") from error
    return Asked(steered, kept)


def me() -> str:
    """The name of this user."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # in a container, users often have no name
        return f"user {os.geteuid()}"


# -- how a search was steered


def pause_of(archive: Archive) -> tuple[str, float] | None:
    """Who has paused a search, and when (seconds since the epoch); `None` where it is not paused.

    What a search that was killed while it was paused leaves is still a pause here; a `resume` ends it.
    """
    found = archive.meta("steered")
    now = found.get("paused") if isinstance(found, dict) else None
    if not isinstance(now, dict):
        return None
    who, at = now.get("who"), now.get("at")
    return (one_line(who, 60), float(at)) if isinstance(who, str) and isinstance(at, int | float) else None


def paused(archive: Archive) -> bool:
    """Whether a person has paused a search."""
    return pause_of(archive) is not None


def pending(folder: Path) -> list[Steered]:
    """What was asked for and is not taken in yet, in the order in which it came."""
    with Archive(folder) as archive:
        taken = {event.data.get("id") for event in archive.events("steer")}
    return [steered for steered in waiting(folder) if steered.id not in taken]


def steered_limits(archive: Archive) -> dict[str, float]:
    """Limits that people have set since the run was last started or resumed: key -> value. The configuration
    in the archive is that of the beginning of its session."""
    resumed = archive.events(Resumed.kind)
    return limits_in(archive.events(Steered.kind, after=resumed[-1].seq if resumed else 0))


def limits_in(events: Iterable[Event]) -> dict[str, float]:
    """As `steered_limits`, by the events `steer` and `resume` of an archive, in their order."""
    found: dict[str, float] = {}
    for event in events:
        if event.kind == Resumed.kind:
            found = {}
            continue
        try:
            steered = Steered.of(event.data)
        except (KeyError, TypeError, ValueError):
            continue
        if steered.command == "limit" and steered.value is not None:
            found[steered.limit] = steered.value
    return found


def limited(config: Config, steered: Steered) -> Config:
    """A configuration with a limit that a person sets.

    Raises:
        ConfigError: It cannot be that; one line.
    """
    return limited_by(config, {steered.limit: steered.value or 0})


def limited_by(config: Config, limits: Mapping[str, float]) -> Config:
    """As `limited`, with several: key -> value."""
    mapping = to_mapping(config)
    for name, value in limits.items():
        group, _, key = name.partition(".")
        if group == "budget" and not value > 0:
            raise ConfigError(f"{name}={value}: must be above 0; `stop` ends the search")
        mapping[group][key] = value
    return from_mapping(mapping)


# -- inside


def _check_owner(folder: Path) -> None:
    """See that the run is this user's own: a stranger's mailbox would be no place to write to."""
    for path in (folder, folder / ARCHIVE):
        found = os.lstat(path) if path != folder else os.stat(path)
        if found.st_uid != os.geteuid():
            raise ConfigError(f"{one_line(folder, 200)} is another user's: only its owner may steer it")


def _must_wait(folder: Path, archive: Archive, config: Config, steered: Steered) -> bool:
    """Whether a request is for a `resume`, as the search does not go on.

    Raises:
        ConfigError: It could never be taken in.
    """
    where = one_line(folder, 200)
    if archive.meta("kind") == "evaluate":
        raise ConfigError(f"{where} is an evaluation: only a search can be steered")
    if config.llm.mode == "replay":
        raise ConfigError(f"{where} is a replay: it follows the steering of its recording")
    status = archive.meta("status")  # none while it runs
    runs = status is None and is_being_written(archive.path)
    if status in ("done", "cut short", "reporting") or (runs and archive.meta("end")):
        more = f"`{resume_command(folder)} search.candidates=…`"
        raise ConfigError(f"the search in {where} is over and cannot be steered; {more} continues it")
    if runs:
        return False
    if steered.command not in KEPT:
        more = f" {steered.limit}={steered.value}" if steered.limit else ""
        raise ConfigError(
            f"the search in {where} is not running: `{resume_command(folder)}{more}` continues it; "
            f"until then only {', '.join(KEPT)} are accepted"
        )
    if not ownership.is_own(folder):
        raise ConfigError(
            f"{where} was not made by you on this machine, or was changed since: it cannot be steered"
        )
    return True


def _checked(steered: Steered, archive: Archive, config: Config) -> Steered:
    """A request that this run can do, with the full id of the agent that it names."""
    if steered.command == "limit":
        limited(config, steered)
    if steered.command == "add":
        fault = check_source(steered.source, must_ask=config.domain.model_free == "refuse")
        if fault is not None:
            raise ConfigError(f"«{steered.name}» is not an agent: {fault}")
    if steered.agent:
        found = archive.record(steered.agent)
        if found.status == "baseline":
            raise ConfigError(
                f"«{one_line(found.agent.name, 60)}» is a baseline of the report, not an agent of the search"
            )
        return Steered.asked(
            {"command": steered.command, "agent": found.agent.id}, steered.who, steered.at, steered.id
        )
    return steered
