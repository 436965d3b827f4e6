"""`meta-search steer`: ask a search that runs for something; see `engine.steering`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meta_search.commands.terminal import print_json, say
from meta_search.errors import ConfigError
from meta_search.report.files import read_small
from meta_search.run.folder import resolve, resume_command
from meta_search.run.steered import MOST_SOURCE
from meta_search.run.steering import Asked, me, request
from meta_search.text import one_line
from meta_search.types import LONGEST_NAME

__all__ = ["FORMS", "asked_of", "command_of", "steer"]

FORMS = 'pause, resume, stop, KEY=VALUE, note "…", add AGENT.py, focus AGENT, drop AGENT'
NEEDS = {
    "note": 'a text: note "…"',
    "add": "a file: add AGENT.py",
    "focus": "an agent: focus AGENT",
    "drop": "an agent: drop AGENT",
}


def steer(run: str, words: Sequence[str], as_json: bool) -> int:
    """Ask a search for something, and say what becomes of that.

    Args:
        run: The run folder, its name, or `latest`.
        words: What for, one of `FORMS`.
        as_json: Print JSON in place of text.
    """
    folder, asked = asked_of(run, words)
    if as_json:
        return print_json({"run": str(folder), **asked.steered.data(), "kept": asked.kept})
    if asked.kept:
        say(f"{asked.steered.line()}: the search is not running; `{resume_command(folder)}` will apply it")
    else:
        say(f"{asked.steered.line()}: will be applied at the next step of the search in {folder}")
    return 0


def asked_of(run: str | Path, words: Sequence[str]) -> tuple[Path, Asked]:
    """Ask the search in a run's folder. Returns the folder, and what was asked.

    Raises:
        ConfigError: As `run.steering.ask`.
        ArchiveError: Likewise.
    """
    folder = resolve(run)
    return folder, request(folder, command_of(words), me())


def command_of(words: Sequence[str]) -> dict[str, Any]:
    """What words ask for, as `run.steering.ask` takes it.

    Raises:
        ConfigError: None of `FORMS`, or a file that cannot be read; one line.
    """
    verb, *rest = words or [""]
    said = " ".join(rest)
    key, equals, value = verb.partition("=")
    if equals and not rest:
        return {"command": "limit", "limit": key.strip(), "value": _number(key, value)}
    if verb in ("pause", "resume", "stop") and not rest:
        return {"command": verb}
    if verb == "note" and rest:
        return {"command": verb, "text": said}
    if verb in ("focus", "drop") and rest:
        return {"command": verb, "agent": said}
    if verb == "add" and rest:
        name, source = _agent(said)
        return {"command": verb, "source": source, "name": name}
    if verb in ("pause", "resume", "stop"):
        raise ConfigError(f"steer {verb} stands alone: leave out {one_line(said, 60)}")
    if verb in NEEDS and not rest:
        raise ConfigError(f"steer {verb} needs {NEEDS[verb]}")
    raise ConfigError(f"steer takes {FORMS}; not {one_line(' '.join(words), 80) or 'nothing'}")


def _number(key: str, value: str) -> float:
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError as error:
        wrong = f"steer {one_line(key, 40)}={one_line(value, 40)}: give a number, as in budget.usd=5"
        raise ConfigError(wrong) from error


def _agent(said: str) -> tuple[str, str]:
    """Name and source of an agent: a file, or from Python the source itself."""
    if "\n" in said and "def forward" in said:
        return "Added", said
    path = Path(said).expanduser()
    try:
        source = read_small(path, "utf-8-sig", follow=True)
    except UnicodeDecodeError as error:
        raise ConfigError(f"steer add: {one_line(said, 200)} is not text in UTF-8") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"steer add: cannot read {one_line(said, 200)}: {why}") from error
    if len(source) > MOST_SOURCE:
        raise ConfigError(f"steer add: {one_line(said, 200)} has more than {MOST_SOURCE:,} characters")
    return one_line(path.stem, LONGEST_NAME) or "Added", source
