"""Several agents in one reply of the meta model, each with a name of its own.

Two programs in a reply are mostly one agent: a parent that is quoted and its child, a draft and its better
version, helpers and what uses them. They are several where each has its own name.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from meta_search.authors.plan import Plan, plan_from
from meta_search.authors.replies.blocks import Block, blocks_in
from meta_search.authors.replies.edits import CLOSES, OPENS, has_edits
from meta_search.authors.replies.mending import CODE, INVISIBLE
from meta_search.authors.replies.objects import LISTS, objects_in, texts_in, unwrapped
from meta_search.authors.replies.plans import normal
from meta_search.authors.replies.programs import FORWARD
from meta_search.authors.replies.reply import Reply, ReplyFault, of_plan, read_reply
from meta_search.authors.replies.thinking import without_thinking

__all__ = ["read_replies"]

ORDINAL = re.compile(r"^[ \t>*]{0,8}\d{1,2}[.)][ \t]+")
LABEL = re.compile(
    r"^(?:[ \t>*]{0,8}\d{1,2}[.)][ \t]+)?[^\w\n{]{0,12}(name|thought)\b[^\w\n]*:", re.IGNORECASE
)
LONGEST = 200_000  # characters: what is longer is a model that repeats itself
MOST_SECTIONS = 12  # of a reply that are looked at
HEADING = re.compile(r"^(#{1,6}\s+|\*\*)\W*(agent|draft|candidate|program|option|plan)\b", re.IGNORECASE)
NUMBERED = re.compile(r"^\d{1,2}[.)][ \t]+\*\*([^*:\n]{2,60})\*\*")
ENTITY_MARKS = re.compile(r"(?m)^[ \t]*(&lt;){3,}")


def read_replies(text: str, form: str, parent: str = "", most: int = 1) -> list[Reply | ReplyFault]:
    """The agents of a reply, each as `read_reply` reads one, in their order.

    Args:
        text: The reply.
        form: What was asked for: `plan`, `edit` or `program`.
        parent: Source that edits are about, `""` where there is none.
        most: Agents that are read; further ones are left out. Of several in place of one the last counts.

    Returns:
        At least one entry; a fault in the place of an agent that cannot be read.
    """
    if len(text) > LONGEST:
        return [ReplyFault(f"the reply is longer than {LONGEST:,} characters")]
    text = _plain(text)
    found: list[Reply | ReplyFault] = [*(_plans(text) if form == "plan" else ()), *_in_json(text)]
    if len(found) < 2:
        found = list(_sections(text, form, parent))
    several = _last_of_each_name(found)
    if form == "edit" and len(several) < len(found):  # parts of one agent
        return [_read(text, form, parent)]
    found = several
    if len(found) < 2 or (form == "plan" and most == 1):
        return [_read(text, form, parent)]
    return found[:most] if most > 1 else found[-1:]


def _plain(text: str) -> str:
    """A reply with plain line ends, without a mark or a thought at its beginning, its signs plain where edits
    are marked by entities, and taken out where it is a quotation as a whole."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip(f"{INVISIBLE} \n")
    rest = without_thinking(text)
    if FORWARD.search(rest) or "{" in rest or has_edits(rest):
        text = rest
    if ENTITY_MARKS.search(text):
        text = html.unescape(text)
    lines = text.split("\n")
    if all(line.startswith(">") for line in lines if line.strip()) and not any(map(CLOSES.match, lines)):
        return "\n".join(line[2:] if line.startswith("> ") else line[1:] for line in lines)
    return text


def _read(text: str, form: str, parent: str) -> Reply | ReplyFault:
    try:
        return read_reply(text, form, parent)
    except ReplyFault as fault:
        return fault


def _last_of_each_name(found: Sequence[Reply | ReplyFault]) -> list[Reply | ReplyFault]:
    """Without the earlier ones of a name: of a draft and its better version the latter counts."""
    named = {entry.name.casefold(): n for n, entry in enumerate(found) if isinstance(entry, Reply)}
    last = set(named.values())
    return [entry for n, entry in enumerate(found) if isinstance(entry, ReplyFault) or n in last]


