"""Does a text follow an instruction? The 25 kinds of ifeval (Zhou et al. 2023, arXiv 2311.07911, table 1).

Each does what the published verifier does, odd as that may be: keywords are searched as patterns and within
words, a bullet is any line that begins with a dash, and `less than` does not allow as many. Names and
arguments are those of the published data. One thing is otherwise: a pattern that repeats something, which
could take for ever on an answer that was made for it, is searched as it stands.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from domains import prose
from domains.language import language_of
from meta_search.errors import DomainError

__all__ = ["INSTRUCTIONS", "Instruction", "follows", "instruction_of", "loosened"]

LESS, LEAST = "less than", "at least"
OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
STOPS = ".,?!'\""
LANGUAGE_UNKNOWN = ""
MOST_CHOICES = 8  # of a pattern: each may double what it takes
_ESCAPED = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)  # marks that mean themselves, and sets of them


class Kind(NamedTuple):
    """A kind of instruction.

    Attributes:
        check: (text, arguments) -> whether the text follows it.
        arguments: Those that it needs, with the type of each.
    """

    check: Callable[[str, Mapping[str, Any]], bool]
    arguments: Mapping[str, type] = {}


class Instruction(NamedTuple):
    """An instruction of an item.

    Attributes:
        name: In `INSTRUCTIONS`.
        arguments: Its arguments.
    """

    name: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        shown = ", ".join(f"{key}={str(value)[:60]!r}" for key, value in self.arguments.items())
        return f"{self.name} ({shown})" if shown else self.name


def instruction_of(place: str, name: Any, arguments: Any) -> Instruction:
    """An instruction as the data has it; arguments that are `None` are left out.

    Raises:
        DomainError: There is no such instruction, or an argument is missing or of a wrong type.
    """
    if name not in INSTRUCTIONS:
        raise DomainError(
            f"{place}: instruction {name!r:.60} is none of ifeval's: {', '.join(sorted(INSTRUCTIONS))}"
        )
    given = {k: v for k, v in arguments.items() if v is not None} if isinstance(arguments, Mapping) else {}
    kept: dict[str, Any] = {}
    for key, kind in INSTRUCTIONS[name].arguments.items():
        value = given.get(key)
        value = int(value) if kind is int and isinstance(value, float) and value.is_integer() else value
        texts = kind is not list or (isinstance(value, list) and all(isinstance(part, str) for part in value))
        if not isinstance(value, kind) or isinstance(value, bool) or not texts:
            raise DomainError(f"{place}: {name} needs {key} ({kind.__name__}), not {value!r:.60}")
        if key.endswith("relation") and value not in (LESS, LEAST):
            raise DomainError(f"{place}: {name}: {key} must be {LESS!r} or {LEAST!r}, not {value!r:.40}")
        kept[key] = value
    for pattern in _patterns(name, kept):
        try:
            re.compile(_harmless(pattern))
        except re.error as error:
            raise DomainError(f"{place}: {name}: {pattern!r:.60} is no pattern: {error}") from error
    return Instruction(name, kept)


def follows(instruction: Instruction, text: str) -> bool:
    """Whether a text follows an instruction; an empty one follows none."""
    return bool(text.strip()) and INSTRUCTIONS[instruction.name].check(text, instruction.arguments)


def loosened(text: str) -> list[str]:
    """A text as the loose score reads it: without first line, last line, both, and each without asterisks."""
    lines = text.split("\n")
    parts = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*parts, *(part.replace("*", "") for part in parts)]


def _patterns(name: str, arguments: Mapping[str, Any]) -> list[str]:
    if name == "detectable_format:multiple_sections":
        return [arguments["section_spliter"]]
    if name == "detectable_content:postscript":
        return [arguments["postscript_marker"].lower()]
    if not name.startswith("keywords:") or name.endswith("letter_frequency"):
        return []
    found = arguments.get("keywords") or arguments.get("forbidden_words") or [arguments.get("keyword", "")]
    return list(found)


@functools.lru_cache(maxsize=4096)
def _harmless(pattern: str) -> str:
    """A pattern that cannot take long, as it is; another one as a text. The data may be anybody's."""
    plain = _ESCAPED.sub("", pattern)
    repeats = "(?" in pattern or any(mark in plain for mark in "*+{")  # a comment may hide one
    return re.escape(pattern) if repeats or sum(map(plain.count, "?|")) > MOST_CHOICES else pattern


