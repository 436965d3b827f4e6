"""Matchers that need a library or a sandbox: `math`, `bleu`, `code`. They compare in a confined process.

In this process (`Domain.score`) they compare only what needs neither; a run asks the confined scorer that
`domains.matching.confined` makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from domains.domain import Item, Score
from domains.json_match import parsed
from domains.matching.characters import MAX_TEXT
from domains.matching.exact import exact
from domains.matching.feedback import read_as, short, words
from domains.matching.final import bare, final
from domains.matching.matcher import NO_ITEM, Matcher
from domains.matching.numeric import Numeric
from domains.matching.overlap import said, words_of
from domains.matching.program_tests import tests_of
from meta_search.text import one_line

__all__ = ["Bleu", "Code", "Compare", "LibraryMatcher", "Math", "TookTooLong"]

Compare = Callable[[str, str, str], float]
"""(kind, answer, target) -> what a library says, 0..1."""

ELSEWHERE = "compared only in a run: it takes a confined process"
MOST_ERROR = 400  # characters of what a program says that fails
MOST_MATH = 1_000  # characters of a formula
MOST_BRACKETS = 40  # of a formula, one in the other

_INLINE = re.compile(r"(?<!\\)\$([^$]{1,1000})(?<!\\)\$|\\\((.{1,1000}?)\\\)")
_BLOCK = re.compile(r"```(?:python|py)?[ \t\r]*\n(.*?)(?:\n```|\Z)", re.DOTALL | re.IGNORECASE)
_BOX = re.compile(r"\\boxed\s*\{((?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*)\}")
_BETWEEN = re.compile(r"(?:\s|[,;$]|\\[()\[\]]|\\q?quad|\\text\s*\{\s*(?:and|or)\s*\}|\band\b|\bor\b){1,40}")
_PAIR = re.compile(r"[(\[{][^()\[\]{}]*[,;][^()\[\]{}]*[)\]}]")
_ROOT = re.compile(r"√\s?(?:\(([^()]{1,200})\)|(\d+(?:\.\d+)?|[A-Za-z]))")
_SIGNS = {
    "∞": "\\infty ",
    "≤": "\\le ",
    "≥": "\\ge ",
    "≠": "\\ne ",
    "∪": "\\cup ",
    "∩": "\\cap ",
    "∈": "\\in ",
    "∅": "\\emptyset ",
    "·": "\\cdot ",
    "×": "\\times ",
    "÷": "\\div ",
}
_EXPONENT = re.compile(r"\^\{([^{}]{1,40})\}")
_NAMED = re.compile(r"([A-Za-z])\s?=(?!=)")
_UNIT = re.compile(r"(?<=[\d}])(?:\\[ ,;]|\s|~)*\\(?:text|mathrm|mbox)\s?\{[^{}]{1,40}\}(?:\^\{?\d\}?)?\s*$")

# A power of a power, an exponent or a factorial of many digits: evaluating it takes all time and memory.
_TOWER = re.compile(
    r"(?:\^|\*\*)\s*[{(]?\s*[-+]?(?:\d{4,}|[\d.]+\s*[})]?\s*(?:\^|\*\*|!))|\d{4,}\s*[})]?\s*!|!\s*!|"
    r"(?:factorial2?|binomial)\s*[({]"
)


class TookTooLong(BaseException):
    """A comparison went on for too long. No library that catches every `Exception` keeps it."""


class LibraryMatcher(Matcher):
    """A matcher whose full comparison needs a library, or runs the answer."""

    def compared(self, answer: str, target: str, compare: Compare, run: Any) -> Score:
        """What an answer is worth, in the confined process.

        Args:
            answer: The answer as it was given.
            target: A right answer.
            compare: Asks a library.
            run: `run(code, stdin, timeout) -> (ok, printed)`, in a sandbox that knows no target.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Math(LibraryMatcher):
    """Whether two formulas are equal: first as texts and numbers, then symbolically, by math-verify.

    Attributes:
        tolerance: By what part of the target a number may differ.
    """

    tolerance: float = 1e-6

    name: ClassVar[str] = "math"
    how: ClassVar[str] = "a formula or a number, compared symbolically"
    library: ClassVar[str] = "math"

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same text or number, else 0: formulas are compared in a run only."""
        same = exact(answer, target) or self._same_number(answer, target)
        return Score(1.0) if same else Score(0.0, ELSEWHERE)

    def compared(self, answer: str, target: str, compare: Compare, run: Any) -> Score:
        """1 for equal formulas, else 0."""
        given, wanted = (_formula(text) for text in (answer, target))
        names = [found[1] for text in (given, wanted) if (found := _NAMED.match(text))]
        if len(set(names)) > 1:
            return Score(0.0, f"it says {names[0]}, not {names[1]}")
        if self.score(answer, target).value >= 1:
            return Score(1.0)
        if len(given) > MOST_MATH or _TOWER.search(given) or _brackets(given) > MOST_BRACKETS:
            return Score(0.0, "a formula that is too large to compare")
        try:
            if compare("formula", given, wanted) >= 1.0:
                return Score(1.0)
            return Score(0.0, read_as(given, wanted))
        except TookTooLong:
            return Score(0.0, "a formula that takes too long to compare")

    def _same_number(self, answer: str, target: str) -> bool:
        numbers = Numeric(relative=self.tolerance)
        wanted = final(target).text
        if _PAIR.search(wanted) or _PAIR.search(final(answer).text):  # (0,9) is no 0.9
            return False
        return numbers.whole(wanted) and numbers(answer, target)


def _formula(text: str) -> str:
    """The formula of a text: what is marked in it, without dollars, stops, units and the words around it."""
    said = bare(_boxes(text) or final(text).text)
    inline = _INLINE.search(said)
    inner = (inline[1] or inline[2]) if inline else said
    plain = _UNIT.sub("", _in_latex(bare(inner))).strip()
    return plain if "\\" in plain else _EXPONENT.sub(r"^(\1)", plain)  # braces are LaTeX


def _in_latex(text: str) -> str:
    """A formula with LaTeX's words for signs that math-verify does not know: `2√3`, `[0, ∞)`."""
    if text.isascii():
        return text
    text = _ROOT.sub(lambda found: f"\\sqrt{{{found[1] or found[2]}}}", text)
    return "".join(_SIGNS.get(character, character) for character in text)


