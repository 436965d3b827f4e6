"""Which earlier answers stand in a text: half of the published agents paste `.content` into their prompts.

An answer can only have been pasted if the agent read it, and then its words stand in the prompt and are
not explained by anything else. So all texts that could be there compete for the words of the prompt: the
answers that were read, and what belongs to no answer (the question, the agent's own literals). Longest first:

1. texts that stand there whole, from six words up;
2. then, of what is left, stretches of six and more words shared with a text, the longest first (slices,
   changed or reordered pastes), of equal claims that of the text with most words there;
3. then short texts that stand there whole, and parts of answers: lines, items of lists, leaves of JSON,
   the last number.

Texts are compared by their words, so that stripping, quoting, `repr` and `json.dumps` change nothing.
Answers with the same words can't be told apart: those of calls that are there anyway count first, and where
they are too few, all that were read. What code computes from answers,
and single characters cut out of longer ones, leave no words to find: those edges are missing.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import CodeType
from typing import Any

__all__ = ["Ground", "Text", "sources"]

LONG = 6  # words from which a stretch is no chance
MOST = 2**18  # characters of a prompt that are looked at
MOST_PARTS = 64
CUT = " \0 "

# Scripts that put no spaces between words: each character counts as one.
UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(rf"[{UNSPACED}]|\d+|[^\W\d_{UNSPACED}]+")
ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\+[nrt]", re.IGNORECASE)
SEGMENTS = re.compile(r"[\n,;:|\"\[\]{}]+|[.!?)]\s+")
HOLES = re.compile(r"\{[^{}]*\}|%\(\w+\)[sdrf]|%[\d.]*[sdrf]")


def normal(text: str) -> str:
    """The words of a text, each between two spaces of its own, so that neighbours can be cut apart."""
    if "\\" in text:
        text = ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else " ", text)
    words = WORD.findall(text.casefold())
    return f" {'  '.join(words)} " if words else ""


class Text:
    """A text that may stand in a prompt.

    Args:
        text: As it was read. calls: Where it came from; none for what belongs to no answer.
    """

    def __init__(self, text: str, calls: Iterable[Hashable] = ()) -> None:
        self.text = text
        self.calls = tuple(calls)

    @cached_property
    def normal(self) -> str:
        return normal(self.text[:MOST])

    @cached_property
    def long(self) -> bool:
        return self.normal.count("  ") + 1 >= LONG

    @cached_property
    def stretches(self) -> frozenset[tuple[str, ...]]:
        words = self.normal.split()
        return frozenset(zip(*(words[i:] for i in range(LONG)), strict=False))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Normal forms of what code often takes out of an answer."""
        found = SEGMENTS.split(self.text[:MOST])[:MOST_PARTS]
        numbers = re.findall(r"\d+(?:[.,]\d+)*", self.text[:MOST])[-1:]
        parts = (normal(part) for part in (*found, *numbers))
        return tuple({part for part in parts if len(part) > 3 and part != self.normal})


class Ground:
    """What explains words of a prompt without any answer: the agent's literals, the question, examples.

    Args:
        code: The agent, compiled: its literals are its constants. texts: The question and the like.
    """

    def __init__(self, code: CodeType | None = None, texts: Iterable[str] = ()) -> None:
        self._literals = [] if code is None else list(_strings(code))
        self._given = [text for text in texts if text]

    @cached_property
    def texts(self) -> list[Text]:
        pieces = {piece for literal in self._literals for piece in HOLES.split(literal) if _says(piece)}
        return [Text(text) for text in (*self._given, *sorted(pieces))]

    @cached_property
    def parts(self) -> frozenset[str]:
        """Parts of what was given: choices that an agent reads out of the question, for instance."""
        return frozenset(part for text in self.texts[: len(self._given)] for part in text.parts)

    @cached_property
    def _ids(self) -> frozenset[int]:
        return frozenset(map(id, self._literals))

    def explains(self, piece: str) -> bool:
        """Whether a piece is one of these texts as a whole. One character is the same object everywhere."""
        return piece in self._given or (len(piece) > 1 and id(piece) in self._ids)