@functools.lru_cache(maxsize=4096)
def _pattern(text: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(text, flags)


def _compared(number: int, relation: str, wanted: int) -> bool:
    return number < wanted if relation == LESS else number >= wanted


# -- keywords, language, letters


def _keywords(text: str, given: Mapping[str, Any]) -> bool:
    return all(_pattern(_harmless(word)).search(text) for word in given["keywords"])


def _keyword_frequency(text: str, given: Mapping[str, Any]) -> bool:
    found = sum(1 for _ in _pattern(_harmless(given["keyword"].strip())).finditer(text))
    return _compared(found, given["relation"], given["frequency"])


def _forbidden(text: str, given: Mapping[str, Any]) -> bool:
    return not any(_pattern(rf"\b{_harmless(word)}\b").search(text) for word in given["forbidden_words"])


def _letters(text: str, given: Mapping[str, Any]) -> bool:
    found = text.lower().count(given["letter"].strip().lower())
    return _compared(found, given["let_relation"], given["let_frequency"])


def _language(text: str, given: Mapping[str, Any]) -> bool:
    return language_of(text) in (given["language"], LANGUAGE_UNKNOWN)


def _capitals(text: str, given: Mapping[str, Any]) -> bool:
    return text.isupper() and language_of(text) in ("en", LANGUAGE_UNKNOWN)


def _lowercase(text: str, given: Mapping[str, Any]) -> bool:
    return text.islower() and language_of(text) in ("en", LANGUAGE_UNKNOWN)


def _capital_words(text: str, given: Mapping[str, Any]) -> bool:
    return _compared(prose.capital_words(text), given["capital_relation"], given["capital_frequency"])


def _no_comma(text: str, given: Mapping[str, Any]) -> bool:
    return "," not in text


# -- lengths


def _words(text: str, given: Mapping[str, Any]) -> bool:
    return _compared(prose.words(text), given["relation"], given["num_words"])


def _sentences(text: str, given: Mapping[str, Any]) -> bool:
    return _compared(prose.sentences(text), given["relation"], given["num_sentences"])


def _paragraphs(text: str, given: Mapping[str, Any]) -> bool:
    parts = re.split(r"\s?\*\*\*\s?", text)
    if not all(part.strip() for part in parts[1:-1]):
        return False
    return sum(bool(part.strip()) for part in parts) == int(given["num_paragraphs"])


def _first_word(text: str, given: Mapping[str, Any]) -> bool:
    """The published verifier counts paragraphs with text, and looks the n-th up among all."""
    parts = text.split("\n\n")
    full = sum(bool(part.strip()) for part in parts)
    place = int(given["nth_paragraph"])
    if full != int(given["num_paragraphs"]) or not 0 < place <= full or not parts[place - 1].strip():
        return False
    word = parts[place - 1].split()[0].lstrip("'").lstrip('"')
    stop = next((n for n, letter in enumerate(word) if letter in STOPS), len(word))
    return word[:stop].lower() == str(given["first_word"]).lower()


# -- content and format


def _placeholders(text: str, given: Mapping[str, Any]) -> bool:
    found = 0
    for line in text.split("\n"):
        end = 0
        while (start := line.find("[", end)) >= 0 and (closed := line.find("]", start)) >= 0:
            found, end = found + 1, closed + 1
    return found >= int(given["num_placeholders"])


def _postscript(text: str, given: Mapping[str, Any]) -> bool:
    marker = str(given["postscript_marker"]).strip()
    known = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
    return _pattern(known.get(marker, _harmless(marker.lower())), 0).search(text.lower()) is not None


def _bullets(text: str, given: Mapping[str, Any]) -> bool:
    """The published pattern takes a star that ends its line together with the next line."""
    lines = [line.lstrip() for line in text.split("\n")]
    found = place = 0
    while place < len(lines):
        line, place = lines[place], place + 1
        found += line.startswith("-") or re.match(r"\*[^*]", line) is not None
        if line == "*" and place < len(lines):
            found, place = found + 1, place + 1
    return found == int(given["num_bullets"])


def _one_of(text: str, given: Mapping[str, Any]) -> bool:
    return any(option in text for option in OPTIONS)


def _highlights(text: str, given: Mapping[str, Any]) -> bool:
    single = [part for part in re.findall(r"\*[^\n\*]*\*", text) if part.strip("*").strip()]
    double = [part for part in re.findall(r"\*\*[^\n\*]*\*\*", text) if part[2:-2].strip()]
    return len(single) + len(double) >= int(given["num_highlights"])


def _sections(text: str, given: Mapping[str, Any]) -> bool:
    mark = _pattern(rf"\s?{_harmless(given['section_spliter'].strip())}\s?\d+\s?", 0)
    return len(mark.findall(text)) >= int(given["num_sections"])


def _json(text: str, given: Mapping[str, Any]) -> bool:
    text = text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _title(text: str, given: Mapping[str, Any]) -> bool:
    for line in text.split("\n"):
        start, end = line.find("<<"), line.rfind(">>")
        if start >= 0 and start + 3 <= end and line[start : end + 2].lstrip("<").rstrip(">").strip():
            return True
    return False


# -- the whole


def _two_responses(text: str, given: Mapping[str, Any]) -> bool:
    parts = [part.strip() for part in text.split("******")]
    full = [part for part in parts if part]
    return all(parts[1:-1]) and len(full) == 2 and full[0] != full[1]


def _repeats(text: str, given: Mapping[str, Any]) -> bool:
    return text.strip().lower().startswith(str(given["prompt_to_repeat"]).strip().lower())


def _ends(text: str, given: Mapping[str, Any]) -> bool:
    return text.strip().strip('"').lower().endswith(str(given["end_phrase"]).strip().lower())


def _quoted(text: str, given: Mapping[str, Any]) -> bool:
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


INSTRUCTIONS: Mapping[str, Kind] = {
    "change_case:capital_word_frequency": Kind(
        _capital_words, {"capital_relation": str, "capital_frequency": int}
    ),
    "change_case:english_capital": Kind(_capitals),
    "change_case:english_lowercase": Kind(_lowercase),
    "combination:repeat_prompt": Kind(_repeats, {"prompt_to_repeat": str}),
    "combination:two_responses": Kind(_two_responses),
    "detectable_content:number_placeholders": Kind(_placeholders, {"num_placeholders": int}),
    "detectable_content:postscript": Kind(_postscript, {"postscript_marker": str}),
    "detectable_format:constrained_response": Kind(_one_of),
    "detectable_format:json_format": Kind(_json),
    "detectable_format:multiple_sections": Kind(_sections, {"section_spliter": str, "num_sections": int}),
    "detectable_format:number_bullet_lists": Kind(_bullets, {"num_bullets": int}),
    "detectable_format:number_highlighted_sections": Kind(_highlights, {"num_highlights": int}),
    "detectable_format:title": Kind(_title),
    "keywords:existence": Kind(_keywords, {"keywords": list}),
    "keywords:forbidden_words": Kind(_forbidden, {"forbidden_words": list}),
    "keywords:frequency": Kind(_keyword_frequency, {"keyword": str, "relation": str, "frequency": int}),
    "keywords:letter_frequency": Kind(_letters, {"letter": str, "let_relation": str, "let_frequency": int}),
    "language:response_language": Kind(_language, {"language": str}),
    "length_constraints:nth_paragraph_first_word": Kind(
        _first_word, {"num_paragraphs": int, "nth_paragraph": int, "first_word": str}
    ),
    "length_constraints:number_paragraphs": Kind(_paragraphs, {"num_paragraphs": int}),
    "length_constraints:number_sentences": Kind(_sentences, {"relation": str, "num_sentences": int}),
    "length_constraints:number_words": Kind(_words, {"relation": str, "num_words": int}),
    "punctuation:no_comma": Kind(_no_comma),
    "startend:end_checker": Kind(_ends, {"end_phrase": str}),
    "startend:quotation": Kind(_quoted),
}
