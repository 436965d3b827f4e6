r"""Matching a free-text answer with a target: exactly, as a number, or as JSON. Shared by domains.

Text and numbers are looked for in the final answer: the last LaTeX `\boxed{…}`, else what follows the last
`####` (as in GSM8K), else what follows a phrase like "the answer is" or "Answer:", else the whole text.
Nothing here evaluates an answer, and only its last `MAX_TEXT` characters are looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation, localcontext

from domains.domain import Item, Score
from domains.json_match import is_json, is_structure, json_match
from meta_search.errors import DomainError

__all__ = [
    "ANY_OF",
    "Matcher",
    "accepted",
    "any_of",
    "exact",
    "final_answer",
    "matched",
    "matcher",
    "number",
    "numeric",
]

Matcher = Callable[[str, str], bool]

ANY_OF = "any_of"  # in `Item.data`: further answers that are right
MAX_TEXT = 8_000  # characters that are looked at, from the end; normalising takes quadratic time at worst
TOLERANCE = Decimal("1e-6")

_FENCED = re.compile(r"```[\w+-]*[ \t\r]*\n(.*?)\n?```", re.DOTALL)
_PHRASE = re.compile(r"\banswer\s*(?:is\b\s*:?|:|=)", re.IGNORECASE)
_WRAPPERS = (("**", "**"), ("$", "$"), ("`", "`"), ('"', '"'), ("'", "'"), ("\\(", "\\)"), ("\\text{", "}"))
_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(-?\d{1,50})\s*\}\s*\{\s*(\d{1,50})\s*\}")
_NUMBER = re.compile(
    r"""
    (?:(?<![\w)\]])[-+])?                                      # a sign, but 5-3 holds 5 and 3
    (?:\$\s?)?
    (?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)
    (?:[eE][-+]?\d{1,3}(?!\d))?
    (?:\s?/\s?\d+(?![\d.]))?                                  # a fraction
    """,
    re.VERBOSE,
)


def accepted(item: Item) -> tuple[str, ...]:
    """All answers that are right."""
    return (item.target, *item.data.get(ANY_OF, ()))


def any_of(matches: Matcher, item: Item) -> Matcher:
    """A matcher that takes the other right answers of an item, too."""
    others = accepted(item)[1:]
    if not others:
        return matches
    return lambda answer, target: any(matches(answer, right) for right in (target, *others))


def matched(matches: Matcher, answer: str, target: str) -> Score:
    """1 if an answer matches its target, else 0. Never raises."""
    if not isinstance(answer, str) or not answer.strip():
        return Score(0.0, "no answer")
    return Score(float(matches(answer, target)))


def matcher(match: str, targets: Iterable[str]) -> Matcher:
    """The matcher that `domain.match` names.

    Args:
        match: `exact`, `numeric`, `json`, or `auto`: numeric where all targets are numbers, json where
            all are JSON, objects or lists among them, else exact.
        targets: All targets of the domain.

    Raises:
        DomainError: An unknown name, a target without a number where `numeric` was asked for, or one that is
            no JSON where `json` was.
    """
    targets = list(targets)
    if match == "exact":
        return exact
    if match not in ("auto", "numeric", "json"):
        raise DomainError(f"domain.match={match}: must be one of auto, exact, numeric, json")
    if match == "auto":
        # `null` or `"none"` among objects is JSON as well: nothing found.
        if any(map(is_structure, targets)) and all(map(is_json, targets)):
            return json_match
        return numeric if all(_is_number(target) for target in targets) else exact
    if match == "json":
        odd = next((target for target in targets if not is_json(target)), None)
        if odd is not None:
            raise DomainError(
                f"domain.match=json: the answer {odd[:60]!r} is not JSON; use domain.match=exact"
            )
        return json_match
    odd = next((target for target in targets if number(target) is None), None)
    if odd is not None:
        raise DomainError(
            f"domain.match=numeric: the answer {odd[:60]!r} holds no number; use domain.match=exact"
        )
    return numeric


def exact(answer: str, target: str) -> bool:
    """Whether two texts are the same but for case, space, quotes or markdown around, and a full stop."""
    if answer.strip() == target.strip():
        return True
    wanted = _plain(final_answer(target)) or _plain(target)
    fenced = _FENCED.fullmatch(answer.strip()[-MAX_TEXT:])
    if fenced is not None and _plain(fenced[1]) == wanted:
        return True
    return _plain(answer) == wanted or _plain(final_answer(answer)) == wanted


def numeric(answer: str, target: str) -> bool:
    """Whether the answer's number is the target's.

    Integers must be equal; other numbers may differ by one part in a million. `1,234`, `$5.00`, `1/2`, `45%`
    and `-3e2` are numbers; units around them are passed over.
    """
    given, wanted = number(answer), number(target)
    if given is None or wanted is None:
        return False
    with localcontext() as context:
        context.prec = 60
        if wanted == wanted.to_integral_value():
            return given == wanted
        return abs(given - wanted) <= TOLERANCE * abs(wanted)


def number(text: str) -> Decimal | None:
    """The final number of a text: the first after a mark like `####`, else the last; `None` without one."""
    whole = _ascii_signs(text)
    segment = final_answer(whole)
    found = _numbers(segment)
    if not found:
        return None
    return found[0] if segment != whole.strip() else found[-1]


def final_answer(text: str) -> str:
    """The part of a text that is its final answer, without space around it; see the module's docstring."""
    text = text[-MAX_TEXT:]
    boxed = text.rfind("\\boxed{")
    if boxed >= 0:
        return _braced(text[boxed + len("\\boxed{") :]).strip()
    if "####" in text:
        return text.rpartition("####")[2].strip()
    ends = [phrase.end() for phrase in _PHRASE.finditer(text)]
    return (text[ends[-1] :].strip() if ends else "") or text.strip()


def _braced(text: str) -> str:
    """Up to the brace that closes what was opened before the text."""
    depth = 1
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[:index]
    return text


def _plain(text: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", text[-MAX_TEXT:]).casefold().split())
    for _ in range(8):  # wrappers may be nested, as in **"Paris."**
        before = text
        for opening, closing in _WRAPPERS:
            if len(text) > len(opening + closing) and text.startswith(opening) and text.endswith(closing):
                text = text[len(opening) : len(text) - len(closing)].strip()
        if len(text) > 1:
            text = text.rstrip(".!,;:").strip() or text
        if text == before:
            break
    return text


def _numbers(text: str) -> list[Decimal]:
    found = (_decimal(match.group()) for match in _NUMBER.finditer(text))
    return [value for value in found if value is not None]


def _decimal(token: str) -> Decimal | None:
    top, _, bottom = token.replace("$", "").replace(",", "").replace(" ", "").partition("/")
    try:
        with localcontext() as context:
            context.prec = 60
            return Decimal(top) / Decimal(bottom) if bottom else Decimal(top)
    except (InvalidOperation, ZeroDivisionError, ValueError):
        return None


def _ascii_signs(text: str) -> str:
    """With plain minus signs, slashes and fractions for those of Unicode and LaTeX."""
    text = unicodedata.normalize("NFKC", text[-MAX_TEXT:]).replace("\u2212", "-").replace("\u2044", "/")
    return _FRACTION.sub(r"\1/\2", text.replace("{,}", ","))


def _is_number(text: str) -> bool:
    """Whether a target is one number and nothing else but a unit sign."""
    plain = final_answer(_ascii_signs(text)).replace("%", "").strip().rstrip(".")
    return _NUMBER.fullmatch(plain) is not None and number(plain) is not None
