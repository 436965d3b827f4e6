"""The working of an arithmetic answer: its steps, their numbers, and what they come to with other numbers.

Two forms are read: calculator annotations, as GSM8K has them (`<<48/2=24>>`, Cobbe et al. 2021,
arXiv 2110.14168, appendix C), and formulas (`( 8.0 - 3.0 )`, `x = 7 + 2`, `7 + 2 = 9`), as SVAMP and ASDiv
have them. All numbers are exact.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Operation", "Step", "Unreadable", "Working", "decimals_of", "number_of", "read_working"]

MOST_STEPS = 24
MOST_CHARACTERS = 200  # of a step
ANNOTATION = re.compile(r"<<([^<>]*)>>")
NUMBER = r"(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
TOKEN = re.compile(rf"\s*(?:({NUMBER})(%?)|([-+*/()]))")
APPLY: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")", "$": " "})


class Unreadable(ValueError):
    """A working that is none, or that says what is not so; the message says why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A part of a step: `+`, `-`, `*` or `/` of two parts.

    Attributes:
        sign: Which.
        left: A part, or the place of a number among the step's.
        right: Likewise.
    """

    sign: str
    left: Operation | int
    right: Operation | int


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        numbers: Its numbers from left to right.
        tree: What is done with them.
        result: What it comes to.
    """

    numbers: tuple[Fraction, ...]
    tree: Operation | int
    result: Fraction

    def values(self, numbers: Sequence[Fraction]) -> Iterator[tuple[str, Fraction]]:
        """Each operation and what it comes to with other numbers, the whole step last.

        Raises:
            ZeroDivisionError: It divides by zero.
        """
        yield from _values(self.tree, numbers)


@dataclass(frozen=True, slots=True)
class Working:
    """The steps of an answer.

    Attributes:
        steps: They; the last one comes to the answer.
        whole: Whether it is one formula of all that the answer needs, so that other numbers of the question
            are there to distract.
    """

    steps: tuple[Step, ...]
    whole: bool


def read_working(text: str, answer: Fraction) -> Working:
    """The working of an answer, recomputed.

    Args:
        text: As the data has it.
        answer: What it must come to.

    Raises:
        Unreadable: It has no step, a step that is none or does not come to what it says, or another end.
    """
    noted = ANNOTATION.findall(text)
    if len(noted) > MOST_STEPS:
        raise Unreadable("its working has too many steps")
    steps = tuple(_step(part) for part in noted) if noted else (_formula(text, answer),)
    if not steps:
        raise Unreadable("its working has no steps")
    if steps[-1].result != answer:
        raise Unreadable("the last step of its working does not come to the answer")
    return Working(steps, whole=not noted)


def number_of(text: str) -> Fraction | None:
    """A number in digits, with commas, a sign, `$` or `%`; `None` for another text."""
    found = re.fullmatch(rf"\s*(-?)\s*\$?\s*({NUMBER})\s*%?\s*", text.replace("−", "-"))
    if found is None:
        return None
    value = Fraction(found[2].replace(",", ""))
    return -value if found[1] else value


def decimals_of(value: Fraction) -> int | None:
    """How many decimals a number needs; `None` where none are enough."""
    for places in range(7):
        if (value * 10**places).denominator == 1:
            return places
    return None


def _step(text: str) -> Step:
    """A step `expression=result` that comes to what it says."""
    expression, equals, result = text.rpartition("=")
    said = number_of(result)
    if not equals or said is None:
        raise Unreadable(f"a step of its working is no sum: {text[:40]!r}")
    step = _parsed(expression)
    if step.result != said:
        raise Unreadable(f"a step of its working is rounded or wrong: {text[:40]!r}")
    return step


def _formula(text: str, answer: Fraction) -> Step:
    """A formula, with or without a name before it, or its result on either side."""
    sides = re.sub(r"\b[a-zA-Z]\b\s*(?==)|(?<==)\s*\b[a-zA-Z]\b", "", text).split("=")
    found = [side for side in sides if side.strip() and number_of(side) is None]
    plain = [side for side in sides if number_of(side) is not None]
    if len(found) != 1 or any(number_of(side) != answer for side in plain):
        raise Unreadable("it has no working that can be computed")
    return _parsed(found[0])


def _parsed(expression: str) -> Step:
    """Parse an expression and compute it."""
    if len(expression) > MOST_CHARACTERS:
        raise Unreadable("a step of its working is too long")
    tokens, at = [], 0
    text = expression.translate(SIGNS).rstrip()
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None:
            raise Unreadable(f"a step of its working is no sum: {expression[:40]!r}")
        tokens.append(token)
        at = token.end()
    reader = _Reader(tokens)
    try:
        tree = reader.sum()
        if reader.tokens:
            raise Unreadable(f"a step of its working is no sum: {expression[:40]!r}")
        numbers = tuple(reader.numbers)
        *_, (_, result) = _values(tree, numbers)
    except (IndexError, ZeroDivisionError, RecursionError) as error:
        raise Unreadable(f"a step of its working is no sum: {expression[:40]!r}") from error
    return Step(numbers, tree, result)


class _Reader:
    """Reads sums, products and brackets."""

    def __init__(self, tokens: list[re.Match[str]]) -> None:
        self.tokens, self.numbers = tokens, list[Fraction]()

    def _sign(self, signs: str) -> str:
        if self.tokens and self.tokens[0][3] and self.tokens[0][3] in signs:
            return str(self.tokens.pop(0)[3])
        return ""

    def sum(self) -> Operation | int:
        found = self._product()
        while sign := self._sign("+-"):
            found = Operation(sign, found, self._product())
        return found

    def _product(self) -> Operation | int:
        found = self._factor()
        while True:
            sign = self._sign("*/")
            if not sign and not (self.tokens and self.tokens[0][3] == "("):  # 2(3 + 4)
                return found
            found = Operation(sign or "*", found, self._factor())

    def _factor(self) -> Operation | int:
        if self._sign("("):
            found = self.sum()
            if not self._sign(")"):
                raise Unreadable("a step of its working has a bracket too many")
            return found
        token = self.tokens.pop(0)
        if not token[1]:
            raise Unreadable("a step of its working has a sign too many")
        value = Fraction(token[1].replace(",", ""))
        self.numbers.append(value / 100 if token[2] else value)
        return len(self.numbers) - 1


def _values(tree: Operation | int, numbers: Sequence[Fraction]) -> Iterator[tuple[str, Fraction]]:
    """Operations below a part and what they come to, the part last."""
    if isinstance(tree, int):
        yield "", numbers[tree]
        return
    left = right = Fraction(0)
    for sign, left in _values(tree.left, numbers):
        if sign:
            yield sign, left
    for sign, right in _values(tree.right, numbers):
        if sign:
            yield sign, right
    yield tree.sign, APPLY[tree.sign](left, right)
