"""Decides whether two answers of a team are the same, by kind of answer, with the standard library alone.

Symbolic equality and similarity of texts need more: the trusted side is asked over the pipe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

__all__ = ["KINDS", "Equality", "choice_of", "number_of", "plain"]

KINDS = ("auto", "exact", "choice", "number", "math", "text")
MAX_ASKED = 4000  # characters of an answer about which the trusted side is asked
CLOSE = 1e-6  # relative
WHOLE = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+|[-+]?\d{1,4000}")
DECIMAL = re.compile(
    r"[-+]?(?:(?:\d{1,3}(?:,\d{3})+|\d{1,300})(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][-+]?\d{1,4})?"
)
FRACTION = re.compile(r"([-+]?\d{1,300})\s*/\s*(\d{1,300})")
ANY_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d{1,300})(?:\.\d{1,300})?(?:[eE][-+]?\d{1,3})?")
LETTER = re.compile(r"[(\[{]?([A-Za-z])[)\]}]?(?:[.:,)]\s.*|[.:,)]|)", re.DOTALL)
SAID_LETTER = re.compile(r"(?i:answer|option|choice)(?i:\s+is)?\s*[:=]?\s*[\"'*(\[{]*([A-J])\b(?!')")

Ask = Callable[[str, str, str, float], "bool | None"]


def plain(text: str) -> str:
    """An answer without formatting: case, blanks, `$`, `\\boxed`, quotation marks, a full stop."""
    text = " ".join(text.split()).strip("$*`\"' ")
    boxed = re.fullmatch(r"\\boxed\s*\{(.*)\}", text)
    text = (boxed[1] if boxed else text).strip("$ ")
    return text.rstrip(".").strip().casefold()


def choice_of(text: str) -> str | None:
    """The letter of a multiple choice answer (`B`, `(b)`, `B) both`, `The answer is B.`), in upper case."""
    text = text.strip().strip("$*`\"' ")
    match = LETTER.fullmatch(text)
    if match:
        return match[1].upper()
    said = SAID_LETTER.findall(text)
    return said[-1].upper() if said else None


def number_of(text: str, anywhere: bool = False) -> float | int | None:
    """The number that an answer is: whole, decimal or a fraction, with commas for thousands, `$` or `%`.

    Args:
        text: The answer.
        anywhere: Take the last number in the text if it is not a number as a whole.

    Returns:
        The number; `None` if there is none.
    """
    text = plain(text).strip("$€£ ")
    percent = text.endswith("%")
    text = text.rstrip("% ").replace("−", "-")
    if WHOLE.fullmatch(text) and not percent:
        return int(text.replace(",", ""))  # exact: large ones differ in digits that a float does not have
    fraction = FRACTION.fullmatch(text)
    value = math.nan
    if fraction and int(fraction[2]):
        value = int(fraction[1]) / int(fraction[2])
    elif DECIMAL.fullmatch(text):
        value = float(text.replace(",", ""))
    elif anywhere:
        found = ANY_NUMBER.findall(text)
        return number_of(found[-1]) if found else None
    value = value / 100 if percent else value
    return value if math.isfinite(value) else None


class Equality:
    """Compares answers of one kind. Asks the trusted side at most once about each pair.

    Args:
        kind: `exact` (case, blanks and formatting do not matter), `choice` (letters), `number`, `math`
            (numbers, then symbolic equality), `text` (similarity), or `auto`: numbers if both are numbers,
            else exact. Only `math` and `text` ask the trusted side.
        ask: (kind, a, b, threshold) -> what the trusted side says; `None`, where it cannot say, counts as
            different.
        threshold: BLEU from which two texts are the same, 0..1.

    Raises:
        ValueError: An unknown kind.
    """

    def __init__(self, kind: str, ask: Ask, threshold: float = 0.9) -> None:
        if kind not in KINDS:
            raise ValueError(f"no kind of answer is called {kind!r}; there are {', '.join(KINDS)}")
        self.kind, self.threshold = kind, min(1.0, max(0.0, float(threshold)))
        self._ask = ask
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, a: str, b: str) -> bool:
        """Whether two answers are the same. An empty answer equals no other."""
        if not a.strip() or not b.strip():
            return False
        if plain(a) == plain(b):
            return True
        decided = self._compare_here(a, b)
        if decided is not None:
            return decided
        if len(a) > MAX_ASKED or len(b) > MAX_ASKED:
            return False
        first, second = sorted((a, b))
        if (first, second) not in self._known:
            self._known[first, second] = self._ask(self.kind, first, second, self.threshold) is True
        return self._known[first, second]

    def _compare_here(self, a: str, b: str) -> bool | None:
        """Whether they are the same, without asking the trusted side; `None` if that has to be asked."""
        if self.kind == "text":
            return None
        if self.kind == "choice":
            letters = choice_of(a), choice_of(b)
            return None not in letters and letters[0] == letters[1]
        if self.kind != "exact":
            x, y = (number_of(t, anywhere=self.kind == "number") for t in (a, b))
            if x is not None and y is not None:
                return _close(x, y)
        return None if self.kind == "math" else False


def _close(x: float, y: float) -> bool:
    if isinstance(x, int) and isinstance(y, int):
        return x == y
    try:
        return math.isclose(x, y, rel_tol=CLOSE, abs_tol=1e-12)
    except OverflowError:
        return False
