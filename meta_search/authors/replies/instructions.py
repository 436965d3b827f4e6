"""A reply of the meta model as instructions: one, or a list of them, whatever form they came in."""

from __future__ import annotations

import json
import re
from typing import Any

from meta_search.authors.replies.blocks import blocks_in
from meta_search.authors.replies.objects import objects_in
from meta_search.text import one_line, passage

__all__ = ["MOST_CAUSE", "MOST_INSTRUCTION", "causes_in", "instruction_in", "instructions_in"]

MOST_INSTRUCTION = 1_500  # characters
MOST_CAUSES, MOST_CAUSE = 6, 120
THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
CLOSING = re.compile(r"</(\w{0,20}instruction\w{0,20})>", re.IGNORECASE)
MOST_READ = 40_000  # characters of a reply, its end
QUOTED = re.compile(r'"([^"]{12,})"|“([^“”]{12,})”|\'\'\'(.{12,}?)\'\'\'', re.DOTALL)
LABEL = re.compile(
    r"\A[^\w\n]*(?:here(?: is|'s|’s)[^:\n]{0,60}"
    r"|(?:the )?(?:new|better|improved|revised)?\s*instructions?[^:\n]{0,20}):\W*",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    r"^[ \t>*_#]*(?:instruction[ \t]*)?\(?\d{1,2}[.):](?:\*\*|__)?[ \t]*(?P<text>.*)$", re.IGNORECASE
)
BOLD = re.compile(r"(?<!\w)\*\*(?=\S)([^*\n]{1,300})(?<=\S)\*\*(?!\w)")
BULLET = re.compile(r"^[ \t]*[-*•][ \t]+(?P<text>.*)$")
CAUSE = re.compile(r"^[ \t>*_#-]*causes?[ \t]*\(?\d*\)?[ \t*_]*[:.)–-][ \t*_]*(?P<text>\S.*)$", re.IGNORECASE)
WIDE = re.compile(r"(?ms)^(?P<marks>`{4,}|~{4,})[^\n`]*\n(?P<inside>.*?)\n(?P=marks)[ \t]*$")
CAUSES = re.compile(r"^[ \t>*_#-]*(?:\w+ )?causes?\b[^\n.]{0,60}[ \t*_:#]*$", re.IGNORECASE)
MARKS = "\"'“”„‘’`*_ \t"


def instruction_in(text: str) -> str:
    """The one instruction of a reply, `""` where there is none.

    It may stand between fences, tags or quotes, in JSON, or be all of the reply.
    """
    text = THOUGHT.sub("", text[-MOST_READ:]).strip()
    blocks = [found["inside"] for found in WIDE.finditer(text)]
    blocks = blocks or [block.text.strip() for block in blocks_in(text) if block.text.strip()]
    inner = blocks[-1] if blocks else text
    said = _said_in_json(inner)
    if said:
        return _plain(said[0])
    if tagged := _tagged(inner):
        return _plain(tagged)
    if not blocks:
        quoted = [next(filter(None, found)) for found in QUOTED.findall(text)]
        # A quotation within an instruction is shorter than what is around it.
        if quoted and 2 * len(max(quoted, key=len)) >= len(text.rpartition(":")[2] or text):
            return _plain(max(quoted, key=len))
        inner = inner.strip("`")
    return _plain(LABEL.sub("", inner))


def instructions_in(text: str, most: int) -> list[str]:
    """The instructions of a numbered list, or of any other one, each once; the first `most` of them."""
    text = THOUGHT.sub("", text[-MOST_READ:])
    blocks = [block.text for block in blocks_in(text) if block.text.strip()]
    text = blocks[-1] if blocks else text
    found = _said_in_json(text) or _listed(text, NUMBERED) or _listed(text, BULLET)
    if not found:
        found = [
            line for line in text.splitlines() if len(line.split()) > 2 and not line.rstrip().endswith(":")
        ]
    plain = [_plain(BOLD.sub(r"\1", entry)) for entry in found]
    return [*dict.fromkeys(entry for entry in plain if entry)][:most]


def causes_in(text: str) -> list[str]:
    """What a reply names as causes, a short line each: lines `Cause 1: …`, or `causes` of a JSON object."""
    text = text[-MOST_READ:]
    told = [line["text"] for line in map(CAUSE.match, text.splitlines()) if line]
    told = told or _under_a_title(text)
    for found in objects_in(text, blocks_in(text)) if not told and "{" in text else ():
        told += [c for c in _list(found.get("causes")) if isinstance(c, str)]
    plain = [one_line(cause.strip(MARKS), MOST_CAUSE) for cause in told]
    return [*dict.fromkeys(filter(None, plain))][:MOST_CAUSES]


def _under_a_title(text: str) -> list[str]:
    """The entries of a list below a line such as `### Causes`."""
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines, 1) if CAUSES.match(line)), len(lines))
    found: list[str] = []
    for line in lines[at:]:
        entry = NUMBERED.match(line) or BULLET.match(line)
        if entry:
            found.append(entry["text"])
        elif line.strip() and found:
            break
    return found


def _tagged(text: str) -> str:
    """What stands between the last pair of tags that say instruction, `""` without any."""
    for closing in [*CLOSING.finditer(text)][-1:]:
        _, opening, said = text[: closing.start()].rpartition(f"<{closing[1]}>")
        return said if opening else ""
    return ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _listed(text: str, mark: re.Pattern[str]) -> list[str]:
    """The entries of a list; lines without a mark belong to the entry before, up to an empty one."""
    entries: list[list[str]] = []
    open_ = False
    for line in text.splitlines():
        if found := mark.match(line):
            entries.append([found["text"]])
            open_ = True
        elif not line.strip():
            open_ = False
        elif open_:
            entries[-1].append(line.strip())
    return [" ".join(parts) for parts in entries]


def _said_in_json(text: str) -> list[str]:
    """The texts of a JSON list, or the values of an object, `[]` where it is neither."""
    if not text.lstrip().startswith(("{", "[")):
        return []
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if isinstance(data, dict):
        named = [v for k, v in data.items() if "instruction" in k.lower()] or list(data.values())
        data = [entry for value in named for entry in (value if isinstance(value, list) else [value])]
    rows = [
        next((v for v in r.values() if isinstance(v, str)), "") if isinstance(r, dict) else r for r in data
    ]
    return [row for row in rows if isinstance(row, str)]


def _plain(text: str) -> str:
    """An instruction as it is put into source: printable, without marks around it; `""` if it is too long."""
    text = text.strip()
    if all(line.startswith(">") for line in text.splitlines()):  # quoted, as it was shown
        text = "\n".join(line[1:].strip() for line in text.splitlines())
    for mark in ("**", "__", "*", "`", '"', "'"):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            inner = text[len(mark) : -len(mark)]
            text = text if mark in inner else inner.strip()
    if text[:1] in "“„" and text[-1:] in "”“":
        text = text[1:-1].strip()
    return "" if len(text) > MOST_INSTRUCTION else passage(text).strip()
