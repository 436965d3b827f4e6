"""The one number that an answer says, as a person reads it; none where it says several, or leaves it open.

Of an answer in several lines or sentences it is the number that stands alone, else that of the last one. In a
sentence it is what follows the last "=", else what follows "so", "is", "makes" and the like, else the last
number that is no aside: in brackets, after "per" or "out of". "7 or 8", "3, 4", "3-5" and "3 + 4" say no one
number, and the note says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from domains.matching import cues
from domains.matching.characters import from_latex, unified
from domains.matching.final import bare, final
from domains.matching.numerals import Decimals, Numeral, numerals
from domains.matching.sentence import NOTHING, Find, Reading, alone_number, of_sentence, several_numbers
from domains.matching.words import chinese, spelled

__all__ = ["read", "read_whole"]

MOST_LINES = 400


@lru_cache(64)  # an item may accept many answers
def read(text: str, decimals: Decimals = "") -> Reading:
    """The number that an answer says.

    Args:
        text: The answer as it was given.
        decimals: What stands before decimals where a number does not show it.
    """
    said = final(unified(text.replace(" — ", "; ")))
    plain = from_latex(said.text)
    lines = [line for line in map(_line, plain.split("\n")[-MOST_LINES:]) if line.strip()]
    if not lines:
        return NOTHING
    if len(lines) > 1 and cues.FIRST.match(lines[0]):  # a numbered list
        lines = [cues.NUMBERED.sub("", line) for line in lines]
    how = _of_marked if said.marked else _of_lines if len(lines) > 1 else _of_one
    in_digits = how(lines, lambda part: numerals(part, decimals))
    if in_digits.value is not None or in_digits.note:
        return in_digits
    return how(lines, _in_words)


def read_whole(text: str, decimals: Decimals = "") -> Reading:
    """The number that a text is, with a percent sign or currency at most; no value where it is more."""
    plain = _line(from_latex(unified(text)))
    for spaced in dict.fromkeys((plain.strip(), _spaced(plain).strip())):
        spaced = bare(spaced).rstrip(".").strip()
        found = numerals(spaced, decimals)
        if len(found) == 1 and found[0].value is not None:
            outside = spaced[: found[0].start] + spaced[found[0].end :]
            if not outside.strip(" $€£¥₹¢()°"):
                return Reading(found[0].value, found[0].percent)
    return NOTHING


def _in_words(text: str) -> list[Numeral]:
    found = []
    for start, end, value in spelled(text):
        percent = cues.PERCENT.match(text, end)
        found.append(Numeral(start, percent.end() if percent else end, value, bool(percent)))
    return found or [Numeral(*number) for number in chinese(text)]


def _line(line: str) -> str:
    bullet = cues.BULLET.match(line)
    if bullet and not re.fullmatch(r"\s*[-+]\s+[\d.,]+\s*", line):  # "- 5" alone is minus five
        line = line[bullet.end() :]
    line = re.sub(r"^\s*1[.)]\s+(?=\S+\s*$)", "", cues.EMPHASIS.sub("", line))
    line = cues.AND_A_HALF.sub(r"\1 1/2", line)
    line = re.sub(r"(?<=\d)\s*(?:±|\+/-)\s*\d[\d.,]*", "", line)
    return line.replace("|", " ") if line.count("|") > 1 or line.endswith("|") else line


def _spaced(line: str) -> str:
    """`1 234 567` as one number, where the line holds nothing else but a unit."""
    found = re.fullmatch(r"(\D{0,12})(\d{1,3}(?: \d{3})+)((?:[.,]\d+)?\D{0,20})", line.strip())
    return found[1] + found[2].replace(" ", "'") + found[3] if found else line


def _of_marked(lines: Sequence[str], find: Find) -> Reading:
    """What stands first after a mark: a line, and its first sentence with a number."""
    for line in lines[:4]:
        for sentence in cues.SENTENCE.split(_spaced(line)):
            reading = of_sentence(sentence, find, first=True)
            if reading.value is not None or reading.note:
                return reading
    return NOTHING


def _of_lines(lines: Sequence[str], find: Find) -> Reading:
    """The number that stands alone in the last line, or in the first with an explanation below.

    Else it is the last line's. Numbers alone in all lines are several.
    """
    alone = [alone_number(_spaced(line), find) for line in lines]
    values = list(dict.fromkeys(reading.value for reading in alone))
    if None not in values and len(values) > 1:
        return Reading(None, note=several_numbers([str(value) for value in values]))
    for reading in (alone[-1], alone[0]):
        if reading.value is not None:
            return reading
    for line in reversed(lines):
        if cues.ASIDE.match(line):
            continue
        reading = _of_line(line, find)
        if reading.value is not None or reading.note:
            return reading
    return NOTHING


def _of_one(lines: Sequence[str], find: Find) -> Reading:
    return _of_line(_spaced(lines[0]), find)


def _of_line(line: str, find: Find) -> Reading:
    sentences = [part for part in cues.SENTENCE.split(line) if part and part.strip()]
    if len(sentences) > 1:
        last = cues.CORRECTED.sub("", sentences[-1], count=1)
        if last != sentences[-1] and (corrected := alone_number(last, find)).value is not None:
            return corrected
        stated = [part for part in sentences if not part.rstrip().endswith("?")]  # "18? No, 20."
        sentences = stated if any(find(part) for part in stated) else sentences
        alone = [reading for part in sentences if (reading := alone_number(part, find)).value is not None]
        values = {reading.value for reading in alone}
        if len(values) == 1:
            return alone[0]
        if len(values) > 1 and len(alone) == len(sentences):
            return Reading(None, note=several_numbers([str(reading.value) for reading in alone]))
    for sentence in reversed(sentences):
        if len(sentences) > 1 and cues.ASIDE.match(sentence):
            continue
        reading = of_sentence(sentence, find)
        if reading.value is not None or reading.note:
            return reading
    return NOTHING
