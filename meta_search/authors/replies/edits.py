"""Edits of a parent's source in a reply of the meta model: search and replace blocks, or a diff."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from meta_search.authors.replies.blocks import FENCE, blocks_in
from meta_search.authors.replies.mending import parses, typed
from meta_search.authors.replies.objects import objects_in, unwrapped

__all__ = ["EditFault", "apply_edits", "has_edits", "without_edits"]

OPENS = re.compile(r"^[ \t]*<{3,}[ \t]*(\w[\w ]*)?[ \t:]*$")
SPLITS = re.compile(r"^[ \t]*={3,}[ \t]*$")
CLOSES = re.compile(r"^[ \t]*>{3,}[ \t]*(\w[\w ]*)?[ \t:]*$")
HUNK = re.compile(r"^(@@.*|\*\*\* .*|diff --git .*|index [0-9a-f]+\.\..*|--- .*|\+\+\+ .*)$")
PAIRS = (  # keys of an edit in JSON, as tools for editing files have them
    ("search", "replace"),
    ("find", "replace"),
    ("old_str", "new_str"),
    ("old_string", "new_string"),
    ("old", "new"),
    ("before", "after"),
    ("original", "updated"),
    ("original", "replacement"),
)
IN_JSON = re.compile(r"[\"'](search|find|old|old_str|old_string|before|original)[\"']\s*:")
LEFT_OUT = re.compile(r"^\s*(#|//)?\s*(\.\.\.|…)\s*(.*(unchanged|rest|same|existing).*)?$", re.IGNORECASE)
DEEPEST = 6  # of JSON
CLOSE_ENOUGH = 0.6  # a line that is shown as the nearest


class EditFault(Exception):
    """Why a reply's edits cannot be applied, in one line for the meta agent."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """Lines to find, those to put in their place, and whether the end of these is marked."""

    search: tuple[str, ...]
    put: tuple[str, ...]
    closed: bool = True


def has_edits(text: str) -> bool:
    """Whether a reply holds search and replace blocks, or a diff."""
    return any(True for _ in _edits(text))


def apply_edits(source: str, text: str) -> str:
    """Source with a reply's edits applied, one after another.

    A text to find need not have the source's indentation, blank lines, or blanks at the ends of its lines;
    what is put there is indented alike.

    Raises:
        EditFault: There is no edit, one that cannot be placed, or none that changes anything.
    """
    edits = list(_edits(text))
    if not edits:
        raise EditFault("there is no SEARCH/REPLACE block")
    before = source
    for number, edit in enumerate(edits, 1):
        try:
            source = _applied(source, edit)
        except EditFault as fault:
            of = f"edit {number} of {len(edits)}: " if len(edits) > 1 else ""
            raise EditFault(f"{of}{fault}") from None
    if source == before:
        raise EditFault("the edits change nothing")
    if not edits[-1].closed and not parses(source):
        raise EditFault("the last edit is cut: it does not end with >>>>>>> REPLACE")
    return source


def without_edits(text: str) -> str:
    """A reply without its search and replace blocks."""
    kept, inside = [], False
    for line in text.split("\n"):
        inside = inside or bool(OPENS.match(line))
        if not inside:
            kept.append(line)
        inside = inside and not CLOSES.match(line)
    return "\n".join(kept)


# -- finding them


def _edits(text: str) -> Iterator[_Edit]:
    lines = text.replace("\r\n", "\n").split("\n")
    found = list(_marked(lines))
    if found:
        yield from found
        return
    if IN_JSON.search(text) and (told := list(_told(objects_in(text)))):
        yield from told
        return
    for block in blocks_in("\n".join(lines)):
        if block.info.split()[:1] in (["diff"], ["patch"]) or re.search(r"(?m)^@@", block.text):
            yield from _hunks(block.text.split("\n"))
    if any(line.startswith("@@") for line in lines) and "```" not in text:
        yield from _hunks(lines)


def _marked(lines: Sequence[str]) -> Iterator[_Edit]:
    """Blocks between `<<<<<<< SEARCH`, `=======` and `>>>>>>> REPLACE`."""
    at = 0
    while at < len(lines):
        if not OPENS.match(lines[at]):
            at += 1
            continue
        ends = (n for n in range(at + 1, len(lines)) if CLOSES.match(lines[n]) or OPENS.match(lines[n]))
        end = next(ends, len(lines))
        closed = end < len(lines) and bool(CLOSES.match(lines[end]))
        middle = next((n for n in range(at + 1, end) if SPLITS.match(lines[n])), None)
        if middle is not None:
            yield _Edit(_unfenced(lines[at + 1 : middle]), _unfenced(lines[middle + 1 : end]), closed)
        at = end + closed


def _told(value: Any, depth: int = 0) -> Iterator[_Edit]:
    """Edits in JSON: objects with a text to find and one to put there, at any depth."""
    if depth < DEEPEST and isinstance(value, list):
        for row in value:
            yield from _told(row, depth + 1)
    elif depth < DEEPEST and isinstance(value, Mapping):
        lowered = {str(key).lower(): told for key, told in unwrapped(value).items()}
        for pair in PAIRS:
            old, new = (_lines_of(lowered.get(key)) for key in pair)
            if old is not None and new is not None:
                yield _Edit(tuple(old), tuple(new))
                return
        for row in lowered.values():
            yield from _told(row, depth + 1)


