"""Matcher `choice`: which of the lettered options an answer takes, by its letter or its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from domains.domain import Item, Score
from domains.matching.characters import from_latex, unified
from domains.matching.exact import exact, plain
from domains.matching.feedback import not_right, read_as, short
from domains.matching.final import bare, final
from domains.matching.matcher import NO_ITEM, Matcher
from domains.matching.option_text import NEGATION, Choices, by_text, several_choices, within
from domains.matching.options import LETTERS, letter_of, lettered, options_of

__all__ = ["Choice"]

MOST_LINES = 200
MOST_FEW = 40  # characters of a few words; scripts without spaces have more in them
LEAST_REPEATED = 4  # characters of an option's text
MOST_TEXT = 2_000  # characters of an answer in which a choice is looked for, from the end

_EMPHASIS = re.compile(r"\*{1,3}|`+|__|</?[A-Za-z][^<>]{0,40}>|^\s*(?:#{1,6}|>)\s+", re.MULTILINE)
_OPEN, _CLOSE = r"[(\[{<\"'【〔]", r"[)\]}>\"'】〕]"
_NAMED = r"(?:the\s)?(?:(?:correct|right|best|final|my)\s)?(?:answer|option|choice|letter|alternative)s?"
_NOUN = r"(?:(?:option|choice|opción|opzione|opção|letra|lettre|lettera|buchstabe|вариант)\s|[选選][项項]\s?)"
_ONLY = re.compile(
    rf"(?:{_NAMED}\s*(?:is|:|=)?\s*)?(?:(?:the|la|le|el|die|der)\s)?{_NOUN}?{_OPEN}*\s*([A-Za-z])\s*{_CLOSE}*[\s.:,!;]*",
    re.I,
)
_BESIDE = re.compile(  # 选B: characters without spaces around a letter
    r"(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?=[A-Z](?![A-Za-z]))|"
    r"(?<=(?<![A-Za-z])[A-Z])(?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])"
)
_LED = re.compile(
    rf"(?:(?:option|choice)\s)?(?:{_OPEN}\s?([A-Za-z])\s?{_CLOSE}|([A-Za-z])\s?[).:\]]|([A-Z])\s?(?:-{{1,2}}|:|,)\s)"
    r"[\s.:,-]*(?=\S)",
    re.I,
)
_SEVERAL = re.compile(
    r"[(\[]?\s*\(?([A-Z])\)?((?:\s*(?:,|;|&|/|\band\b|\bor\b|,\s*and\b|,\s*or\b)\s*\(?[A-Z]\)?)+)\s*[)\]]?[.!]?",
    re.I,
)
_JOINED = re.compile(r"[A-Z]{2,6}")
_BEHIND = re.compile(
    rf"(?:(?<!不)[选選](?:择|擇)?|\b(?:{_NAMED}\s*(?:(?:is|would be|should be|must be)\b|:|=)|"
    rf"choose|pick|select|go(?:ing)? with|say|"
    rf"think|vote for|prefer|(?:it|that|this)(?:'s| is| must be| would be)|"
    rf"(?:so|thus|therefore|hence|leaves|leaving|not\b[^.]{{0,40}}\bbut),?))\s*:?\s*"
    rf"(?:clearly |probably |definitely |most likely |it is |it's )?"
    rf"(?:(?:the )?(?:option|choice|answer|letter)\s)?"
    rf"({_OPEN}*)([A-Za-z])\b({_CLOSE}*)",
    re.I,
)
_BEFORE = re.compile(
    rf"({_OPEN}?)\b([A-Z])\b({_CLOSE}?)\s+(?:is|seems|looks|would be|must be|ist|est|es|è|é)\s+"
    r"(?:the\s|la\s)?(?:most\s)?"
    r"(?:correct|right|best|better|true|answer|only|likely|appropriate|accurate|richtig|corrett?[ao]|bonne|exacte|respuesta|réponse|resposta|risposta)"
)
_MENTION = re.compile(rf"(?:\b(?i:option|choice|answer)\s|{_OPEN})\s?([A-Z])\b\s?{_CLOSE}?")
_NOT_BEFORE = re.compile(
    r"\b(?:not|isn't|neither|nor|except|rather than|instead of|than|eliminate|rule out|exclude)"
    r"\s(?:\w+\s){0,2}[(\[\"']*$",
    re.I,
)
_NOT_AFTER = re.compile(
    r"^[)\]\"'.]*\s*(?:\S+\s){0,3}?(?:is|are|was|seems)\s+(?:wrong|incorrect|false|not|eliminated|out)\b"
    r"|^\W*(?:ではな|ではあり|じゃな|[이가] ?아[니닙]|不[对對正]|错|錯)",
    re.I,
)
_PLACES = ("first", "second", "third", "fourth", "fifth")
_PLACE = re.compile(
    rf"(?:(?:{_NAMED}|it)\sis\s)?the\s({'|'.join(_PLACES)}|last)\s(?:option|choice|answer|one|alternative)"
)
_SENTENCE = re.compile(r"[)\]\"']*[.!]\s+(?!(?:It|This|That)\b)[A-Z]\w")  # it is about something else
_LETTER = re.compile(r"(?<![\w'])([A-Z])(?![\w'])(?!\s[a-z])")
_REASON = frozenset("because since as is for due and or but which seems looks would must it".split())
_OR = re.compile(
    rf"^{_CLOSE}*\s*(?:[^.\n]{{0,60}}?\s)?(?:or|and|/|versus)\s+(?:(?:option|choice)\s)?{_OPEN}*([A-Z])\b(?:{_CLOSE}|[.,\s]*$|\s+[A-Z])"
)
_WRONG = re.compile(r"\b(?:wrong|incorrect|false|eliminat\w*|not)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Choice(Matcher):
    """Compares choices among lettered options: `B`, `(b)`, `B) Paris`, `Paris` and "the answer is B" are one.

    The options' texts are read from the question (`A) Rome B) Paris`, in lines or not) or `choices` in the
    item's data. A target may hold several letters, `A, C`: all of them have to be taken.
    """

    name: ClassVar[str] = "choice"
    how: ClassVar[str] = "one of the options, by its letter or its text"

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same choice, else 0; the feedback says why an answer has none."""
        answer, target, item = lettered(answer, target, item)
        options = options_of(item)
        wanted = _of_target(target, options)
        if not wanted:
            return exact.score(answer, target, item)
        given = _taken(answer, options, several=len(wanted) > 1)
        if given.letters == wanted:
            return Score(1.0)
        right = _named(wanted, options)
        if given.letters:
            return Score(0.0, read_as(_named(given.letters, options), right))
        return Score(0.0, not_right(given.note, right))

    def fault(self, target: str) -> str:
        """Nothing can be wrong with a target: without a letter it is compared as text."""
        return ""


