"""Finds which earlier answers an agent pasted into a prompt, for the communication graph.

Half of the agents that ADAS published put `.content` into their prompts instead of passing the `Info`.
Only an answer that the agent has read can have been pasted, and then its words appear in the prompt and
nothing else accounts for them. So all candidate texts compete for the words of the prompt: the answers that
were read, and the background, which belongs to no answer (the question, the agent's own literals). In order:

1. whole texts of six words and more, the longest first;
2. in what is left, runs of six words and more that a text shares with the prompt, the longest first (slices,
   changed or reordered pastes); of texts that share the same run, the one that shares most words;
3. whole short texts, and parts of answers: lines, items of lists, leaves of JSON, the last number.

Texts are compared by their words, so stripping, quoting, `repr` and `json.dumps` make no difference. Answers
with the same words cannot be distinguished: calls whose answers are passed anyway count first, and if they
are too few, all answers with these words that were read. What code computes from answers, and single
characters cut out of longer ones, leave no words to find: those edges are missing.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import CodeType
from typing import Any

__all__ = ["Background", "Text", "pasted_calls"]

LONG_WORDS = 6  # a shared run of this many words is no coincidence
MAX_PROMPT = 2**18  # characters of a prompt that are searched
MAX_PARTS = 64
CUT = " \0 "

# Scripts that put no spaces between words: each character counts as one.
UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(rf"[{UNSPACED}]|\d+|[^\W\d_{UNSPACED}]+")
ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\+[nrt]", re.IGNORECASE)
SEGMENTS = re.compile(r"[\n,;:|\"\[\]{}]+|[.!?)]\s+")
FORMAT_FIELDS = re.compile(r"\{[^{}]*\}|%\(\w+\)[sdrf]|%[\d.]*[sdrf]")


def normal(text: str) -> str:
    """The words of a text in lower case, each with a space on both sides, so that any can be cut out."""
    if "\\" in text:
        text = ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else " ", text)
    words = WORD.findall(text.casefold())
    return f" {'  '.join(words)} " if words else ""


class Text:
    """A text that may appear in a prompt.

    Args:
        text: The text as the agent read it.
        calls: The calls whose answer it is; none for the background.

    Attributes:
        normal: Its words, see `normal`.
        long: Whether it has at least `LONG_WORDS` words.
        stretches: All runs of `LONG_WORDS` words in it.
    """

    def __init__(self, text: str, calls: Iterable[Hashable] = ()) -> None:
        self.text = text
        self.calls = tuple(calls)

    @cached_property
    def normal(self) -> str:
        return normal(self.text[:MAX_PROMPT])

    @cached_property
    def long(self) -> bool:
        return self.normal.count("  ") + 1 >= LONG_WORDS

    @cached_property
    def stretches(self) -> frozenset[tuple[str, ...]]:
        words = self.normal.split()
        return frozenset(zip(*(words[i:] for i in range(LONG_WORDS)), strict=False))

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Normal forms of what code often extracts from an answer: lines, list items, the last number."""
        found = SEGMENTS.split(self.text[:MAX_PROMPT])[:MAX_PARTS]
        numbers = re.findall(r"\d+(?:[.,]\d+)*", self.text[:MAX_PROMPT])[-1:]
        parts = (normal(part) for part in (*found, *numbers))
        return tuple({part for part in parts if len(part) > 3 and part != self.normal})


class Background:
    """Texts that the agent has from elsewhere than from a model: its literals, the question, the examples.

    Args:
        code: The agent, compiled; its constants are the literals.
        texts: The question, examples and demonstrations.
    """

    def __init__(self, code: CodeType | None = None, texts: Iterable[str] = ()) -> None:
        self._literals = [] if code is None else list(_strings(code))
        self._given = [text for text in texts if text]

    @cached_property
    def texts(self) -> list[Text]:
        """The given texts, then the pieces of literals between the fields of format strings."""
        pieces = {p for literal in self._literals for p in FORMAT_FIELDS.split(literal) if _is_telling(p)}
        return [Text(text) for text in (*self._given, *sorted(pieces))]

    @cached_property
    def parts(self) -> frozenset[str]:
        """Parts of the given texts, such as choices that an agent extracts from the question."""
        return frozenset(part for text in self.texts[: len(self._given)] for part in text.parts)

    @cached_property
    def _ids(self) -> frozenset[int]:
        return frozenset(map(id, self._literals))

    def explains(self, piece: str) -> bool:
        """Whether a piece is one of these texts as a whole.

        Literals are recognised by identity; texts of one character are the same object everywhere.
        """
        return piece in self._given or (len(piece) > 1 and id(piece) in self._ids)


