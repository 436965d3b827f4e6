"""Whether two answers are the same, by kind of answer, as far as the standard library can tell.

Beyond that (symbolic equality, likeness of texts) the trusted side is asked over the pipe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

__all__ = ["KINDS", "Equality", "choice_of", "number_of", "plain"]

KINDS = ("auto", "exact", "choice", "number", "math", "text")
MOST_ASKED = (
    4000  # characters of an answer that is compared by asking; longer ones are compared as they stand
)
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
    """An answer without what is only dress: case, blanks, `$`, a box, quotation marks, a full stop."""
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
    """The number that an answer is: whole, decimal, a fraction, with thousands' commas, `$` or `%`.

    Args:
        text: The answer.
        anywhere: Take the last number of a sentence, where the whole of it is none.
    """
    text = plain(text).strip("$€£ ")
    percent = text.endswith("%")
    text = text.rstrip("% ").replace("−", "-")
    if WHOLE.fullmatch(text) and not percent:
        return int(text.replace(",", ""))  # exact: large ones differ in places that a float has not
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
    """Compares answers of one kind; every question is put to the trusted side once.

    Args:
        kind: `exact` (but for case, blanks and dress), `choice` (letters), `number`, `math` (numbers, then
            symbolic equality), `text` (likeness), or `auto`: numbers where both are, else exact. None but
            `math` and `text` ever ask.
        ask: (kind, a, b, threshold) -> the verdict of the trusted side, `None` where it gives none: then
            answers differ.
        threshold: BLEU from which two texts are the same, 0..1.
    """

    def __init__(self, kind: str, ask: Ask, threshold: float = 0.9) -> None:
        if kind not in KINDS:
            raise ValueError(f"no kind of answer is called {kind!r}; there are {', '.join(KINDS)}")
        self.kind, self.threshold = kind, min(1.0, max(0.0, float(threshold)))
        self._ask = ask
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, a: str, b: str) -> bool:
        """Whether two answers are the same. An empty one is the same as none."""
        if not a.strip() or not b.strip():
            return False
        if plain(a) == plain(b):
            return True
        verdict = self._here(a, b)
        if verdict is not None:
            return verdict
        if len(a) > MOST_ASKED or len(b) > MOST_ASKED:
            return False
        first, second = sorted((a, b))
        if (first, second) not in self._known:
            self._known[first, second] = self._ask(self.kind, first, second, self.threshold) is True
        return self._known[first, second]

    def _here(self, a: str, b: str) -> bool | None:
        """What can be told without asking; `None` where it can't."""
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
