"""Programs out of a model's Markdown: what a fence holds, with a scorer's lines before and behind it."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Sequence

__all__ = ["without_fence"]

MARK = re.compile(r"^[ \t]*```[^\n`]*$")
MOST_LINES = 60  # of prose at either end that are left out one by one


def without_fence(code: str) -> str:
    """The program in a text with a fenced block, the first where there are several, or the text as it is.

    A text that is Python already stays. Before and behind the fence may stand prose, which is left out, and
    code, which stays: a scorer runs the answer with lines of its own.
    """
    if "```" not in code or _compiles(code):
        return code
    lines = code.splitlines()
    marks = [number for number, line in enumerate(lines) if MARK.match(line)]
    if not marks:
        return code
    unmarked = "\n".join(line for number, line in enumerate(lines) if number not in marks)
    if len(marks) <= 2 and _compiles(unmarked):
        return unmarked
    opening, closing = marks[0], marks[1] if len(marks) > 1 else len(lines)
    block = textwrap.dedent("\n".join(lines[opening + 1 : closing])).splitlines()
    before, behind = lines[:opening], lines[marks[-1] + 1 :] if len(marks) > 1 else []
    head = next((p for p in (before[:n] for n in _counts(before)) if _is_code(p)), [])
    tail = next((p for p in (behind[len(behind) - n :] for n in _counts(behind)) if _is_code(p)), [])
    return "\n".join([*head, *block, *tail])


def _counts(lines: Sequence[str]) -> range:
    """How many lines to keep, most first."""
    return range(len(lines), max(0, len(lines) - MOST_LINES), -1)


def _is_code(lines: Sequence[str]) -> bool:
    """Whether lines are Python, and no single words, which are Python as well."""
    edge = [line.strip() for line in lines if line.strip()]
    prose = any(line.isidentifier() and not keyword.iskeyword(line) for line in edge)
    return bool(edge) and not prose and _compiles("\n".join(lines))


def _compiles(code: str) -> bool:
    try:
        compile(code, "program.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return False
    return True
