"""Yes and no, as people and models say them."""

from __future__ import annotations

import re

from domains.matching.characters import from_latex, unified
from domains.matching.final import bare, final

__all__ = ["polarity"]

_YES = frozenset(("yes", "true", "y", "t", "yep", "yeah", "yup", "correct", "affirmative"))
_NO = frozenset(("no", "false", "n", "f", "nope", "nah", "incorrect", "negative"))
_TARGETS = frozenset(("yes", "no", "true", "false"))
_OPENED = re.compile(r"(?:indeed|certainly|definitely|of course|well|so)[\s,:]+(?=(?:yes|no|true|false)\b)")
_FIRST = re.compile(
    r"([a-z]+)(?:\s*[,.;:!—–-]|[ \t]*\n|\s(?:it|they|he|she|we|you|i|this|that|there)\s"
    r"(?:\w+n't|is|are|was|were|does|do|did|can|could|will|would|has|have|had|cannot|must|should|may|might)\b)"
)
# What a text comes to after all: "No, wait, yes".
_CORRECTED = re.compile(
    r"\b(?:wait|actually|correction|scratch that|on second thought)\b\W{0,4}"
    r"(?:(?:the answer|it|that)(?:\sis|'s)\s)?(yes|no|true|false)\s*(?=$|[.,;:!])"
)
_STATED = re.compile(
    r"(?:the\s(?:statement|claim|answer|sentence|proposition)|it|this|that)(?:\sis|'s)\s"
    r"(?:(definitely|clearly|indeed|therefore|most likely)\s)?"
    r"(true|false|correct|incorrect|not true|not correct|yes|no)\b(?:[\s.!]*$|,?\s(?:because|since)\b)"
)
_BOTH = re.compile(
    r"\b(?:yes|true)\b\W{0,3}(?:or|and|/)\W{0,3}\b(?:no|false)\b|"
    r"\b(?:no|false)\b\W{0,3}(?:or|and|/)\W{0,3}\b(?:yes|true)\b|"
    r"\b(?:yes|true)\b\W{0,3}\b(?:no|false)\b(?!\s+\w)|"  # and not "Yes. No exceptions."
    r"\b(?:no|false)\b\W{0,3}\b(?:yes|true)\b"
)
_SENTENCE_OPENERS = ("yes", "no", "true", "false", "yep", "nope", "yeah", "correct", "incorrect")


def polarity(text: str, whole: bool = False) -> bool | None:
    """Whether a text says yes or no; `None` where it says neither, or both.

    Args:
        text: An answer or a target.
        whole: Whether it has to be one word, yes, no, true or false.
    """
    plain = bare(from_latex(final(unified(text)).text)).casefold()
    plain = bare(re.sub(r"[*_`]+", "", plain))
    if whole:
        return plain in _YES if plain in _TARGETS else None
    if plain in _YES or plain in _NO:
        return plain in _YES
    if _BOTH.search(plain):
        return None
    corrected = list(_CORRECTED.finditer(plain))
    if corrected:
        return corrected[-1][1] in _YES
    plain = _OPENED.sub("", plain, count=1)
    if plain in _YES or plain in _NO:
        return plain in _YES
    first = _FIRST.match(plain)
    if first and first[1] in _SENTENCE_OPENERS:
        return first[1] in _YES
    stated = _STATED.match(plain)
    if stated:
        return stated[2] in _YES
    return None
