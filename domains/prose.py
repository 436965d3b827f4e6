"""Counts sentences and words in capitals as the tokenizers do that ifeval's own verifiers call.

Sentences after Punkt (Kiss and Strunk 2006, Computational Linguistics 32:4): a full stop ends one unless it
belongs to an abbreviation, an initial or dots; an exclamation or question mark always does; a line's end does
not. Words after the Penn Treebank's rules: punctuation and the ends of contractions are words of their own.
Both are written anew, with short lists in place of trained models; docs/benchmarks-programs.md says how far
they agree with NLTK's.
"""

from __future__ import annotations

import re

__all__ = ["capital_words", "sentences", "words"]

_END = re.compile(r"[.?!](?=[)\";}\]*:@'({\[!?‘’“”«»]|\s+\S)")
_CLOSING = re.compile(r"[\"')\]}‘’“”«»]+(?=\s|$|--)")
_TOKEN = re.compile(r"[^\s\"()\[\]{};:@*!?']*$")
_NEXT = re.compile(r"[\"')\]}*’”»]*\s*[\"'(\[{*‘“«]*([^\W\d_]+)")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*")
_WORD = re.compile(r"\w+")

ABBREVIATIONS = frozenset(
    "v cie reps messrs sw yr u.s.a s.a n.v b.v r.j j.p w.va tues a.c a.g u.s.s.r chg m.j j.k dr mr mrs ms "
    "prof sr jr st vs inc ltd co corp bros u.s u.k u.n a.m p.m a.d ph.d d.c l.a n.y gen sen rep lt col maj "
    "adm jan feb aug sept sep oct nov dec wed fri ave ft mg calif conn fla ga ill kan "
    "ky mich minn nev okla ore pa tenn va vt wash wis ala ariz colo ".split()
)
# Words that begin a sentence more often than they stand with a capital in one.
STARTERS = frozenset(
    "the a an this that these those he she it we they you i his her its our their your my there here in on "
    "at for to from with by as of and but or so yet if when while after before since although because "
    "however then thus what why how who where which is are was were do does did can could will would should "
    "may might let no not all some "
    "many most each every both one two please also".split()
)


def words(text: str) -> int:
    """How many words there are: runs of letters, digits and underscores."""
    return sum(1 for _ in _WORD.finditer(text))


def sentences(text: str) -> int:
    """How many sentences there are; text that no mark ends is one too."""
    count = start = 0
    text = text.strip()
    for match in _END.finditer(text):
        if match.start() < start or not _ends(text, match.start()):
            continue
        closing = _CLOSING.match(text, match.end())
        end = closing.end() if closing else match.end()
        count += bool(text[start:end].strip())
        start = end
    return count + bool(text[start:].strip())


def _ends(text: str, place: int) -> bool:
    """Whether the mark at a place ends a sentence."""
    mark, behind = text[place], text[place + 1 : place + 80]
    if behind[:1] in ("!", "?"):  # the last of several marks ends it
        return False
    if mark != ".":
        return True
    before = text[max(0, place - 60) : place]
    found = _TOKEN.search(before)
    token = found[0].lower() if found else ""
    following = _NEXT.match(behind)
    word = following[1] if following else ""
    starts = word[:1].isupper() and word.lower() in STARTERS
    if token.endswith(".") or token in ABBREVIATIONS or token.rpartition("-")[2] in ABBREVIATIONS:
        return starts
    if len(token) == 1 and token.isalpha():
        return starts
    if _NUMBER.fullmatch(token):
        return not behind.lstrip()[:1].islower()
    return True


_SPLIT = re.compile(r"\.\.\.+|--+|[\[\](){}<>;@#$%&?!\"“”«»]|,(?=\D|$)|:(?=\D|$)|``|''")
_CONTRACTION = re.compile(r"(?i)(?<=\w)(n't|'(?:s|m|d|ll|re|ve))\b|(?<=\w)(')(?=\s|$)")
_PARTED = re.compile(
    r"(?i)\b(can)(not)\b|\b(gon|wan)(na)\b|\b(got)(ta)\b|\b(gim|lem)(me)\b|\b(d)('ye)\b|\b(more)('n)\b"
)


def capital_words(text: str) -> int:
    """How many words are in capitals: the parts of `CAN'T` are two, `WELL-KNOWN` is one, and so is `I`."""
    text = _SPLIT.sub(lambda match: f" {match[0]} ", text)
    text = _CONTRACTION.sub(lambda match: f" {match[0]} ", text)
    text = _PARTED.sub(lambda match: " ".join(part for part in match.groups() if part), text)
    return sum(token.isupper() for token in text.split())