def sources(
    pieces: Iterable[str], reads: Sequence[Text], ground: Ground, passed: Iterable[Hashable] = ()
) -> list[Any]:
    """Calls whose answers stand in the pieces of a prompt, in the order in which they were read.

    Args:
        pieces: What an agent passes that is no answer under way. reads: What it read before.
        ground: What explains words otherwise. passed: Calls whose answers go in anyway.
    """
    if not reads:
        return []
    kept = [piece for piece in pieces if not ground.explains(piece)]
    left = CUT.join(filter(None, (normal(piece[:MOST]) for piece in kept)))[:MOST]
    found: set[Hashable] = set(passed)
    for text in reads:
        if not text.normal and text.text.strip() and text.text.strip() in kept:
            found.update(text.calls)
    for step in (_wholes, _stretches, _shorts):
        if not left.strip(" \0"):
            break
        left = step(left, reads, ground, found)
    order = {call: None for text in reads for call in text.calls if call in found}
    return list(order)


def _wholes(left: str, reads: Sequence[Text], ground: Ground, found: set[Hashable]) -> str:
    """Long texts that stand there whole."""
    texts = [text for text in (*reads, *ground.texts) if text.long]
    named: dict[str, list[Hashable]] = {}
    for text in texts:
        named.setdefault(text.normal, []).extend(text.calls)
    return _cut(left, sorted(named, key=len, reverse=True), named, found)


def _stretches(left: str, reads: Sequence[Text], ground: Ground, found: set[Hashable]) -> str:
    """Long stretches of texts, the longest first."""
    words = left.split()
    starts: dict[tuple[str, ...], list[int]] = {}
    for i in range(len(words) - LONG + 1):
        stretch = tuple(words[i : i + LONG])
        if "\0" not in stretch:
            starts.setdefault(stretch, []).append(i)
    if not starts:
        return left
    shared = {
        text: {i for stretch in text.stretches & starts.keys() for i in starts[stretch]}
        for text in (*reads, *ground.texts)
        if text.long
    }
    whole = {text: len(at) for text, at in shared.items()}
    while runs := {text: run for text, at in shared.items() if (run := _longest_run(at))}:
        best = max(runs.values(), key=len)
        claim = [text for text, run in runs.items() if run == best]
        most = max(whole[text] for text in claim)
        found.update(call for text in claim if whole[text] == most for call in text.calls)
        words[best.start : best.stop] = ["\0"] * len(best)
        gone = range(best.start - LONG + 1, best.stop)
        shared = {text: {i for i in at if i not in gone} for text, at in shared.items()}
    return "".join(CUT if word == "\0" else f" {word} " for word in words)


def _longest_run(starts: set[int]) -> range:
    """Words of the longest unbroken row of stretches; the first of equals."""
    best = range(0)
    for start in sorted(starts):
        if start - 1 not in starts:
            end = start
            while end + 1 in starts:
                end += 1
            if end + LONG - start > len(best):
                best = range(start, end + LONG)
    return best


def _shorts(left: str, reads: Sequence[Text], ground: Ground, found: set[Hashable]) -> str:
    """Short texts that stand there whole, and parts of answers; whole answers win, then what is given."""
    named: dict[str, list[Hashable]] = {}
    for text in reads:
        if text.normal:
            named.setdefault(text.normal, []).extend(text.calls)
    given = {text.normal for text in ground.texts} | ground.parts
    for part in given:
        named.setdefault(part, [])
    parts: dict[str, list[Hashable]] = {}
    for text in reads:
        for part in text.parts:
            if part not in named:
                parts.setdefault(part, []).extend(text.calls)
    named |= parts
    return _cut(left, sorted(named, key=lambda n: (-len(n), n)), named, found)


def _cut(
    left: str, texts: Iterable[str], named: Mapping[str, Sequence[Hashable]], found: set[Hashable]
) -> str:
    for text in texts:
        if text and text in left:
            if len(found.intersection(named[text])) < left.count(text):
                found.update(named[text])
            left = left.replace(text, CUT)
    return left


def _strings(code: CodeType) -> Iterator[str]:
    todo: list[Any] = list(code.co_consts)
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple | frozenset):
            todo.extend(value)
        elif isinstance(value, CodeType):
            todo.extend(value.co_consts)


def _says(piece: str) -> bool:
    """Whether a literal explains words of a prompt: a lone word (`"A"`) may as well be compared with."""
    words = WORD.findall(piece)
    return len(words) > 1 or (len(words) == 1 and len(piece) > len(words[0]))
