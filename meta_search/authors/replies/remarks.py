"""Replies of the meta model that hold no agent: that a draft stays as it is, and lists of ideas."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meta_search.authors.replies.blocks import blocks_in
from meta_search.authors.replies.edits import has_edits
from meta_search.authors.replies.objects import objects_in
from meta_search.authors.replies.programs import FORWARD
from meta_search.authors.replies.thinking import without_thinking
from meta_search.text import one_line

__all__ = ["read_ideas", "says_keep"]

DRAFT = (
    r"(?:it|this|that|them|these|those|things|everything|all|my"
    r"|the (?:\w+ )?(?:draft|agent|program|code|source|plan|version|one)s?)"
)
KEEP = re.compile(
    rf"\A\W*keep\b(?=\W*(?:\n|\Z)|[`*\"'_)\s]*[.:;!(–—-])|\bkeep\W*\Z|[\"']keep[\"']"
    rf"|\bkeep(?:ing|s)?\W+(?:{DRAFT}|as)\b|\bkept\b"
    r"|\bno (further )?(changes?|improvements?)\b|\bunchanged\b|\bas (it )?is\b"
    r"|\bnothing (to|that) (change|improve|mend)\b|\bchange nothing\b",
    re.IGNORECASE,
)
NOT_KEEP = re.compile(
    r"\b(not|never|cannot|can't|don't|won't|wouldn't|shouldn't|instead of)\s+(\w+\s+){0,2}(keep|leave)"
    r"|\b(but|except|however)\b[^.\n]{0,80}\b(should|must|needs?|would)\b(?! (not|be fine|be noted|do))",
    re.IGNORECASE,
)
LONGEST_KEEP = 4_000  # characters: what is longer is no remark
NUMBERED = re.compile(
    r"^[\s>*_#|(-]{0,12}(?:idea\s*)?(?:#\s*)?(\d{1,2})\s*(?:[.):|\]]|\s[-–—])[\s*_|]*(\S.*)$", re.IGNORECASE
)
BULLET = re.compile(r"^\s*(?:[-*•–])\s+(\S.*)$")
PICK = re.compile(
    r"^[^a-zA-Z0-9\n]{0,12}(?:my\s+)?(?:pick(?:s|ed)?|cho(?:ice|sen?)|choose|select(?:ed|ion)?|farthest|furthest|best|winner|decision)"
    r"\b[^\d\n]{0,80}(\d[^\n]{0,40})",
    re.IGNORECASE | re.MULTILINE,
)
IN_PROSE = re.compile(
    r"\b(?:pick|choose|chose|select|go with|farthest|furthest|promising)\b[^\d\n.]{0,60}?"
    r"\b(?:idea|number|no\.?|#)\s*(\d{1,2})\b",
    re.IGNORECASE,
)
MOST_READ = 40_000  # characters of a reply, its end
MOST_IDEAS, LONGEST_IDEA, FEWEST_WORDS = 12, 400, 2


def says_keep(text: str) -> bool:
    """Whether a reply says that a draft stays as it is, and holds no other one."""
    text = without_thinking(text[-MOST_READ:])
    if not text.strip() or len(text) > LONGEST_KEEP or FORWARD.search(text) or has_edits(text):
        return False
    said = objects_in(text) if "{" in text else []
    if any({"way", "routes", "plans"} & {str(key).lower() for key in data} for data in said):
        return False
    return bool(KEEP.search(text)) and not NOT_KEEP.search(text)


def read_ideas(text: str) -> tuple[list[str], list[int]]:
    """The ideas in a reply, and which of them it picks, by their places from 0.

    Ideas are numbered lines, else bullets, else strings of a JSON list. Picks are those of a line such as
    `Pick: 3`, in their order; numbers that no idea has are left out.
    """
    text = without_thinking(text[-MOST_READ:])
    numbered = _numbered(text)
    if len(numbered) < 2:
        listed = _listed(text)
        numbered = dict(enumerate(listed[:MOST_IDEAS], 1))
    places = {number: place for place, number in enumerate(numbered)}
    named: Sequence[str] = []
    if found := list(PICK.finditer(text)):
        named = re.findall(r"\d{1,2}", found[-1][1])
    elif found := list(IN_PROSE.finditer(text)):
        named = [found[-1][1]]
    elif "{" in text:
        named = _picked_in_json(text)
    picked = [places[int(number)] for number in named if int(number) in places]
    return list(numbered.values()), list(dict.fromkeys(picked))


def _picked_in_json(text: str) -> list[str]:
    said = [str(v) for data in objects_in(text) for k, v in data.items() if PICK.match(f"{k} 1")]
    return re.findall(r"\d{1,2}", " ".join(said))


def _numbered(text: str) -> dict[int, str]:
    """Number -> idea. A list that begins anew counts: thinking aloud may hold an earlier one."""
    found: dict[int, str] = {}
    lines = text.split("\n")
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        match = NUMBERED.match(line)
        if match is None or PICK.match(line):
            continue
        number, idea = int(match[1]), _idea(match[2])
        if line.lstrip().startswith(("#", "**")) and below.strip()[:2] not in ("", "**"):  # a title
            idea = _idea(f"{idea}: {below.strip()}")
        if len(idea.split()) < FEWEST_WORDS:
            continue
        if number == 1:
            found = {}
        if len(found) < MOST_IDEAS:
            found.setdefault(number, idea)
    return found


def _listed(text: str) -> list[str]:
    bullets = [_idea(match[1]) for line in text.split("\n") if (match := BULLET.match(line))]
    bullets = [idea for idea in bullets if len(idea.split()) >= FEWEST_WORDS and not PICK.match(idea)]
    if len(bullets) > 1:
        return bullets
    found: list[str] = []
    for data in objects_in(text) if "{" in text else ():
        for value in data.values():
            rows = value if isinstance(value, list) else ()
            found += [_idea(row) for row in rows if isinstance(row, str) and row.strip()]
    if not found and "[" in text and not blocks_in(text):
        found = [_idea(row) for row in re.findall(r'"((?:[^"\\\n]|\\.){8,400})"', text)]
    return found


def _idea(text: str) -> str:
    return one_line(text.strip().strip("*_|` "), LONGEST_IDEA)