def _named(letters: frozenset[str], options: Mapping[str, str]) -> str:
    """Letters with the options' texts: `B (Paris)`."""
    texts = {letter: short(options[letter], 30) for letter in letters if options.get(letter)}
    return ", ".join(f"{x} ({texts[x]})" if x in texts else x for x in sorted(letters))


def _of_target(target: str, options: Mapping[str, str]) -> frozenset[str]:
    text = bare(unified(target)).strip()
    letter = letter_of(text)
    if letter:
        return frozenset(letter)
    several = _SEVERAL.fullmatch(text)
    if several and text.upper() == text.replace("and", "AND"):
        return frozenset(re.findall(r"\b[A-Z]\b", text))
    if _JOINED.fullmatch(text) and options and set(text) <= set(options):
        return frozenset(text)
    led = re.match(r"(?:[(\[]([A-Z])[)\]]|([A-Z])[).:\]])\s+\S", text)
    if led:
        return frozenset(led[1] or led[2])
    return by_text(text, options).letters


def _taken(answer: str, options: Mapping[str, str], several: bool) -> Choices:
    said = final(unified(answer))
    plain_text = from_latex(said.text)
    text = (_EMPHASIS.sub("", plain_text).strip() or plain_text).strip()
    text = _BESIDE.sub(" ", text)
    lines = list(dict.fromkeys(line.strip() for line in text.split("\n")[-MOST_LINES:] if line.strip()))
    if not lines:
        return Choices(frozenset(), "no choice")
    whole = bare(" ".join(lines)[-MOST_TEXT:])
    if said.marked or len(lines) == 1:
        forms = (_of_form(text, options, several) for text in (whole, *map(bare, lines)))
        found = next((form for form in forms if form is not None), None) or _leading(whole, options)
    else:
        forms = (_of_form(bare(line), options, several) for line in (lines[0], lines[-1]))
        ends = [form for form in forms if form is not None]
        letters = frozenset().union(*(form.letters for form in ends))
        each = len(lines) == len(ends) == 2 and len(letters) > 1
        found = Choices(frozenset(), several_choices(letters)) if each else ends[-1] if ends else None
    return found or _by_place(whole, options) or _of_prose(whole, options)


