"""Matcher `exact`: whether two short texts are the same as a person sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from domains.domain import Item, Score
from domains.matching.characters import from_latex, unified
from domains.matching.dates import date_or_time
from domains.matching.feedback import expected, read_as, short
from domains.matching.final import bare, final
from domains.matching.matcher import NO_ITEM, Matcher
from domains.matching.yes_no import polarity

__all__ = ["Exact", "exact", "plain"]

MOST_SENTENCE = 160  # characters of a sentence that may say the answer

_BRACKETED = re.compile(r"^[(\[](\w+)[)\]]$")
_MARKDOWN = re.compile(r"^(?:#{1,6}|>|[-*•])\s+(?=\S)")
_EMPHASIS = re.compile(r"(?<![\w*])\*{1,3}(?=\S)|(?<=\S)\*{1,3}(?![\w*])|`+")
_SPACED = re.compile(r"\s*([,;:/|+=<>(){}\[\]\"])\s*|\s*(-)\s+|\s+(-)(?=\S)")
_ARTICLE = re.compile(r"(?:a|an|the)\s+(?=\S)")
_SAYS = re.compile(
    r"^(?:[\w',\s()-]{0,100}?\b(?:is|are|was|were|be)|it's|that's|i (?:would )?(?:think|choose|pick|say|"
    r"go with)|so|thus|therefore|hence)\b[\s,:]*(?:called\s|named\s|definitely\s|clearly\s|probably\s)?",
)
_DOUBT = re.compile(
    r"\b(?:not|never|no|neither|nor|whether|if|unless|or|doubt|unlikely|unclear|maybe|n't)\b|n't\b|\?"
)
# What a text adds to an answer: "Marie Curie (1867-1934)", "Marie Curie, not Pierre Curie".
_ASIDE = re.compile(
    r"(\S.*?)(?:\s\([^()]{1,60}\)|,?\s(?:and\s)?(?:not|rather than|instead of)\s[^,;.]{1,60})"
)
_INSTEAD = re.compile(r"(?:(?:it|this|that)\s(?:is|was)\s)?not\s[^,;.]{1,60}?[,;]?\sbut\s(?:rather\s)?(\S.*)")
_WRONG = re.compile(r"\b(?:wrong|incorrect|false|actually|instead|correct(?:ion)?)\b")
_UNIT = re.compile(r"(?<=\d)\s+(?=[a-zµμω°%€£¥])")


@dataclass(frozen=True)
class Exact(Matcher):
    """Compares texts but for case, space, quotes, markdown and stops around them, and a leading article.

    A whole answer that is a date, a time, or yes or no, is the target where both mean the same.
    """

    name: ClassVar[str] = "exact"
    how: ClassVar[str] = "a short text, compared exactly but for case"

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same text, else 0; the feedback says what was read, or that the answer says more."""
        if answer.strip() == target.strip():
            return Score(1.0)
        wanted = {plain(target), plain(final(unified(target)).text)} - {""}
        said = _said(answer)
        if any(_same(text, right) for text in said for right in wanted):
            return Score(1.0)
        if any(_means(text, target) for text in (*said, answer)):
            return Score(1.0)
        return Score(0.0, _told(answer, target))


@lru_cache(64)  # an item may accept many answers
def plain(text: str) -> str:
    """A text as it is compared: unified, in lower case, bare, with one way of spacing."""
    text = from_latex(_MARKDOWN.sub("", bare(unified(text))))
    text = " ".join(_EMPHASIS.sub("", text).casefold().split())
    text = _SPACED.sub(lambda found: found[1] or found[2] or found[3], bare(text)).strip()
    return _BRACKETED.sub(r"\1", text)


@lru_cache(64)
def _said(answer: str) -> tuple[str, ...]:
    """What an answer may be taken for."""
    return tuple(dict.fromkeys(_takes(unified(answer))))


def _takes(answer: str) -> Iterator[str]:
    """All of an answer, what is marked in it, a line that it repeats, what a sentence says that it is."""
    yield plain(answer)
    marked = final(answer)
    if marked.text:
        yield plain(marked.text)
        lines = [line for line in map(plain, marked.text.split("\n")) if line]
        if len(lines) > 1 and (marked.marked or len(set(lines)) == 1):
            yield lines[0]
    sentence = " ".join(marked.text.split())
    if len(sentence) <= MOST_SENTENCE:
        text = bare(sentence.casefold())
        says = _SAYS.match(text)
        if says and not _DOUBT.search(text):
            yield plain(text[says.end() :])
        yield from _without_aside(text)


def _without_aside(text: str) -> Iterator[str]:
    """A text without what stands in brackets behind it, or what it says that it is not."""
    for form in (_ASIDE, _INSTEAD):
        found = form.fullmatch(text)
        if found is None or _DOUBT.search(found[1]):
            continue
        beside = text[: found.start(1)] + text[found.end(1) :]
        unsure = _DOUBT.sub("", beside, count=1) if form is _INSTEAD or "(" not in beside else beside
        if not (_DOUBT.search(unsure) or _WRONG.search(unsure.replace("instead of", ""))):
            yield plain(found[1])
            says = _SAYS.match(found[1])
            if says:
                yield plain(found[1][says.end() :])


def _told(answer: str, target: str) -> str:
    """Why an answer is wrong: it has another text, or the right one among others."""
    said, wanted = final(unified(answer)).text, plain(target)
    around = plain(said)
    place = around.find(wanted) if len(wanted) > 1 else -1
    ends = (around[place - 1 : place], around[place + len(wanted) :][:1])
    if place >= 0 and not any(end.isalnum() for end in ends) and not _DOUBT.search(around):
        return f"says more than the answer: {short(said)}; {expected(target)} alone"
    return read_as(said, target)


def _same(given: str, wanted: str) -> bool:
    if given == wanted or _UNIT.sub("", given) == _UNIT.sub("", wanted):
        return True
    if len(wanted) < 2:  # "A" is a choice, and no article
        return False
    return (
        _ARTICLE.sub("", given, count=1) == wanted or given == _ARTICLE.sub("", wanted, count=1)
        if (_ARTICLE.match(given) or _ARTICLE.match(wanted))
        else False
    )


def _means(given: str, target: str) -> bool:
    """Whether a whole answer says in another form what the target says."""
    right = polarity(target, whole=True)
    if right is not None:
        return polarity(given) is right
    when = date_or_time(target)
    if when is not None:
        return date_or_time(given) == when
    return False


exact = Exact()
