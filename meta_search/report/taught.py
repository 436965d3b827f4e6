"""The run's worked examples in words: how many, of which kinds, and who worked them.

The table `meta` has them under `pool`, a row each: digest of the question, kind, form, teacher. It may be a
stranger's, so that what is no such row is left out.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from meta_search.report.source import Archive, meta_value
from meta_search.text import one_line
from meta_search.types import Demonstration

__all__ = ["Taught", "digest", "of_agent", "pool", "pool_line", "told"]

MOST_KINDS, MOST_NAME = 8, 40
TEACHERS = {
    "meta": "by the meta model",
    "task": "by the task model",
    "author": "written by the meta agent",
    "": "by a teacher that was not recorded",
}


class Taught(NamedTuple):
    """A worked example of the pool.

    Attributes:
        question: Digest of its question.
        kind: Of the item; `""` where it has none.
        form: `Demonstration.form`.
        teacher: `meta`, `task`, `author`; `""` where nobody told.
    """

    question: str
    kind: str
    form: str
    teacher: str


def digest(question: str) -> str:
    """What stands for a question in a row."""
    return hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()[:12]


def pool(archive: Archive) -> list[Taught]:
    """The worked examples of a run, in the order in which they came."""
    rows = meta_value(archive, "pool")
    found = (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, list))
    return [Taught(*row) for row in found if len(row) == 4 and all(isinstance(part, str) for part in row)]


def pool_line(archive: Archive) -> str:
    """One line on the pool, `""` where it is empty."""
    rows = pool(archive)
    some = "1 worked example" if len(rows) == 1 else f"{len(rows)} worked examples"
    return f"{some} that agents may show: {told(rows)}" if rows else ""


def of_agent(archive: Archive, shown: Iterable[Demonstration]) -> list[Taught]:
    """What is known of the worked examples that an agent carries, in their order."""
    known = {(row.question, row.form): row for row in pool(archive)}
    keys = [(digest(d.question), d.form) for d in shown]
    return [known.get(key, Taught(key[0], "", key[1], "")) for key in keys]


def told(rows: Sequence[Taught]) -> str:
    """Kinds and teachers with their numbers."""
    kinds, teachers = Counter(row.kind for row in rows), Counter(row.teacher for row in rows)
    parts = [
        f"{one_line(kind, MOST_NAME) or 'no kind'} {n}" for kind, n in sorted(kinds.items())[:MOST_KINDS]
    ]
    if len(kinds) > MOST_KINDS:
        parts.append(f"{len(kinds) - MOST_KINDS} more kinds")
    by = [f"{n} {TEACHERS.get(teacher, TEACHERS[''])}" for teacher, n in sorted(teachers.items())]
    return "; ".join(filter(None, [", ".join(parts) if any(kinds) else "", ", ".join(by)]))