def _by_place(text: str, options: Mapping[str, str]) -> Choices | None:
    """`The second option`: an option by its place, where a text says nothing else."""
    found = _PLACE.fullmatch(text.casefold())
    if not found or len(options) < 2:
        return None
    letters = sorted(options)
    place = -1 if found[1] == "last" else _PLACES.index(found[1])
    return Choices(frozenset(letters[place])) if place < len(letters) else None


def _of_form(text: str, options: Mapping[str, str], several: bool) -> Choices | None:
    """What a text takes that is nothing but a choice: letters, a letter with its text, or a text."""
    known = set(options) or set(LETTERS)
    only = _ONLY.fullmatch(text)
    if only and only[1].upper() in known:
        return Choices(frozenset(only[1].upper()))
    if _SEVERAL.fullmatch(text):
        letters = frozenset(re.findall(r"\b[A-Z]\b", text.upper()))
        if len(letters) > 1 and (not several or re.search(r"\bor\b|/", text, re.IGNORECASE)):
            return Choices(frozenset(), several_choices(letters))
        return Choices(letters)
    if several and _JOINED.fullmatch(text) and set(text) <= known:
        return Choices(frozenset(text))
    named = by_text(text, options)
    if named.letters:
        return named
    led = _LED.match(text)
    return _of_led(text, led, options, known) if led else None


def _leading(text: str, options: Mapping[str, str]) -> Choices | None:
    """`B because …` behind "the answer is"."""
    found = re.match(rf"{_OPEN}*([A-Z]){_CLOSE}*(?:\s+([a-z]+)|[,;.])", text)
    if not found or found[1] not in (set(options) or set(LETTERS)):
        return None
    rest = text[found.end(1) :]
    if _NOT_AFTER.match(rest) or _OR.match(rest) or re.match(r"\W*[A-Z]\b", rest):
        return None
    if found[2] in ("or", "and") or (found[2] is not None and found[2] not in _REASON):
        return None
    return Choices(frozenset(found[1]))


def _of_led(text: str, led: re.Match[str], options: Mapping[str, str], known: set[str]) -> Choices | None:
    """`B) Paris`: the letter, unless the text behind it is another option's, or another letter follows."""
    letter = next(group for group in led.groups() if group)
    if letter.upper() not in known or (letter.islower() and letter in "ai" and led[3]):
        return None
    rest = text[led.end() :]
    other = _OR.search(rest)
    if other and _WRONG.search(rest):
        return None
    if other and other[1] != letter.upper() and other[1] in known:
        return Choices(frozenset(), several_choices((letter.upper(), other[1])))
    if _repeats(letter.upper(), rest, options):
        return Choices(frozenset(letter.upper()))
    if _NOT_AFTER.match(text[led.end() - 1 :]) or re.match(
        r"(?:is\s)?(?:wrong|incorrect|false|not)\b", rest, re.I
    ):
        return None
    named = by_text(rest, options).letters
    if named and letter.upper() not in named:
        return Choices(
            frozenset(), f"the letter {letter.upper()} with the text of {', '.join(sorted(named))}"
        )
    return Choices(frozenset(letter.upper()))


