"""Matchers `contains` and `regex`: whether an answer has a text in it, or what a pattern describes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from domains.domain import Item, Score
from domains.matching.characters import MAX_TEXT, unified
from domains.matching.feedback import not_right, short
from domains.matching.matcher import NO_ITEM, Matcher

__all__ = ["Contains", "Regex"]

SECONDS = 0.3  # for one pattern on one answer

_DENIED = re.compile(r"(?:\b(?:not|isn't|wasn't|never|neither|nor)\s+(?:\w+\s+)?)$")


@dataclass(frozen=True)
class Contains(Matcher):
    """Whether the answer has the target's text in it.

    Attributes:
        case: Whether case matters.
        words: Whether the text must stand there as whole words.
    """

    case: bool = False
    words: bool = True

    name: ClassVar[str] = "contains"
    how: ClassVar[str] = "a text that has the right one in it"

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 where the text is there and not denied, else 0."""
        said, wanted = (self._plain(text) for text in (answer, target))
        if not wanted:
            return Score(0.0)
        start, denied = said.find(wanted), False
        while start >= 0:
            end = start + len(wanted)
            inside = (wanted[0].isalnum() and said[start - 1 : start].isalnum()) or (
                wanted[-1].isalnum() and said[end : end + 1].isalnum()
            )
            if not (self.words and inside):
                if not _DENIED.search(said[max(0, start - 40) : start].casefold()):
                    return Score(1.0)
                denied = True
            start = said.find(wanted, start + 1)
        if denied:
            return Score(0.0, not_right("it says only what the answer is not", target))
        return Score(0.0, f"it does not hold {short(target)}")

    def _plain(self, text: str) -> str:
        plain = " ".join(unified(text).split())
        return plain if self.case else plain.casefold()


@dataclass(frozen=True)
class Regex(Matcher):
    """Whether the target, a regular expression, matches the answer. An answer that takes too long is wrong.

    Attributes:
        whole: Whether it must match all of the answer, and not only a part.
        case: Whether case matters.
    """

    whole: bool = False
    case: bool = False

    name: ClassVar[str] = "regex"
    how: ClassVar[str] = "a text that matches a pattern"
    targets_answer: ClassVar[bool] = False

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 where it matches, else 0."""
        pattern = self._compiled(target)
        text = answer.strip()[-MAX_TEXT:]
        try:
            match = pattern.fullmatch if self.whole else pattern.search
            if match(text, timeout=SECONDS) is not None:
                return Score(1.0)
            how = "the whole of it does not match" if self.whole else "nothing in it matches"
            return Score(0.0, f"{how} {short(target)}")
        except TimeoutError:
            return Score(0.0, f"matching took longer than {SECONDS:g} s")
        except (MemoryError, RecursionError):
            return Score(0.0, "matching took too much memory")

    def fault(self, target: str) -> str:
        """Why a target is no pattern."""
        try:
            self._compiled(target)
        except Exception as error:  # noqa: BLE001 - the library has errors of several kinds
            return f"is no pattern ({str(error)[:60]})"
        return ""

    def _compiled(self, target: str) -> Any:
        import regex

        flags = regex.V0 if self.case else regex.V0 | regex.IGNORECASE
        return regex.compile(target, flags)
