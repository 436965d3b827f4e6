"""Compares two answers with libraries, in confined children; `trusted.equality` asks.

Mathematics: LaTeX is parsed by latex2sympy and plain expressions by SymPy's parser, with mathematical names
only; math-verify compares them. Free text: sentence BLEU (Papineni et al. 2002) by sacrebleu, in lower case,
as DyLAN's published code compares it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from meta_search.errors import DomainError

__all__ = ["EqualityScore", "load"]

# What expressions may consist of. SymPy's parser evaluates Python: without quotes, dunders and attributes
# there is nothing to break out with.
ALLOWED = re.compile(r"(?:[0-9A-Za-z+\-*/^(),=<>\[\]{}|! \t\r\n\\&%':;~]|_(?!_)|\.(?![A-Za-z_]))*")
NAMES = (
    *(
        "Integer Float Rational Symbol Function sqrt cbrt root exp log ln sin cos tan cot sec csc asin acos"
    ).split(),
    *(
        "atan sinh cosh tanh asinh acosh atanh pi E I oo Abs Min Max floor ceiling factorial factorial2"
    ).split(),
    *("binomial gcd lcm Eq Ne Lt Le Gt Ge").split(),
)
PROSE = 3  # a text with an unknown word of so many letters is no expression
WARM_UP = (
    *((r"\frac{x^2+1}{2}", "(x**2 + 1)/2"), (r"\sqrt{8}", "2 sqrt(2)"), (r"\{1,2\}", "{2, 1}")),
    ("(x+1)^2", "x^2+2x+1"),  # to simplify takes modules whose import is a second on a slow machine
)


class EqualityScore(NamedTuple):
    """What this scorer returns.

    Attributes:
        value: 1 for equal, 0 for different; of `bleu` the score, 0..1.
        feedback: Always empty; scorers return one.
    """

    value: float
    feedback: str = ""


def load() -> Callable[[tuple[str, str, float], str, Any], EqualityScore]:
    """Import the libraries.

    Returns:
        `same((kind, b, threshold), a, run)`, a scorer whose item is a question and whose answer is `a`.

    Raises:
        DomainError: A library is not installed.
    """
    try:
        import math_verify
        import sacrebleu
    except ImportError as error:
        raise DomainError(f"{error.name} is not installed: pip install math-verify sacrebleu") from error
    logging.disable(logging.CRITICAL)
    names = _names()

    def mathematics(a: str, b: str) -> bool:
        first, second = (_expression(text, names) for text in (a, b))
        if first is None or second is None:
            return False
        return bool(math_verify.verify([first], [second], timeout_seconds=None))

    def formulas(answer: str, target: str) -> bool:
        try:
            given, wanted = (_formulas(text, math_verify) for text in (answer, target))
            if given and wanted and math_verify.verify(wanted, given, timeout_seconds=None):
                return True
        except Exception:  # noqa: BLE001 - as below
            return False
        first, second = (_expression(text, names) for text in (target, answer))
        if first is None or second is None:
            return False
        return bool(math_verify.verify([first], [second], timeout_seconds=None))

    def text(a: str, b: str, threshold: float) -> bool:
        scores = [sacrebleu.sentence_bleu(x, [y], lowercase=True).score for x, y in ((a, b), (b, a))]
        return min(scores) >= 100 * threshold - 1e-9

    def same(question: tuple[str, str, float], a: str, _run: Any) -> EqualityScore:
        kind, b, threshold = question
        if kind == "bleu":  # a domain's matcher asks for the score itself
            return EqualityScore(sacrebleu.sentence_bleu(a, [b], lowercase=True).score / 100)
        if kind == "formula":  # likewise: `b` is right
            return EqualityScore(float(formulas(a, b)))
        equal = mathematics(a, b) if kind == "math" else text(a, b, threshold)
        return EqualityScore(float(equal))

    # Much of these libraries is loaded on first use, which is too late for children: they can't read files.
    for a, b in WARM_UP:
        mathematics(a, b)
        formulas(a, b)
    text("a b c d", "a b c e", 0.9)
    return same


def _names() -> dict[str, Any]:
    import sympy

    return {"__builtins__": {}, **{name: getattr(sympy, name) for name in NAMES}}


def _expression(text: str, names: Mapping[str, Any]) -> Any:
    """A text as a SymPy value; `None` if it is not an expression."""
    text = _bare(text)
    if not text or not ALLOWED.fullmatch(text):
        return None
    percent = re.fullmatch(r"(.*?)\s*\\?%", text, re.DOTALL)
    try:
        if percent:
            return _expression(percent[1], names) / 100
        return _latex(text) if "\\" in text else _plain(text, names)
    except Exception:  # noqa: BLE001 - parsers raise anything on what they don't know
        return None


def _formulas(text: str, math_verify: Any) -> Any:
    """A text as math-verify reads it: also `\\sqrt3`, `1,2` as a set, units. Empty where it reads nothing.

    Only LaTeX is looked for: what it has for plain expressions evaluates Python.
    """
    if not ALLOWED.fullmatch(text):
        return []
    settings = [math_verify.LatexExtractionConfig()]
    return math_verify.parse(f"${_bare(text)}$", settings, parsing_timeout=None)


def _latex(text: str) -> Any:
    from latex2sympy2_extended import latex2sympy

    return latex2sympy(text)


def _plain(text: str, names: Mapping[str, Any]) -> Any:
    import sympy
    from sympy.parsing import sympy_parser as parser

    words = re.findall(r"[A-Za-z]+", text)
    if any(len(word) >= PROSE and word not in names for word in words):
        return None
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text) if not re.search(r"[\[({]", text) else text
    if text.count("=") == 1 and not re.search(r"[<>!]=", text):
        left, right = (_plain(side, names) for side in text.split("="))
        # `x = 5` is the answer 5; any other equation stays one.
        return right if isinstance(left, sympy.Symbol) else sympy.Eq(left, right)
    steps = (
        *parser.standard_transformations,
        parser.convert_xor,
        parser.implicit_multiplication_application,
    )
    value = parser.parse_expr(text, global_dict=dict(names), transformations=steps)
    return sympy.sympify(value)


def _bare(text: str) -> str:
    """An answer without the dollars, box and full stop around it."""
    text = text.strip()
    for before, after in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        if text.startswith(before) and text.endswith(after) and len(text) > len(before + after):
            text = text[len(before) : -len(after)].strip()
    boxed = re.fullmatch(r"\\boxed\s*\{(.*)\}", text, re.DOTALL)
    return (boxed[1] if boxed else text).strip().rstrip(".").strip()