def _lines_of(value: Any) -> list[str] | None:
    """A text's lines, or those of a list."""
    if isinstance(value, list) and all(isinstance(row, str) for row in value):
        return [row.rstrip("\n") for row in value]
    return value.strip("\n").split("\n") if isinstance(value, str) else None


def _unfenced(lines: Sequence[str]) -> tuple[str, ...]:
    """Lines without a fence around them."""
    if lines and FENCE.match(lines[0]):
        lines = lines[1:]
    if lines and FENCE.match(lines[-1]):
        lines = lines[:-1]
    return tuple(lines)


def _hunks(lines: Sequence[str]) -> Iterator[_Edit]:
    """The parts of a unified diff; line numbers are not trusted, models count badly."""
    search: list[str] = []
    put: list[str] = []
    for line in (*lines, "@@"):
        if HUNK.match(line):
            if search != put:
                yield _Edit(tuple(search), tuple(put))
            search, put = [], []
        elif line.startswith("-"):
            search.append(line[1:])
        elif line.startswith("+"):
            put.append(line[1:])
        elif not line.startswith("\\"):
            kept = line[1:] if line.startswith(" ") else line
            search.append(kept)
            put.append(kept)


# -- placing them


def _applied(source: str, edit: _Edit) -> str:
    search, put = "\n".join(edit.search), "\n".join(edit.put)
    if not search.strip():
        raise EditFault("the SEARCH text is empty: give lines that stand in the source")
    if any(LEFT_OUT.match(line) for line in edit.search):
        raise EditFault("the SEARCH text leaves lines out (...): give all of them, or several short edits")
    if source.count(search) == 1:
        return source.replace(search, put)
    lines = source.split("\n")
    for same in (str.rstrip, str.strip, _squeezed):
        if same is _squeezed:
            edit = replace(edit, put=tuple(map(typed, edit.put)) if _chatted(edit) else edit.put)
        places = _places(lines, edit.search, same)
        if len(places) == 1:
            start, end = places[0]
            new = edit.put if same is str.rstrip else _indented(edit, lines[start:end])
            return "\n".join((*lines[:start], *new, *lines[end:]))
        if places:
            raise EditFault(_several(edit, [start for start, _ in places]))
    if (times := source.count(search)) > 1:
        raise EditFault(
            f"the SEARCH text stands {times} times in the source: `{_first(edit)}`; add lines around it"
        )
    raise EditFault(f"the SEARCH text is not in the source: `{_first(edit)}`{_nearest(lines, _first(edit))}")


def _squeezed(line: str) -> str:
    """A line without any blanks, its quotes plain."""
    return "".join(typed(line).split())


def _chatted(edit: _Edit) -> bool:
    """Whether a text to find has signs that no keyboard writes, or entities."""
    return any(typed(line) != line for line in edit.search)


def _places(lines: Sequence[str], search: Sequence[str], same: Callable[[str], str]) -> list[tuple[int, int]]:
    """Where the lines stand that are not blank, as pairs of first line and the one after the last."""
    wanted = [same(line) for line in search if line.strip()]
    there = [(n, same(line)) for n, line in enumerate(lines) if line.strip()]
    found = []
    for at in range(len(there) - len(wanted) + 1):
        if all(there[at + k][1] == line for k, line in enumerate(wanted)):
            found.append((there[at][0], there[at + len(wanted) - 1][0] + 1))
    return found


def _indented(edit: _Edit, old: Sequence[str]) -> list[str]:
    """The lines to put, indented as the ones to find are in the source; lines that stay are taken from it."""
    stripped = {line.strip(): line for line in old}
    wanted = [line for line in edit.search if line.strip()]
    there = [line for line in old if line.strip()]
    moves = {_margin(new) - _margin(line) for line, new in zip(wanted, there, strict=True)}
    flat = len(moves) > 1 and len({_margin(line) for line in (*wanted, *edit.put) if line.strip()}) == 1
    move = _margin(there[0]) - _margin(wanted[0])
    new: list[str] = []
    for line in edit.put:
        if not line.strip():
            new.append("")
        elif len(moves) > 1 and line.strip() in stripped:
            new.append(stripped[line.strip()])
        elif flat:
            before = next((b for b in reversed(new) if b.strip()), there[0])
            deeper = 4 if new and before.rstrip().endswith(":") else 0
            new.append(" " * (_margin(before) + deeper) + line.strip())
        else:
            new.append(" " * max(0, _margin(line) + move) + line.strip())
    return new


def _margin(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def _first(edit: _Edit) -> str:
    return next(line.strip() for line in edit.search if line.strip())[:80]


def _several(edit: _Edit, starts: Sequence[int]) -> str:
    where = ", ".join(str(start + 1) for start in starts[:5])
    return (
        f"the SEARCH text stands {len(starts)} times in the source (lines {where}): `{_first(edit)}`; "
        "add lines around it"
    )


def _nearest(lines: Sequence[str], line: str) -> str:
    near = difflib.get_close_matches(line, [known.strip() for known in lines], 1, CLOSE_ENOUGH)
    if not near:
        return ""
    number = next(n for n, known in enumerate(lines, 1) if known.strip() == near[0])
    return f"; nearest is line {number}: `{near[0][:80]}`" if near[0] != line else ""
