"""Matcher `numeric`: whether an answer's number is the target's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import ClassVar

from domains.domain import Item, Score
from domains.matching.characters import MAX_TEXT
from domains.matching.exact import exact
from domains.matching.final import final_answer
from domains.matching.matcher import NO_ITEM, Matcher
from domains.matching.numerals import Decimals
from domains.matching.reading import read, read_whole
from domains.matching.sentence import Reading

__all__ = ["Mixed", "Numeric", "decimals_of", "number", "numeric", "same_number"]

_COMMA = re.compile(r"[-+]?(?:\d+,(?:\d{1,2}|\d{4,})|0,\d+|\d{1,3}(?:[. '\u00a0\u2009\u202f]\d{3})+,\d+)%?")
_POINT = re.compile(
    r"[-+]?(?:\d+\.(?:\d{1,2}|\d{4,})|0\.\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,})%?"
)


@dataclass(frozen=True)
class Numeric(Matcher):
    """Compares numbers: separators, units, percent, fractions, powers and words around them do not matter.

    Integers must be equal where no tolerance is given; other numbers may differ by one part in a million, and
    those of one or two decimals, as prices, by rounding at most.
    `45%` is 45 or 0.45, as the target has it; `1,234` is 1234 unless decimals have a comma. Where a target
    holds no number, texts are compared as `exact` does.

    Attributes:
        tolerance: By how much numbers may differ.
        relative: The same as a part of the target; of integers where it is not the default.
        text: Whether targets that are more than a number are compared as text, as `exact` does.
        decimals: What stands before decimals where a number does not show it: `.`, `,` or `auto`, as most
            targets have it.
    """

    tolerance: float = 0.0
    relative: float = 1e-6
    text: bool = False
    decimals: str = "auto"

    name: ClassVar[str] = "numeric"
    how: ClassVar[str] = "a number"

    def __post_init__(self) -> None:
        for option in ("tolerance", "relative"):
            if not 0 <= getattr(self, option) < float("inf"):
                raise ValueError(f"{option} must be 0 or more")
        if self.decimals not in ("auto", ".", ","):
            raise ValueError("decimals must be auto, . or ,")

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same number, else 0; the feedback says why an answer has none."""
        wanted = self._of_target(target)
        if wanted.value is None:
            return exact.score(answer, target, item)
        if answer.strip() == target.strip():
            return Score(1.0)
        given = read(answer, self._decimals)
        if given.value is None:
            return Score(0.0, given.note or "no number")
        return Score(float(self._same(given, wanted)))

    def fault(self, target: str) -> str:
        """Why a target has no number."""
        return "" if self._of_target(target).value is not None else "holds no number"

    def fitted(self, targets: Sequence[str]) -> Numeric:
        """With a comma before decimals where targets show it and no mark was named."""
        learns = self.decimals == "auto" and decimals_of(targets) == ","
        return replace(self, decimals=",") if learns else self

    def whole(self, text: str) -> bool:
        """Whether a text is a number and nothing else."""
        return read_whole(text, self._decimals).value is not None

    @property
    def _decimals(self) -> Decimals:
        return "," if self.decimals == "," else ""

    def _of_target(self, target: str) -> Reading:
        whole = read_whole(final_answer(target), self._decimals)
        return whole if whole.value is not None or self.text else read(target, self._decimals)

    def _same(self, given: Reading, wanted: Reading) -> bool:
        assert given.value is not None
        assert wanted.value is not None
        pairs = [(given.value, wanted.value)]
        if given.percent != wanted.percent:  # 45% is the answer to "how many percent" and to "which part"
            with localcontext() as context:
                context.prec = 60
                hundredth = given.value / 100 if given.percent else wanted.value / 100
            if given.percent and abs(wanted.value) < 1:  # 0.5% is no half
                pairs.clear()
            pairs.append((hundredth, wanted.value) if given.percent else (given.value, hundredth))
        return any(same_number(*pair, self.tolerance, self.relative) for pair in pairs)


@dataclass(frozen=True)
class Mixed(Numeric):
    """Compares texts as `exact` does, and numbers with numbers where both are nothing else.

    Attributes:
        text: As of `numeric`.
    """

    text: bool = True

    name: ClassVar[str] = "mixed"
    how: ClassVar[str] = exact.how

    def score(self, answer: str, target: str, item: Item = NO_ITEM) -> Score:
        """1 for the same text or number, else 0."""
        wanted, given = (read_whole(final_answer(text), self._decimals) for text in (target, answer))
        if wanted.value is not None and given.value is not None:
            return Score(float(self._same(given, wanted)))
        return exact.score(answer, target, item)

    def fault(self, target: str) -> str:
        """Nothing can be wrong with a target."""
        return ""

    def fitted(self, targets: Sequence[str]) -> Mixed:
        """Itself: among texts, decimals have a comma only where the option says so."""
        return self


def same_number(given: Decimal, wanted: Decimal, tolerance: float = 0.0, relative: float = 1e-6) -> bool:
    """Whether two numbers are the same within tolerances; integers must be equal by default."""
    with localcontext() as context:
        context.prec = MAX_TEXT + 60
        if given == wanted:
            return True
        context.prec = 60
        most = Decimal(str(tolerance))
        if relative != Numeric.relative:
            most = max(most, Decimal(str(relative)) * abs(wanted))
        elif wanted != wanted.to_integral_value():
            most = max(most, min(Decimal(str(relative)) * abs(wanted), _half_of_last_place(wanted)))
        return abs(given - wanted) <= most


def _half_of_last_place(wanted: Decimal) -> Decimal:
    """What rounding may do to a number of one or two decimals, as a price; of others it is unknown."""
    places = -int(wanted.as_tuple().exponent)
    return Decimal(5).scaleb(-places - 1) if 0 < places <= 2 else Decimal("Infinity")


def decimals_of(targets: Iterable[str]) -> str:
    """`,` where targets show that decimals have a comma and none that they have a point; else `.`."""
    shown = [(bool(_COMMA.fullmatch(t)), bool(_POINT.fullmatch(t))) for t in map(str.strip, targets)]
    return "," if any(comma for comma, _ in shown) and not any(point for _, point in shown) else "."


numeric = Numeric()


def number(text: str) -> Decimal | None:
    """The number that a text says; `None` where it says none, or no single one."""
    return read(text).value