def pasted_calls(
    pieces: Iterable[str], reads: Sequence[Text], background: Background, passed: Iterable[Hashable] = ()
) -> list[Any]:
    """Calls whose answers appear in the pieces of a prompt, in the order in which they were read.

    Args:
        pieces: Texts of the prompt that are not passed as pending answers.
        reads: Texts that the agent has read, in order.
        background: Texts that account for words of the prompt without any answer.
        passed: Calls whose answers are part of the prompt anyway.
    """
    if not reads:
        return []
    kept = [piece for piece in pieces if not background.explains(piece)]
    left = CUT.join(filter(None, (normal(piece[:MAX_PROMPT]) for piece in kept)))[:MAX_PROMPT]
    found: set[Hashable] = set(passed)
    for text in reads:
        if not text.normal and text.text.strip() and text.text.strip() in kept:
            found.update(text.calls)
    for step in (_wholes, _stretches, _shorts):
        if not left.strip(" \0"):
            break
        left = step(left, reads, background, found)
    order = {call: None for text in reads for call in text.calls if call in found}
    return list(order)


def _wholes(left: str, reads: Sequence[Text], background: Background, found: set[Hashable]) -> str:
    """Step 1: whole long texts. Returns what is left of the prompt; adds calls to `found`."""
    texts = [text for text in (*reads, *background.texts) if text.long]
    named: dict[str, list[Hashable]] = {}
    for text in texts:
        named.setdefault(text.normal, []).extend(text.calls)
    return _cut(left, sorted(named, key=len, reverse=True), named, found)


def _stretches(left: str, reads: Sequence[Text], background: Background, found: set[Hashable]) -> str:
    """Step 2: long runs of words that a text shares with the prompt, the longest first."""
    words = left.split()
    starts: dict[tuple[str, ...], list[int]] = {}
    for i in range(len(words) - LONG_WORDS + 1):
        stretch = tuple(words[i : i + LONG_WORDS])
        if "\0" not in stretch:
            starts.setdefault(stretch, []).append(i)
    if not starts:
        return left
    shared = {
        text: {i for stretch in text.stretches & starts.keys() for i in starts[stretch]}
        for text in (*reads, *background.texts)
        if text.long
    }
    whole = {text: len(at) for text, at in shared.items()}
    while runs := {text: run for text, at in shared.items() if (run := _longest_run(at))}:
        best = max(runs.values(), key=len)
        claim = [text for text, run in runs.items() if run == best]
        most = max(whole[text] for text in claim)
        found.update(call for text in claim if whole[text] == most for call in text.calls)
        words[best.start : best.stop] = ["\0"] * len(best)
        gone = range(best.start - LONG_WORDS + 1, best.stop)
        shared = {text: {i for i in at if i not in gone} for text, at in shared.items()}
    return "".join(CUT if word == "\0" else f" {word} " for word in words)


def _longest_run(starts: set[int]) -> range:
    """Positions of the words of the longest run of consecutive starts; the first of equals."""
    best = range(0)
    for start in sorted(starts):
        if start - 1 not in starts:
            end = start
            while end + 1 in starts:
                end += 1
            if end + LONG_WORDS - start > len(best):
                best = range(start, end + LONG_WORDS)
    return best


def _shorts(left: str, reads: Sequence[Text], background: Background, found: set[Hashable]) -> str:
    """Step 3: whole short texts, and parts of answers; whole answers win, then the background."""
    named: dict[str, list[Hashable]] = {}
    for text in reads:
        if text.normal:
            named.setdefault(text.normal, []).extend(text.calls)
    given = {text.normal for text in background.texts} | background.parts
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
    """Cut texts out of the prompt, in order, and add their calls to `found`."""
    for text in texts:
        if text and text in left:
            if len(found.intersection(named[text])) < left.count(text):
                found.update(named[text])
            left = left.replace(text, CUT)
    return left


def _strings(code: CodeType) -> Iterator[str]:
    """All string constants of compiled code, those of nested functions included."""
    todo: list[Any] = list(code.co_consts)
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple | frozenset):
            todo.extend(value)
        elif isinstance(value, CodeType):
            todo.extend(value.co_consts)


def _is_telling(piece: str) -> bool:
    """Whether a literal accounts for words of a prompt; a lone word (`"A"`) may only be compared with."""
    words = WORD.findall(piece)
    return len(words) > 1 or (len(words) == 1 and len(piece) > len(words[0]))