def _of_prose(text: str, options: Mapping[str, str]) -> Choices:
    """The letter that a sentence names as its choice, else the option's text in it."""
    known = set(options) or set(LETTERS)
    strong = [*_letters(text, options, _BEHIND, 2), *_letters(text, options, _BEFORE, 2)]
    weak = list(_letters(text, options, _MENTION, 1))
    for found in (strong, weak):
        letters = {letter for letter, _, negated in found if not negated}
        if not letters:
            continue
        end = max(end for _, end, negated in found if not negated)
        other = _OR.match(text[end:])
        if other and other[1] in known:
            letters.add(other[1])
        return (
            Choices(frozenset(letters))
            if len(letters) == 1
            else Choices(frozenset(), several_choices(letters))
        )
    if strong or weak:
        return Choices(frozenset(), "it says only what the choice is not")
    lone = _lone(text, known) or _last(text, known)
    if lone:
        return Choices(frozenset(lone))
    held = within(text, options)
    return held if held.letters or held.note else Choices(frozenset(), "no choice")


def _lone(text: str, known: set[str]) -> str:
    """The one letter that stands in a few words: "Definitely C"."""
    if (
        len(text.split()) > 4
        or len(text) > MOST_FEW
        or NEGATION.search(text.casefold())
        or re.search(r"\b(?:but|or|and)\b|[/?]", text)
    ):
        return ""
    stand = [found for found in _LETTER.finditer(text) if not _NOT_BEFORE.search(text[: found.start()])]
    letters = {found[1] for found in stand} & known
    return letters.pop() if len(letters) == 1 else ""


def _last(text: str, known: set[str]) -> str:
    """The letter that the last of several sentences is: "Not A, as that is in Italy. B."."""
    found = re.search(
        rf"[.!?;]\s+(?:(?:so|thus|therefore|hence),?\s)?{_OPEN}?([A-Z]){_CLOSE}?[.!]?$", text, re.IGNORECASE
    )
    return found[1] if found and found[1] in known else ""


def _repeats(letter: str, rest: str, options: Mapping[str, str]) -> bool:
    """Whether the option's text stands behind its letter; "J. It is wrong to lie" denies nothing."""
    option = plain(options.get(letter, ""))
    return len(option) >= LEAST_REPEATED and plain(rest.lstrip(")]}>.:- \n")).startswith(option)


def _letters(
    text: str, options: Mapping[str, str], form: re.Pattern[str], group: int
) -> Iterator[tuple[str, int, bool]]:
    """Letters that are named: letter, where its mention ends, whether it is denied."""
    known = set(options) or set(LETTERS)
    for found in form.finditer(text):
        letter, end = found[group], found.end(group)
        if letter.upper() not in known or (letter.islower() and not (found[1] if group == 2 else "")):
            continue
        closed = text[end : end + 1] in tuple(")]}>\"'.,:;!") and text[end : end + 1] != ""
        word = re.match(r"\s+([A-Za-z]+)", text[end:])
        if letter in "AI" and not closed and word and word[1].lower() not in _REASON:
            continue  # "the answer is A cat"
        rest = text[end:]
        other = _SENTENCE.match(rest) or _repeats(letter.upper(), rest, options)
        denied = _NOT_AFTER.match(rest) and not other
        negated = bool(_NOT_BEFORE.search(text[: found.start(group)]) or denied)
        yield letter.upper(), end, negated
