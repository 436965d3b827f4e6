"""The lessons of a run for the terminal: what the meta agent wrote down of its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.commands.terminal import print_json, say
from meta_search.errors import ArchiveError
from meta_search.text import one_line, shell_path
from meta_search.types import Lesson, brief_number

if TYPE_CHECKING:
    from archive.records import Archive

__all__ = ["LESSONS", "are_meant", "lesson_rows", "say_lessons", "show_lessons"]

LESSONS = "lessons"  # in the place of an agent: `meta-search archive show RUN lessons`


def are_meant(archive: Archive, name: str) -> bool:
    """Whether the word in an agent's place means the lessons: no agent is called so."""
    if name != LESSONS:
        return False
    try:
        archive.record(name)
    except ArchiveError:
        return True
    return False


def lesson_rows(lessons: Sequence[Lesson]) -> list[dict[str, Any]]:
    """For `--json`: `number` from 1, `brief` (its number), `agents`, `tokens` and `text` of each lesson."""
    rows = []
    for number, lesson in enumerate(lessons, start=1):
        row = asdict(lesson) | {"number": number, "brief": brief_number(lesson.brief)}
        del row["fault"]  # those that came to nothing are not among them
        rows.append(row)
    return rows


def show_lessons(folder: Path, archive: Archive, as_json: bool) -> int:
    """Print all lessons of a run, the oldest first."""
    rows = lesson_rows(archive.lessons())
    if as_json:
        return print_json(rows)
    for row in rows:
        head = f"lesson {row['number']} after {row['agents']} agents, by brief {row['brief']}"
        say(f"{head} ({row['tokens']:,} tokens):")
        for line in row["text"].split("\n"):
            say(f"  {line}")
    if not rows:
        say(f"{folder} has no lessons: author.lessons=N has one written after every N evaluated agents")
    return 0


def say_lessons(folder: Path, lessons: Sequence[Lesson]) -> None:
    """Print one line on the lessons of a run, if there are any."""
    if not lessons:
        return
    last = lessons[-1]
    first = one_line(last.text.partition("\n")[0], 80)
    many = f"{len(lessons)} lesson{'s' if len(lessons) > 1 else ''}"
    say(f"The meta agent wrote {many}, the last after {last.agents} agents: {first}")
    say(f"  meta-search archive show {shell_path(folder)} {LESSONS}")