def _plans(text: str) -> Iterator[Reply]:
    for data in _rows(text):
        row = normal(data)
        try:
            plan: Plan | None = plan_from(row) if row.get("name") else None
        except (ValueError, TypeError):
            plan = None
        if plan is not None:
            yield of_plan(plan)


def _in_json(text: str) -> Iterator[Reply]:
    """Programs in JSON objects, as ADAS asks for them, each with a name."""
    for row in _rows(text) if FORWARD.search(text) and "{" in text else ():
        name, thought = row.get("name"), row.get("thought")
        code = next((told for told in texts_in(row) if FORWARD.search(told)), "")
        if not (isinstance(name, str) and name.strip() and code):
            continue
        read = _read(code if "```" in code else f"```python\n{code}\n```", "program", "")
        if isinstance(read, Reply):
            told = " ".join(thought.split())[:400] if isinstance(thought, str) else read.thought
            yield Reply(" ".join(name.split())[:60], told, read.source)


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a reply, and those of a list that an object holds."""
    for data in objects_in(text):
        lowered = {str(key).strip().lower(): value for key, value in data.items()}
        rows = next((lowered[name] for name in LISTS if isinstance(lowered.get(name), list)), None)
        rows = [lowered] if rows is None else [row for row in rows if isinstance(row, Mapping)]
        yield from map(unwrapped, rows)


def _sections(text: str, form: str, parent: str) -> Iterator[Reply | ReplyFault]:
    """The parts of a reply that begin with a name and hold an agent."""
    lines = text.split("\n")
    starts = list(islice(_starts(lines, blocks_in("\n".join(lines))), MOST_SECTIONS))
    if len(starts) < 2:
        return
    before = "\n".join(lines[: starts[0]])
    helpers = "" if FORWARD.search(before) else before.strip("\n")  # which all of them may use
    parts = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    if all(found := [NUMBERED.match(part[0]) for part in parts]):
        parts = [[f"Name: {title[1]}", *part] for title, part in zip(found, parts, strict=True) if title]
    parts = [[ORDINAL.sub("", part[0]), *part[1:]] for part in parts]
    if all(any(_label(line) == "name" for line in part) for part in parts):
        yield from (_read(_with(helpers, part), form, parent) for part in parts)
    elif all(HEADING.match(part[0]) for part in parts):
        for part in parts:
            title = f"Name: {part[0].strip(' #*:')}"
            yield _read(_with(helpers, [title, *part[1:]]), form, parent)


def _with(before: str, lines: Sequence[str]) -> str:
    """A section with what stands before all of them, behind its own name and thought."""
    if "```" not in before and "~~~" not in before:
        return "\n".join(lines)
    at = next((n for n, line in enumerate(lines) if line.lstrip(" >").startswith(("```", "~~~"))), len(lines))
    return "\n".join((*lines[:at], before, *lines[at:]))


def _starts(lines: Sequence[str], blocks: Sequence[Block]) -> Iterator[int]:
    """Lines at which an agent begins: at a label of the kind that comes first, once there is an agent."""
    inside = {n: block for block in blocks for n in range(block.first, block.last)}
    kind, begun, edits = "", True, False
    for n, line in enumerate(lines):
        edits = edits or bool(OPENS.match(line))
        block = inside.get(n)
        if edits:
            closed = bool(CLOSES.match(line))
            edits, begun = not closed, begun or closed
        elif block is None and (label := _label(line)):
            kind = kind or label
            if label == kind and begun:
                yield n
                begun = False
        elif block is not None and n == block.first:
            agent = FORWARD.search(block.text) or block.info.split()[:1] in (["diff"], ["patch"])
            if agent and _named(block.text) and (begun or not kind):
                yield n
            begun = begun or bool(agent)
        elif block is None and FORWARD.search(line):
            begun = True


def _label(line: str) -> str:
    """`name`, `thought` or `heading` where a line is one that an agent may begin with."""
    if found := LABEL.match(line):
        return found[1].lower()
    return "heading" if HEADING.match(line) or NUMBERED.match(line) else ""


def _named(code: str) -> bool:
    """Whether name stands above the code in its block."""
    begins = CODE.search(code)
    above = code[: begins.start()] if begins else ""
    return any(_label(line) == "name" for line in above.split("\n"))