def _boxes(text: str) -> str:
    r"""Answers in several boxes with nothing but "and" between them, as a list: `\boxed{1} and \boxed{2}`."""
    text = text[-MAX_TEXT:]
    found: list[str] = []
    end = 0
    for box in _BOX.finditer(text):
        if found and not _BETWEEN.fullmatch(text[end : box.start()]):
            found = []
        found.append(box[1])
        end = box.end()
    return ", ".join(found) if len(found) > 1 else ""


def _brackets(text: str) -> int:
    """How deep brackets stand in one another."""
    depth = most = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        most = max(most, depth)
    return most


@dataclass(frozen=True)
class Bleu(LibraryMatcher):
    """Sentence BLEU in lower case, by sacrebleu (Papineni et al. 2002).

    Attributes:
        extract: Whether only the final answer is compared, where something marks it.
    """

    extract: bool = True

    name: ClassVar[str] = "bleu"
    how: ClassVar[str] = "a text, scored by the runs of words that it shares with the right one (BLEU)"
    library: ClassVar[str] = "bleu"

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same text, else 0: BLEU is computed in a run only."""
        same = " ".join(answer.casefold().split()) == " ".join(target.casefold().split())
        return Score(1.0) if same else Score(0.0, ELSEWHERE)

    def compared(self, answer: str, target: str, compare: Compare, run: Any) -> Score:
        """BLEU, 0..1."""
        if self.score(answer, target).value >= 1:
            return Score(1.0)
        text = said(answer, self.extract)
        value = min(1.0, compare(self.library, text, target))
        return Score(value, words(words_of(text), words_of(target)) if value < 1 else "")


@dataclass(frozen=True)
class Code(LibraryMatcher):
    """Runs the answer, a program, in a sandbox that knows no target, and compares what it prints.

    A target is what the program prints, or JSON `[[stdin, stdout], …]` with a case each: the score is 1 where
    all are right, else 0, and the feedback names the first that is not. Or it is tests of `assert`, which run
    apart from the program, see `program_tests`: JSON `["assert f(1) == 2", …]`, or an object with `test`,
    `entry_point` and `prompt`.

    Attributes:
        timeout: Seconds that a case may take.
    """

    timeout: float = 5.0

    name: ClassVar[str] = "code"
    how: ClassVar[str] = "a Python program, scored by what it prints or by tests"
    library: ClassVar[str] = "code"
    targets_answer: ClassVar[bool] = False
    whole_lists: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= 30:
            raise ValueError("timeout must be more than 0 and at most 30")

    def fault(self, target: str) -> str:
        """Tests that are no Python are the table's fault, not an answer's."""
        try:
            tests_of(target)
        except (SyntaxError, ValueError) as error:
            return f"holds tests that are no Python: {error}"
        return ""

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """0: programs run in a sandbox only."""
        return Score(0.0, ELSEWHERE)

    def compared(self, answer: str, target: str, compare: Compare, run: Any) -> Score:
        """1 where every case prints what it should, else 0."""
        tests = tests_of(target)
        if tests is not None:
            return tests.score(answer, run, self.timeout)
        program = _program(answer)
        cases = _cases(target)
        for number, (stdin, wanted) in enumerate(cases, 1):
            ok, printed = run(program, stdin=stdin, timeout=self.timeout)
            if ok and _lines(printed) == _lines(wanted):
                continue
            case = f"case {number} of {len(cases)}" + (f", input {short(repr(stdin))}" if stdin else "")
            if not ok:
                return Score(0.0, f"{case}: {one_line(printed[-MOST_ERROR:]) or 'it did not end well'}")
            texts = (short(repr(text.strip())) for text in (printed, wanted))
            return Score(0.0, "{}: it printed {}, expected {}".format(case, *texts))
        return Score(1.0)


def _program(answer: str) -> str:
    """The program of an answer: the first fenced block with a function, else the first, else all of it."""
    blocks = _BLOCK.findall(answer)
    return next((block for block in blocks if "def " in block), blocks[0] if blocks else answer)


def _cases(target: str) -> list[tuple[str, str]]:
    value = parsed(target) if target.lstrip().startswith("[") else None
    if isinstance(value, list) and value and all(isinstance(c, list) and len(c) == 2 for c in value):
        return [(str(stdin), str(stdout)) for stdin, stdout in value]
    return [("", target)]


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().split("\n")]
